"""The API on a port of its own: streams need a real connection, which a client may leave."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn

from penstock import Application
from penstock.api.app import create_app
from penstock.api.sending import Streams
from penstock.api.serving import Server
from penstock.cli.local import ports
from penstock.runtime import metric_names as names
from penstock.runtime.meters import Meters
from penstock.runtime.settings import Settings
from penstock.runtime.telemetry import Telemetry, resource_of
from tests.api.conftest import Api, case_review
from tests.api.streams.reading import Reader
from tests.integration.processes import eventually


@dataclass
class Served:
    """A server, and a client of it."""

    api: Api
    server: Server
    streams: Streams
    meters: Meters
    client: httpx.Client
    port: int

    def open(self, kind: str = "run") -> float:
        """How many streams there are."""
        return self.meters.value(names.STREAMS, kind)

    def until_open(self, number: int, kind: str = "run") -> None:
        eventually(lambda: self.open(kind) == number, 20, lambda: f"{self.open(kind)} streams, not {number}")

    def read(
        self,
        path: str,
        who: str = "ana",
        enough: Callable[[Reader], bool] = lambda _: False,
        last_id: str | None = None,
    ) -> Reader:
        return Reader(last_id).read(self.client, path, self.api.as_(who), enough)


@contextmanager
def serving(api: Api, settings: Settings) -> Iterator[Served]:
    """Serve it in a thread; what is open at the end is ended as by SIGTERM."""
    meters = Meters()
    app = create_app(
        settings,
        log=api.log,
        application=Application("tests", workflows=(case_review,)),
        telemetry=Telemetry(meters, resource_of("tests")),
    )
    port = ports.free_port()
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=10)
    streams: Streams = app.state.streams
    server = Server(config, streams.close)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, 20, lambda: "the server doesn't start")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield Served(api, server, streams, meters, client, port)
    finally:
        server.should_exit = True
        began_s = time.monotonic()
        thread.join(30)
        assert not thread.is_alive(), time.monotonic() - began_s


@pytest.fixture
def served(api: Api) -> Iterator[Served]:
    with serving(api, api.settings.model_copy(update={"api_stream_heartbeat_s": 0.5})) as made:
        yield made
