"""A small real HTTP server that speaks Confluent's REST interface, and a client of it whose clock tests move."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

from penstock.schemas.confluent import LiveSchemas

CANCEL = "penstock.run.CancelRun"
Answer = tuple[int, Any]


class Registry(BaseHTTPRequestHandler):
    """Routes of a schema registry over lists in memory; `answers` come first, one a request."""

    texts: ClassVar[list[str]] = []
    subjects: ClassVar[dict[str, list[int]]] = {}
    requests: ClassVar[list[str]] = []
    answers: ClassVar[list[Answer]] = []
    protocol_version = "HTTP/1.1"
    first_id = 100_001

    def do_GET(self) -> None:
        self.requests.append(f"GET {self.path}")
        found = re.fullmatch(r"/schemas/ids/(\d+)", self.path)
        place = int(found[1]) - self.first_id if found else -1
        if self.answers:
            self._answer(*self.answers.pop(0))
        elif 0 <= place < len(self.texts):
            self._answer(200, {"schema": self.texts[place]})
        else:
            self._answer(404, {"error_code": 40403, "message": "Schema not found"})

    def do_POST(self) -> None:
        self.requests.append(f"POST {unquote(self.path)}")
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        found = re.fullmatch(r"/subjects/([^/]+)/versions", self.path)
        if self.answers:
            self._answer(*self.answers.pop(0))
        elif found and asked["schemaType"] == "AVRO" and json.loads(asked["schema"]):
            if asked["schema"] not in self.texts:
                self.texts.append(asked["schema"])
            schema_id = self.first_id + self.texts.index(asked["schema"])
            self.subjects.setdefault(unquote(found[1]), []).append(schema_id)
            self._answer(200, {"id": schema_id})
        else:
            self._answer(422, {"error_code": 42201, "message": "Invalid schema"})

    def _answer(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Tests tell what was asked, not the terminal."""


@contextmanager
def serving(handler: type[Registry], port: int = 0) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self, while_asleep: Callable[[], object] = lambda: None) -> None:
        self.now = 0.0
        self._while_asleep = while_asleep

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._while_asleep()


def live(url: str, clock: Clock | None = None) -> LiveSchemas:
    clock = clock or Clock()
    return LiveSchemas(url, clock=clock, sleep=clock.sleep)
