"""Worker processes: one host on Faust, from the command line or from `faust -A`, always without its web server."""

import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

import faust
from faust.types import StreamT

from penstock.runtime.exits import STAY_DOWN
from penstock.runtime.settings import Settings
from penstock.streams.batches import AsItIs, BatchApp, BatchConsumer
from penstock.streams.feeder import Delivery, Feeder
from penstock.streams.host import PartitionHost, TakeRefused

log = logging.getLogger("penstock.streams.worker")

ROLES: Final = ("runs", "tools", "timers")


class Failure:
    """Why a worker ends by itself."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __call__(self, error: BaseException) -> None:
        self.error = error
        if isinstance(error, TakeRefused):
            log.critical("stopping: %s", error)
        else:
            log.critical("stopping: a batch could not be handled; it will come again", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)


def worker_app(
    make_host: Callable[[Settings], PartitionHost], settings: Settings, name: str | None = None
) -> BatchApp:
    """A Faust app that hosts what `make_host` makes. `name` gives the process static membership in its group."""
    host = make_host(settings)
    # Faust insists on a directory, and would make it in the current one.
    datadir = settings.home / "faust"
    datadir.mkdir(parents=True, exist_ok=True)
    failure = Failure()
    app = BatchApp(
        host.group_id,
        broker=f"kafka://{settings.kafka_bootstrap_servers}",
        store="memory://",
        consumer_group_instance_id=f"{host.group_id}.{name}" if name else None,
        broker_session_timeout=settings.session_timeout_ms / 1000,
        broker_heartbeat_interval=settings.session_timeout_ms / 1000 / 3,
        broker_max_poll_records=settings.batch_records_max,
        broker_commit_interval=5.0,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=str(datadir),
        worker_redirect_stdouts=False,
        autodiscover=False,
    )
    app.failure = failure
    feeder = app.feeder = Feeder(host, failure)

    @app.agent(app.topic(host.topic, schema=AsItIs()), name=host.group_id)
    async def batches(stream: StreamT[Delivery]) -> None:
        async for delivery in stream:
            consumer = app.consumer
            assert isinstance(consumer, BatchConsumer)
            await feeder.handle(delivery, consumer.seek_partition)

    @app.on_before_shutdown.connect
    async def close(*_: Any, **__: Any) -> None:
        await feeder.close()

    return app


def role_app(role: str, settings: Settings | None = None, name: str | None = None) -> BatchApp:
    """The app of `runs`, `tools` or `timers`."""
    if role not in ROLES:
        raise ValueError(f"there is no worker {role!r}; there are {', '.join(ROLES)}")
    settings = settings or Settings.load()
    return worker_app(import_module(f"penstock.streams.{role}.agent").host, settings, name)


def main(role: str, name: str | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT. 78 means that it stopped because somebody has to act."""
    settings = Settings.load()
    logging.basicConfig(
        level=settings.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    return run(role_app(role, settings, name or settings.worker_name), settings.log_level)


def run(app: BatchApp, log_level: str = "INFO") -> int:
    """Run a worker's app as this process; its exit code."""
    for chatty in ("faust", "mode", "aiokafka", "penstock.streams.batches"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    worker = faust.Worker(app, loglevel=log_level, override_logging=False, redirect_stdouts=False, quiet=True)
    with contextlib.suppress(SystemExit):
        worker.execute_from_commandline()
    error = app.failure.error or app.feeder.host.fault
    if error is None:
        return 0
    print(f"{app.conf.id}: {error}", file=sys.stderr)
    return STAY_DOWN if isinstance(error, TakeRefused) else 1


def owner_name(name: str | None) -> str:
    """Who takes a partition: for people, in markers and checkpoints."""
    return f"{name or 'worker'}@{socket.gethostname()}:{os.getpid()}"
