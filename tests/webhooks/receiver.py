"""A receiver of webhooks that a test has answer, be slow, die and come back."""

import json
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One post as it came."""

    headers: dict[str, str]
    body: bytes
    path: str = ""
    status: int = 204

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


@dataclass
class Receiver:
    """Listens on a port of its own, which it keeps when it dies and comes back."""

    status: int = 204
    slow_s: float = 0.0
    tls: ssl.SSLContext | None = None
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    port: int = 0
    under_way: int = 0
    most_under_way: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> Counter[str]:
        """How often each webhook-id came."""
        return Counter(each.webhook_id for each in self.received)

    def start(self) -> "Receiver":
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.under_way += 1
                outer.most_under_way = max(outer.most_under_way, outer.under_way)
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = outer.status
                outer.received.append(Received(headers, body, self.path, status))
                time.sleep(outer.slow_s)
                outer.under_way -= 1
                try:
                    self.send_response(status)
                    for name, value in outer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                except OSError:
                    pass  # Who posted has lost patience.

            def log_message(self, format: str, *_: object) -> None:
                """Says nothing."""

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        if self.tls is not None:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
