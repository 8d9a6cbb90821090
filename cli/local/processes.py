"""Processes that outlive the one that started them, known by their id and the moment they started.

The id alone isn't enough: after a crash another program may have it, and nothing that isn't ours is stopped.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

POLL_S: Final = 0.05
INTERRUPT: Final = signal.SIGINT

# Kept until they have ended, whoever forgets them: only so they are reaped when something else is started.
_children: Final[list["subprocess.Popen[bytes]"]] = []


@dataclass(frozen=True, slots=True)
class Process:
    """A process by id; `born` tells it from a later one with the same id."""

    pid: int
    born: str

    def alive(self) -> bool:
        """Whether it still runs; one that ended and waits to be reaped doesn't."""
        return bool(self.born) and birth(self.pid) == self.born

    def text(self) -> str:
        """One line for a pid file."""
        return f"{self.pid} {self.born}\n"


def spawn(
    argv: Sequence[str],
    *,
    log_file: Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> "Started":
    """Start a program in its own session, so that a Ctrl-C meant for us doesn't reach it."""
    _reap()
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        popen = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=None if environment is None else {**os.environ, **environment},
            cwd=directory,
        )
    _children.append(popen)
    return Started(popen)


def _reap() -> None:
    """Let go of children that have ended. Until then their ids are taken: Postgres, started again, would believe that
    the one that was killed still runs."""
    _children[:] = [child for child in _children if child.poll() is None]


class Started:
    """A child of this process."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen
        self.process = Process(popen.pid, birth(popen.pid))

    def exit_code(self) -> int | None:
        """Its exit code (negative: the signal that ended it), or None while it runs."""
        return self._popen.poll()


def birth(pid: int) -> str:
    """When the process with this id started, in the system's own words; "" if there is none."""
    try:
        # The command's name, in parentheses, may hold spaces: count from the last parenthesis.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in ("Z", "X") else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return ""
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    state, _, started = shown.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else started.strip().replace(" ", "_")


def command_line(pid: int) -> str:
    """How the process was called, words separated by spaces; "" if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/cmdline").exists():
            return ""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True).stdout


def read_pid_file(path: Path) -> Process | None:
    """The process that a pid file names, if it still runs."""
    try:
        pid, _, born = path.read_text().strip().partition(" ")
        process = Process(int(pid), born)
    except (FileNotFoundError, ValueError):
        return None
    return process if process.alive() else None


def stop(process: Process, *, deadline_s: float, signal_first: signal.Signals = signal.SIGTERM) -> bool:
    """Ask it to stop, wait, and kill it when the deadline has passed; whether it stopped by itself."""
    send(process, signal_first)
    if wait_gone(process, deadline_s):
        return True
    kill(process)
    return False


def kill(process: Process) -> None:
    """End it at once, as a power cut would, and wait until it is gone."""
    send(process, signal.SIGKILL)
    wait_gone(process, 10)


def wait_gone(process: Process, deadline_s: float) -> bool:
    """Whether it ended within the deadline."""
    until = time.monotonic() + deadline_s
    while process.alive():
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_S)
    return True


def send(process: Process, number: signal.Signals) -> None:
    """Send a signal to that very process, or to nobody."""
    if process.alive():
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
