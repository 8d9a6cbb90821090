"""The API as an ASGI application, and the process that serves it (`penstock api`)."""

import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import FrameType
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI

from penstock import __version__
from penstock.api import (
    approval_control,
    approvals,
    calls,
    cancellations,
    case_reviews,
    dead_letters,
    dead_letters_bulk,
    health,
    keys,
    metrics,
    operator_actions,
    problems,
    retries,
    run_commands,
    run_control,
    run_resources,
    run_results,
    runs,
)
from penstock.api import workflows as workflow_resources
from penstock.api.accepted import AcceptedRuns
from penstock.api.admission import Admission, Limits
from penstock.api.authentication import Authentication
from penstock.api.callers import Caller
from penstock.api.dead_letter_desk import Desk
from penstock.api.door import Door
from penstock.api.inbox import ACKNOWLEDGED_S_DEFAULT, EFFECT_S_DEFAULT, Inbox
from penstock.api.key_ring import KeyRing
from penstock.api.limits import BODY_BYTES_MAX_DEFAULT, BodyLimit, RequestLimit
from penstock.api.metrics import Counting
from penstock.api.tokens import tokens_of
from penstock.api.tracing import SOURCE, Tracing
from penstock.api.views import Views
from penstock.declare.application import Application, load_application
from penstock.producers.errors import LogError
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import SoonLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring, Signer
from penstock.runtime.closing import end_within
from penstock.runtime.meters import PROCESS, Meters
from penstock.runtime.postgres_backlog import observe_queues
from penstock.runtime.settings import Settings
from penstock.runtime.telemetry import Telemetry, resource_of, start
from penstock.schemas.codec import codec_for

# For requests under way, and then for the log's answers.
CLOSE_S = 10.0
END_S = 2 * CLOSE_S + 2
BUFFER_RECORDS_MAX = 1_000
_RESOURCES = (
    case_reviews,
    cancellations,
    workflow_resources,
    run_resources,
    run_commands,
    run_results,
    runs,
    run_control,
    retries,
    approvals,
    approval_control,
    calls,
    operator_actions,
    health,
)


def create_app(
    settings: Settings,
    *,
    log: SoonLog | None = None,
    application: Application | None = None,
    body_bytes_max: int = BODY_BYTES_MAX_DEFAULT,
    acknowledged_s: float = ACKNOWLEDGED_S_DEFAULT,
    effect_s: float = EFFECT_S_DEFAULT,
    telemetry: Telemetry | None = None,
) -> FastAPI:
    """The application. `log` and `application` replace the ones that the settings name.

    Raises NotConfigured (API keys, OIDC), SigningError (signing keys), DeclarationError (application). It connects
    when it is first asked, so that broker and database may still be starting.
    """
    ring = KeyRing(settings.api_keys_file, settings)
    authentication = Authentication(ring, tokens_of(settings))
    signer = Keyring.load(settings.keys_file).signer(Authority.API)
    loaded = application or load_application(settings.application)
    kept = log or KafkaLog(settings.kafka_bootstrap_servers, SOURCE, close_s=CLOSE_S)
    publisher = _publisher(settings, signer, kept)
    views = Views(settings)
    inbox = Inbox(publisher, views, acknowledged_s, effect_s)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            # What the log hasn't answered by now was never acknowledged to anybody.
            with suppress(LogError):
                publisher.close(CLOSE_S)
            ring.close()
            views.close()
            if log is None:
                kept.close()

    app = FastAPI(
        title="Penstock",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    admission = Admission(views, Limits.of(settings))
    door = Door(settings, authentication, views, inbox, AcceptedRuns(), admission, loaded, kept)
    for resource in _RESOURCES:
        app.include_router(resource.routes(door))
    desk = Desk(door)
    # The bulk paths first: to the others `redrive` would be an id.
    for letters in (dead_letters_bulk, dead_letters):
        app.include_router(letters.routes(door, desk))
    counted = telemetry or Telemetry(PROCESS, resource_of(SOURCE))
    app.include_router(metrics.routes(door, counted))
    app.include_router(keys.routes(door, ring))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(caller: Annotated[Caller, Depends(authentication)]) -> dict[str, Any]:
        return app.openapi()

    problems.install(app)
    _surround(app, settings, body_bytes_max, counted.meters)
    return app


def _surround(app: FastAPI, settings: Settings, body_bytes_max: int, meters: Meters) -> None:
    """What every request passes, the last one first."""
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max)
    app.add_middleware(RequestLimit, requests_max=settings.api_requests_max)
    app.add_middleware(Counting, meters=meters)
    app.add_middleware(Tracing)


def _publisher(settings: Settings, signer: Signer, kept: SoonLog) -> Publisher:
    """A full buffer means that the log is away: it says so at once instead of holding the caller."""
    codec = codec_for(settings.schema_registry_url)
    return Publisher(kept, codec, signer, SOURCE, buffer_records_max=BUFFER_RECORDS_MAX, buffer_wait_s=0)


def main() -> int:
    """`penstock api`: serve until SIGTERM or SIGINT; 0 after a clean stop."""
    settings = Settings.load()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        # Once uvicorn has shut down it raises the signal again: by then there is nothing left to do.
        signal.signal(number, lambda *_: None)
    telemetry = start(SOURCE, settings.worker_name)
    observe_queues(telemetry.meters, settings)
    config = uvicorn.Config(
        create_app(settings, telemetry=telemetry),
        host=settings.api_host,
        port=settings.api_port,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(CLOSE_S),
    )
    _Server(config).run()
    telemetry.close()
    return 0


class _Server(uvicorn.Server):
    """Ends in time also when a thread waits for something that doesn't come."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT has come."""
        end_within(END_S, lambda: 1)
        super().handle_exit(sig, frame)
