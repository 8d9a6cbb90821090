"""Keeps Penstock's processes running: starts them, starts those again that died, stops them in time."""

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penstock.cli.local import processes
from penstock.cli.local.processes import Process
from penstock.runtime.exits import SETUP, STAY_DOWN

STOP_DEADLINE_S: Final = 15.0
# A program that dies at once is tried less and less often; one that ran this long is tried at once again.
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run under which name."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(slots=True)
class _Child:
    program: Program
    log_file: Path
    started: processes.Started
    started_at: float
    deaths: int = 0
    start_again_at: float | None = None
    stays_down: bool = field(default=False)


class Supervisor:
    """The children of one `penstock up`. `changed` is told each start."""

    def __init__(
        self,
        log_directory: Path,
        tell: Callable[[str], None],
        changed: Callable[[Mapping[str, Process]], None],
    ) -> None:
        self._log_directory = log_directory
        self._tell = tell
        self._changed = changed
        self._children: dict[str, _Child] = {}

    def start(self, program: Program) -> None:
        """Start a program for the first time."""
        log_file = self._log_directory / f"{program.name}.log"
        self._children[program.name] = _Child(program, log_file, _spawn(program, log_file), time.monotonic())
        self._changed(self.started())

    def started(self) -> dict[str, Process]:
        """The process that each program was last started as, whether it still runs or not."""
        return {name: child.started.process for name, child in self._children.items()}

    def running(self) -> dict[str, Process]:
        """The processes that run now, by name."""
        return {
            name: child.started.process
            for name, child in self._children.items()
            if child.start_again_at is None and not child.stays_down
        }

    def look(self) -> None:
        """See who died since the last look, and start again whose time has come."""
        now = time.monotonic()
        for child in self._children.values():
            if child.stays_down:
                continue
            if child.start_again_at is None:
                self._see_death(child, now)
            elif now >= child.start_again_at:
                child.started = _spawn(child.program, child.log_file)
                child.started_at, child.start_again_at = now, None
                self._tell(f"{child.program.name} runs again, process {child.started.process.pid}")
                self._changed(self.started())

    def stop(self) -> tuple[str, ...]:
        """Ask all to stop at the same time; the names of those that had to be killed at the deadline."""
        running = self.running()
        killed = stop_together(running, STOP_DEADLINE_S)
        for name in running:
            self._children[name].started.exit_code()  # Reaps it.
        return killed

    def _see_death(self, child: _Child, now: float) -> None:
        code = child.started.exit_code()
        if code is None:
            return
        name = child.program.name
        if code == STAY_DOWN:
            child.stays_down = True
            self._tell(f"{name} stopped on purpose and stays down (log: {child.log_file})")
        else:
            child.deaths = 1 if now - child.started_at >= STEADY_S else child.deaths + 1
            delay = BACKOFF_S[min(child.deaths, len(BACKOFF_S)) - 1]
            child.start_again_at = now + delay
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            self._tell(f"{name} {how}, starting again in {delay:g} s (log: {child.log_file})")
        if code in (SETUP, STAY_DOWN):
            self._tell(_last_words(child.log_file))


def stop_together(running: Mapping[str, Process], deadline_s: float) -> tuple[str, ...]:
    """SIGTERM to all, one deadline for all, SIGKILL for the rest; the names of the rest."""
    until = time.monotonic() + deadline_s
    for process in running.values():
        processes.send(process, signal.SIGTERM)
    killed: list[str] = []
    for name, process in running.items():
        if not processes.wait_gone(process, max(0.0, until - time.monotonic())):
            processes.kill(process)
            killed.append(name)
    return tuple(killed)


def _last_words(log_file: Path) -> str:
    """The last line of a log: what a program says when it ends on purpose names what to type."""
    with log_file.open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - 4096))
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _spawn(program: Program, log_file: Path) -> processes.Started:
    return processes.spawn(program.argv, log_file=log_file, environment=program.environment)
