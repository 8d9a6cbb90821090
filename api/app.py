"""The API as an ASGI application, and the process that serves it (`penstock api`)."""

import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI

from penstock import __version__
from penstock.api import problems
from penstock.api.accepted import AcceptedRuns
from penstock.api.admission import Admission, Limits
from penstock.api.answers import Answers
from penstock.api.authentication import Authentication
from penstock.api.callers import Caller
from penstock.api.description import describe
from penstock.api.door import CallbackDoor, Door
from penstock.api.framing import Framing
from penstock.api.inbox import ACKNOWLEDGED_S_DEFAULT, EFFECT_S_DEFAULT, Inbox
from penstock.api.key_ring import KeyRing
from penstock.api.limits import BODY_BYTES_MAX_DEFAULT, BodyLimit, RequestLimit
from penstock.api.metrics import Counting
from penstock.api.rates import RateHeaders, Rates
from penstock.api.receipts import Receipts
from penstock.api.resources import routers
from penstock.api.sending import Streams
from penstock.api.serving import CLOSE_S, Server, bounded
from penstock.api.tokens import tokens_of
from penstock.api.tracing import SOURCE, Tracing
from penstock.api.views import Views
from penstock.declare.application import Application, load_application
from penstock.producers.callbacks import CallbackTokens
from penstock.producers.errors import LogError, NoSuchKey
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import SoonLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring, Signer
from penstock.runtime.meters import PROCESS, Meters
from penstock.runtime.postgres_backlog import observe_queues
from penstock.runtime.postgres_webhook_gauges import observe_webhooks
from penstock.runtime.settings import Settings
from penstock.runtime.telemetry import Telemetry, resource_of, start
from penstock.schemas.codec import codec_for

BUFFER_RECORDS_MAX = 1_000


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
    loaded = application or load_application(settings.application)
    kept = log or KafkaLog(settings.kafka_bootstrap_servers, SOURCE, close_s=CLOSE_S)
    door = _door(settings, ring, loaded, kept, (acknowledged_s, effect_s))
    inbox, callbacks = door.inbox, door.callbacks

    counted = telemetry or Telemetry(PROCESS, resource_of(SOURCE))
    streams = Streams(settings, counted.meters)
    resources = list(routers(door, streams, ring, counted))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with AsyncExitStack() as running:
                for router in resources:
                    await running.enter_async_context(router.lifespan_context(app))
                yield
        finally:
            streams.shut()
            # What the log hasn't answered by now was never acknowledged to anybody.
            for each in (inbox, callbacks.inbox) if callbacks else (inbox,):
                with suppress(LogError):
                    each.publisher.close(CLOSE_S)
            door.receipts.close()
            ring.close()
            door.views.close()
            if log is None:
                kept.close()

    app = _bare(lifespan)
    app.state.streams = streams
    # Not by `include_router`: that asks two objects more for every route that a request passes, and works out what each
    # takes a second time, at the first request.
    app.router.routes += [route for router in resources for route in router.routes]

    _describe(app, door.keys)
    problems.install(app)
    _surround(app, settings, body_bytes_max, counted.meters)
    return app


def _door(
    settings: Settings, ring: KeyRing, application: Application, kept: SoonLog, waits_s: tuple[float, float]
) -> Door:
    keyring = Keyring.load(settings.keys_file)
    keys = Authentication(ring, tokens_of(settings), Rates.of(settings))
    views, accepted = Views(settings), AcceptedRuns()
    codec = codec_for(settings.schema_registry_url)
    inbox = Inbox(_publisher(settings, keyring.signer(Authority.API), kept), *waits_s)
    return Door(
        settings,
        keys,
        views,
        inbox,
        accepted,
        Receipts(kept, codec, keyring, keys, views, accepted, inbox.acknowledged_s),
        Admission(views, Limits.of(settings)),
        application,
        kept,
        _callback_door(settings, keyring, kept, inbox),
    )


def _bare(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    """Without a route, nor the framework's pages."""
    return FastAPI(
        title="Penstock",
        version=__version__,
        lifespan=lifespan,
        # Who asks for another path is told so, not sent to one at a host of their own choice.
        redirect_slashes=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )


def _describe(app: FastAPI, authentication: Authentication) -> None:
    @app.get("/openapi.json", include_in_schema=False)
    async def openapi(caller: Annotated[Caller, Depends(authentication)]) -> dict[str, Any]:
        return describe(app)


def _surround(app: FastAPI, settings: Settings, body_bytes_max: int, meters: Meters) -> None:
    """What every request passes, the last one first."""
    app.add_middleware(Answers)
    app.add_middleware(RateHeaders)
    app.add_middleware(BodyLimit, bytes_max=body_bytes_max)
    app.add_middleware(RequestLimit, requests_max=settings.api_requests_max)
    app.add_middleware(Framing)
    app.add_middleware(Counting, meters=meters)
    app.add_middleware(Tracing)


def _publisher(settings: Settings, signer: Signer, kept: SoonLog) -> Publisher:
    """A full buffer means that the log is away: it says so at once instead of holding the caller."""
    codec = codec_for(settings.schema_registry_url)
    return Publisher(kept, codec, signer, SOURCE, buffer_records_max=BUFFER_RECORDS_MAX, buffer_wait_s=0)


def _callback_door(settings: Settings, keyring: Keyring, kept: SoonLog, inbox: Inbox) -> CallbackDoor | None:
    """None where the ring is of an earlier version, and no tool was given a token."""
    try:
        tokens = CallbackTokens(keyring)
    except NoSuchKey:
        return None
    publisher = _publisher(settings, keyring.signer(Authority.CALLBACK), kept)
    return CallbackDoor(tokens, inbox.through(publisher))


def main() -> int:
    """`penstock api`: serve until SIGTERM or SIGINT; 0 after a clean stop."""
    settings = Settings.load()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for number in (signal.SIGTERM, signal.SIGINT):
        # Once uvicorn has shut down it raises the signal again: by then there is nothing left to do.
        signal.signal(number, lambda *_: None)
    telemetry = start(SOURCE, settings.worker_name)
    observe_queues(telemetry.meters, settings)
    observe_webhooks(telemetry.meters, settings)
    app = create_app(settings, telemetry=telemetry)
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        http=bounded(settings.api_head_s, settings.api_connections_max),
        timeout_graceful_shutdown=int(CLOSE_S),
    )
    Server(config, app.state.streams.close).run()
    telemetry.close()
    return 0
