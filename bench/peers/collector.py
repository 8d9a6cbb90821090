"""A collector that takes all that Penstock's workers export of metrics and traces, and forgets it.

So that they are compared with telemetry on, as they run in production: exporting costs them what it costs there.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Collector(ThreadingHTTPServer):
    """Listens on a port of its own; `exports` counts what came, by path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.exports: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """Where exporters send to."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def named(self) -> Iterator[None]:
        """Processes that are started in the block export to it; others, the peers' among them, don't."""
        before = os.environ.get(ENDPOINT)
        os.environ[ENDPOINT] = self.url
        try:
            yield
        finally:
            if before is None:
                del os.environ[ENDPOINT]
            else:
                os.environ[ENDPOINT] = before


class _Taking(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Success, in the few words that an exporter wants."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert isinstance(self.server, Collector)
        self.server.exports[self.path] += 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """It listens until the block is left."""
    made = Collector()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join()
