"""`penstock up` and `penstock down`: start the processes, keep them running, take everything down."""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Final

from penstock.cli.local import ports, processes, servers, state
from penstock.cli.local.errors import DidNotStart
from penstock.cli.local.processes import Process
from penstock.cli.local.state import SUPERVISOR, LocalState
from penstock.cli.local.supervisor import STOP_DEADLINE_S, Program, Supervisor
from penstock.cli.preparing import stop_leftovers, stop_servers
from penstock.cli.screen import console, say, step
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings
from penstock.runtime.telemetry_settings import TelemetrySettings

# By the name of the process: what `penstock worker` is told. Together, what one writes the others needn't fetch.
TOGETHER: Final = {"worker": "all", "views": "views"}
APART: Final = {role: role for role in ("runs", "tools", "timers", "schedules", "webhooks", "views")}
API: Final = "api"
PORT: Final = "PENSTOCK_METRICS_PORT"
PORT_MAX: Final = 65_535
API_DEADLINE_S: Final = 60.0
LOOK_EVERY_S: Final = 0.25
MEND_EVERY_S: Final = 2.0
DOWN_DEADLINE_S: Final = 60.0


class AlreadyUp(SetupError):
    """This home directory has its processes already: see `penstock status`, or `penstock down`."""


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Nobody else supervises this home directory while this lasts. Raises AlreadyUp."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyUp(
                f"Penstock is up already in {settings.home}: type `penstock status` to look at it or "
                "`penstock down` to stop it"
            ) from error
        yield


def supervise(settings: Settings, standing: LocalState) -> None:
    """Start the processes and keep them running until SIGINT or SIGTERM; then stop all that was started."""
    stopping = threading.Event()
    _on_signals(stopping)
    me = Process(os.getpid(), processes.birth(os.getpid()))
    api_url = f"http://{settings.api_host}:{settings.api_port}"
    standing = replace(standing, api_url=api_url, metrics_ports=metrics_ports(_workers(settings)))

    def remember(running: Mapping[str, Process]) -> None:
        state.write(settings, replace(standing, processes={SUPERVISOR: me, **running}))

    supervisor = Supervisor(settings.home / "logs", say, remember)
    try:
        _start_processes(settings, standing, supervisor, stopping)
        if not stopping.is_set():
            say(f"Penstock is up: {api_url}  (logs in {settings.home / 'logs'}; Ctrl-C stops everything)")
        _keep(settings, standing, supervisor, stopping)
    finally:
        say(f"stopping, within {STOP_DEADLINE_S:.0f} s")
        for name in supervisor.stop():
            say(f"{name} didn't stop in time and was killed")
        stop_servers(settings, standing)
        say("all stopped")


def metrics_ports(workers: Iterable[str]) -> dict[str, int]:
    """A port for each process, from that of PENSTOCK_METRICS_PORT on; none where it isn't set. Raises SetupError."""
    names, first = (*workers, API), TelemetrySettings().port
    if first and first + len(names) - 1 > PORT_MAX:
        raise SetupError(
            f"{len(names)} processes need a port each from {PORT} on: export one below {PORT_MAX - 10}"
        )
    return dict(zip(names, range(first, first + len(names)), strict=True)) if first else {}


def detach(settings: Settings) -> None:
    """Let a process of its own supervise, and come back when the API answers. Raises DidNotStart."""
    log_file = settings.home / "logs" / "up.log"
    argv = [sys.executable, "-m", "penstock.cli.main", "supervise"]
    started = processes.spawn(argv, log_file=log_file, environment=os.environ)
    with step("processes") as under_way:
        until = time.monotonic() + API_DEADLINE_S
        while not _is_up(settings, started.process):
            if started.exit_code() is not None or time.monotonic() > until:
                raise DidNotStart(f"the processes didn't come up: see {log_file}, then type `penstock down`")
            time.sleep(0.2)
        under_way.outcome = f"supervised by process {started.process.pid}, log {log_file}"
    console.print(
        f"\nPenstock is up: http://{settings.api_host}:{settings.api_port}   (`penstock down` stops it)"
    )


def down(settings: Settings) -> None:
    """Stop what `up` started in this home directory, whatever has become of its supervisor."""
    standing = state.read(settings)
    if standing is None:
        say(f"nothing stands in {settings.home}")
        return
    supervisor = standing.alive().get(SUPERVISOR)
    if supervisor is not None and supervisor.pid != os.getpid():
        say(f"asking process {supervisor.pid} to stop everything")
        processes.stop(supervisor, deadline_s=DOWN_DEADLINE_S)
    standing = state.read(settings)
    if standing is not None:  # Nobody did it for us.
        stop_leftovers(settings)
        stop_servers(settings, standing)
    say("all stopped")


def _workers(settings: Settings) -> Mapping[str, str]:
    return APART if settings.apart else TOGETHER


def _start_processes(
    settings: Settings, standing: LocalState, supervisor: Supervisor, stopping: threading.Event
) -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": standing.kafka_bootstrap_servers,
        "DATABASE_URL": standing.database_url,
        "PENSTOCK_HOME": str(settings.home),
        "PENSTOCK_API_HOST": settings.api_host,
        "PENSTOCK_API_PORT": str(settings.api_port),
    }
    command = (sys.executable, "-m", "penstock.cli.main")
    shown = {name: {PORT: str(port)} for name, port in standing.metrics_ports.items()}
    for name, role in _workers(settings).items():
        # The name makes the process a static member of its group: restarted, it has its partitions at once.
        named = {**environment, **shown.get(name, {}), "PENSTOCK_WORKER_NAME": f"{name}-1"}
        supervisor.start(Program(name, (*command, "worker", role), named))
    supervisor.start(Program(API, (*command, "api"), {**environment, **shown.get(API, {})}))
    until = time.monotonic() + API_DEADLINE_S
    while not ports.answers(settings.api_port) and not stopping.is_set():
        supervisor.look()
        if time.monotonic() > until:
            raise DidNotStart(
                f"the API didn't answer within {API_DEADLINE_S:.0f} s: see {settings.home}/logs/api.log"
            )
        stopping.wait(LOOK_EVERY_S)


def _keep(
    settings: Settings, standing: LocalState, supervisor: Supervisor, stopping: threading.Event
) -> None:
    mend_at = time.monotonic() + MEND_EVERY_S
    while not stopping.wait(LOOK_EVERY_S):
        supervisor.look()
        if time.monotonic() < mend_at:
            continue
        try:
            servers.mend(standing.broker_from, standing.database_from, settings.home, say)
        except SetupError as error:
            say(f"{error} (trying again)")
        mend_at = time.monotonic() + MEND_EVERY_S


def _on_signals(stopping: threading.Event) -> None:
    def note(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)


def _is_up(settings: Settings, supervisor: Process) -> bool:
    standing = state.read(settings)
    mine = standing is not None and standing.processes.get(SUPERVISOR) == supervisor
    return mine and ports.answers(settings.api_port)
