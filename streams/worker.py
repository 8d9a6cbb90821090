"""Worker processes: hosts on Faust agents, from the command line or from `faust -A`, always without its web server.

Records come from our own pollers (docs/adr/0009), each as one delivery on the channel of an ordinary agent, so
Faust's own consumer and producer are never started. A worker of several roles hands what one host appends to the
others in memory.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any, Final

import faust
from faust.app.base import BootStrategy
from faust.types import StreamT

from penstock.runtime import closing
from penstock.runtime.closing import end_within
from penstock.runtime.exits import STAY_DOWN, last_words
from penstock.runtime.settings import Settings
from penstock.runtime.stacks import tell_on_signal
from penstock.runtime.telemetry import start
from penstock.streams.feed import Delivery, Feed
from penstock.streams.host import PartitionHost, TakeRefused
from penstock.streams.observed import Observed
from penstock.streams.polling import Poller

log = logging.getLogger("penstock.streams.worker")

ROLES: Final = ("runs", "tools", "timers", "schedules", "webhooks")
# The agents of a role whose name isn't that of its only one.
_AGENTS: Final = {"schedules": ("schedules", "firing")}
ALL: Final = "all"
# Threads hand work to each other many times a run; Python's default lets one keep the others waiting for 5 ms.
SWITCH_S: Final = 0.001
GARBAGE_OBJECTS: Final = 10_000


class Failure:
    """Why a worker ends by itself."""

    def __init__(self) -> None:
        self.error: BaseException | None = None

    def __call__(self, error: BaseException) -> None:
        if self.error is not None:
            return
        self.error = error
        if isinstance(error, TakeRefused):
            log.critical("stopping: %s", error)
        else:
            log.critical("stopping: a batch could not be handled; it will come again", exc_info=error)
        os.kill(os.getpid(), signal.SIGTERM)


class OwnPollers(BootStrategy):
    """Faust starts agents, sensors and timers, and nothing that talks to Kafka."""

    enable_kafka = False


class WorkerApp(faust.App):
    """A Faust app whose agents take deliveries from pollers."""

    BootStrategy = OwnPollers
    failure: Failure
    hosts: Sequence[PartitionHost]
    # Whether the process is this app's, and ends with it.
    owns_process = False

    @property
    def error(self) -> BaseException | None:
        """Why it ends by itself, if it does."""
        return self.failure.error or next((host.fault for host in self.hosts if host.fault is not None), None)

    def code(self) -> int:
        """The exit code of its process."""
        return 0 if self.error is None else STAY_DOWN if isinstance(self.error, TakeRefused) else 1


class Hosting:
    """The hosts of one process, the thread that they share, and their feeds and pollers."""

    def __init__(self, app: WorkerApp, settings: Settings, name: str | None) -> None:
        self._app = app
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="host")
        self.feeds = [Feed(host, self._thread, app.failure) for host in app.hosts]
        self._pollers: list[Poller] = []
        for feed in self.feeds:
            self._pollers.append(self._agent(feed, settings, name))
        for writer in app.hosts:
            for feed in self.feeds:
                if feed.host.topic == writer.appends_to:
                    writer.appended.listeners.append(partial(feed.hand, all_of_them=writer.appends_alone))

    def start(self) -> None:
        """Begin to poll. On the event loop."""
        # Without its own consumer Faust never opens the gate in front of its channels.
        self._app.flow_control.resume()
        if self._app.owns_process:
            # Faust has its own answers to these signals by now.
            tell_on_signal()
        for poller in self._pollers:
            poller.start()

    async def close(self) -> None:
        """Finish the turn in hand, close the hosts, commit and leave the groups."""
        if self._app.owns_process:
            end_within(closing.DEADLINE_S, lambda: self._app.code() or 1)
        loop = asyncio.get_running_loop()
        for feed in self.feeds:
            feed.stop()
            feed.host.stop()
        # Effectors first: what their calls still answer is on the log before the runner lets go of it.
        for feed in reversed(self.feeds):
            await loop.run_in_executor(self._thread, feed.host.close)
        await asyncio.gather(*(loop.run_in_executor(None, poller.stop) for poller in self._pollers))
        self._thread.shutdown(wait=False)

    def _agent(self, feed: Feed, settings: Settings, name: str | None) -> Poller:
        channel = self._app.channel()

        def deliver(delivery: Delivery) -> None:
            asyncio.run_coroutine_threadsafe(channel.send(value=delivery), self._app.loop)

        poller = Poller(feed, settings, name, deliver, self._app.failure)

        @self._app.agent(channel, name=feed.host.group_id)
        async def deliveries(stream: StreamT[Delivery]) -> None:
            async for delivery in stream:
                await feed.handle(delivery)
                poller.done()

        return poller


def worker_app(
    make_hosts: Sequence[Callable[[Settings], PartitionHost]],
    settings: Settings,
    name: str | None = None,
    app_id: str | None = None,
) -> WorkerApp:
    """A Faust app that hosts what `make_hosts` make. `name` gives the process static membership in its groups."""
    hosts = [Observed(make(settings)) for make in make_hosts]
    # Faust insists on a directory, and would make it in the current one.
    datadir = settings.home / "faust"
    datadir.mkdir(parents=True, exist_ok=True)
    app = WorkerApp(
        app_id or hosts[0].group_id,
        broker=f"kafka://{settings.kafka_bootstrap_servers}",
        store="memory://",
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        datadir=str(datadir),
        worker_redirect_stdouts=False,
        autodiscover=False,
    )
    app.failure = Failure()
    app.hosts = hosts
    hosting = Hosting(app, settings, name)

    @app.task
    async def start() -> None:
        hosting.start()

    @app.on_before_shutdown.connect
    async def close(*_: Any, **__: Any) -> None:
        await hosting.close()

    return app


def role_app(role: str, settings: Settings | None = None, name: str | None = None) -> WorkerApp:
    """The app of one of ROLES, or of `all` of them in one process."""
    if role not in (*ROLES, ALL):
        raise ValueError(f"there is no worker {role!r}; there are {', '.join((*ROLES, ALL))}")
    settings = settings or Settings.load()
    roles = ROLES if role == ALL else (role,)
    agents = [agent for each in roles for agent in _AGENTS.get(each, (each,))]
    hosts = [import_module(f"penstock.streams.{agent}.agent").host for agent in agents]
    return worker_app(hosts, settings, name, "penstock.streams" if role == ALL else None)


def main(role: str, name: str | None = None) -> int:
    """Run a worker until SIGTERM or SIGINT. 78 means that it stopped because somebody has to act."""
    settings = Settings.load()
    logging.basicConfig(
        level=settings.log_level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    name = name or settings.worker_name
    telemetry = start("penstock.streams" if role == ALL else f"penstock.streams.{role}", name)
    try:
        return run(role_app(role, settings, name), settings.log_level)
    finally:
        telemetry.close()


def run(app: WorkerApp, log_level: str = "INFO") -> int:
    """Run a worker's app as this process; its exit code."""
    for chatty in ("faust", "mode"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    sys.setswitchinterval(SWITCH_S)
    collect_less()
    app.owns_process = True
    worker = faust.Worker(app, loglevel=log_level, override_logging=False, redirect_stdouts=False, quiet=True)
    with contextlib.suppress(SystemExit):
        worker.execute_from_commandline()
    if app.error is not None:
        last_words(f"{app.conf.id}: {app.error}")
    return app.code()


def collect_less() -> None:
    """What a worker keeps (runs, histories, declarations) is no garbage, and grows: leave what stands out of the
    collector's sight, and let it look less often than every 700 objects, which a single turn makes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, 10, 10)


def owner_name(name: str | None) -> str:
    """Who takes a partition: for people, in markers and checkpoints."""
    return f"{name or 'worker'}@{socket.gethostname()}:{os.getpid()}"
