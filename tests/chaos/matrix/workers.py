"""The processes of one site: started, killed, frozen, armed, and started again when they die, as `up` does."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from penstock.runtime.exits import STAY_DOWN
from tests.chaos.matrix.schedule import API
from tests.integration.processes import Processes

CLI: Final = "tests.chaos.matrix.impatient"
STOP_S: Final = 25.0
# What a worker says that had to cut its closing short, before it says where its threads stand.
AT_THE_DEADLINE: Final = b"still closing after"
UP_S: Final = 30.0
# One that dies at once is tried less and less often, as by the supervisor of `up`.
AGAIN_S: Final = (0.2, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Death:
    """A process that ended by itself, or that did not end when it was told to."""

    name: str
    code: int


@dataclass(slots=True)
class Program:
    """What is kept running. `crash_at`: where its lives are to end, until one has ended there."""

    words: Sequence[str]
    environment: Mapping[str, str]
    deaths: int = 0
    again_at: float = 0.0
    crash_at: str = ""


@dataclass(slots=True)
class Workers:
    """Names are those of roles, or of a second worker of a role (`runs-2`)."""

    children: Processes
    # Whether a worker has a reason to close no sooner than at its deadline.
    disturbed: Callable[[], bool] = lambda: False
    deaths: list[Death] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    stayed_down: list[str] = field(default_factory=list)
    went_on: list[str] = field(default_factory=list)
    # What is deployed, whoever starts a worker: runs of the next version stall for good under the one before.
    code: Mapping[str, str] = field(default_factory=dict)
    _kept: dict[str, Program] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _keeper: threading.Thread | None = None

    def keep(self) -> None:
        """Start again whatever dies, from now on."""
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def close(self) -> None:
        """Keep nothing running any more, and stop all."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()
        self.children.stop_all()

    def names(self) -> list[str]:
        """What is kept running."""
        return list(self._kept)

    def start(
        self, role: str, name: str = "", module: str = CLI, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start a worker of that role, and keep it running."""
        name = name or role
        with self._lock:
            self._kept[name] = Program(_words(module, role, name), environment or {})
            self._start(name)

    def start_once(self, name: str, program: "Program", **environment: str) -> "subprocess.Popen[bytes]":
        """Start one that is to end by itself."""
        return self.children.start(name, program.words, **{**self.code, **program.environment, **environment})

    def stop_all(self) -> dict[str, "Program"]:
        """Stop everything in order; what there was, for `resume`."""
        programs = dict(self._kept)
        self.stop(*programs)
        return programs

    def resume(self, programs: Mapping[str, "Program"]) -> None:
        """Start what was stopped, as it was."""
        with self._lock:
            for name, program in programs.items():
                self._kept[name] = program
                self._start(name)

    def stop(self, *names: str) -> None:
        """SIGTERM to each, once it has said that it would hear it; all of them go at once. One that doesn't go by
        itself in time has hung."""
        with self._lock:
            going = {name: child for name in names if (child := self.children.running.pop(name, None))}
            for name in names:
                self._kept.pop(name, None)
        # Those that wait for a broker that is away do so together.
        up_by = time.monotonic() + UP_S
        for child in going.values():
            wait_until_up(child, up_by - time.monotonic())
        disturbed = self.disturbed()
        said_before = {name: self._log(name).stat().st_size for name in going}
        for child in going.values():
            child.terminate()
        until = time.monotonic() + STOP_S
        for name, child in going.items():
            try:
                child.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                self.hung.append(name)
                continue
            with self._log(name).open("rb") as file:
                file.seek(said_before[name])
                if AT_THE_DEADLINE in file.read() and not (disturbed or self.disturbed()):
                    self.hung.append(name)

    def kill(self, name: str) -> None:
        """SIGKILL; it is started again."""
        with self._lock:
            if name in self.children.running:
                self.children.kill(name)
                self._again(name)

    def end(self, name: str) -> None:
        """SIGKILL; it isn't started again."""
        with self._lock:
            self._kept.pop(name, None)
            if name in self.children.running:
                self.children.kill(name)

    def arm(self, name: str, point: str, visits: int) -> None:
        """SIGKILL it; whatever life first makes so many visits to that point ends there, and those after it go on."""
        with self._lock:
            if name in self.children.running:
                self.children.kill(name)
            self._kept[name].crash_at = f"{point}:{visits}"
            self._start(name)

    def fired(self, name: str) -> bool:
        """Whether a life of an armed worker has ended at its point."""
        return not self._kept[name].crash_at

    def disarm(self, name: str) -> None:
        """No life ends there any more; the one that waits for it is killed all the same."""
        with self._lock:
            self._kept[name].crash_at = ""
            self.kill(name)

    def freeze(self, name: str) -> "subprocess.Popen[bytes]":
        """SIGSTOP."""
        with self._lock:
            child = self.children.running[name]
            child.send_signal(signal.SIGSTOP)
            return child

    def up(self) -> None:
        """Wait until all that is kept running would hear a SIGTERM."""
        for name in self.names():
            until = time.monotonic() + UP_S
            while time.monotonic() < until:
                child = self.children.running.get(name)
                if child is not None and catches_sigterm(child.pid):
                    break
                time.sleep(0.05)

    def _keep(self) -> None:
        while not self._stopping.wait(0.1):
            for name in self.names():
                with self._lock:
                    self._look(name)

    def _look(self, name: str) -> None:
        program, child = self._kept.get(name), self.children.running.get(name)
        if program is None:
            return
        if child is None:
            if time.monotonic() >= program.again_at:
                self._start(name)
        elif (code := child.poll()) is not None:
            del self.children.running[name]
            self.deaths.append(Death(name, code))
            if code == -signal.SIGKILL:
                program.crash_at = ""
            if code == STAY_DOWN:
                # `up` leaves it down. Here that is a finding; the round goes on, to see what else there is.
                self.stayed_down.append(name)
            self._again(name)

    def _start(self, name: str) -> None:
        program = self._kept[name]
        armed = {"PENSTOCK_CRASH_AT": program.crash_at} if program.crash_at else {}
        self.children.start(name, program.words, **{**self.code, **program.environment, **armed})

    def _log(self, name: str) -> Path:
        return self.children.logs / f"{name}.log"

    def _again(self, name: str) -> None:
        program = self._kept[name]
        program.again_at = time.monotonic() + AGAIN_S[min(program.deaths, len(AGAIN_S) - 1)]
        program.deaths += 1

    def calm(self) -> None:
        """A new round: what dies is started again at once."""
        with self._lock:
            for program in self._kept.values():
                program.deaths = 0
            self.deaths, self.hung, self.stayed_down, self.went_on = [], [], [], []


def _words(module: str, role: str, name: str) -> list[str]:
    return [module, API] if role == API else [module, "worker", role, "--name", name]


def wait_until_up(child: "subprocess.Popen[bytes]", seconds: float = UP_S) -> None:
    """Until the process handles SIGTERM, or has ended: one that still imports would die of it."""
    until = time.monotonic() + seconds
    while child.poll() is None and not catches_sigterm(child.pid) and time.monotonic() < until:
        time.sleep(0.02)


def catches_sigterm(pid: int) -> bool:
    """Whether a process has a handler for SIGTERM; True where the system doesn't say."""
    status = Path(f"/proc/{pid}/status")
    if not Path("/proc/self/status").exists():
        return True
    try:
        caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return False
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
