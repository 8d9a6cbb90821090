"""What DBOS and Restate have in common here: a home, a worker of ours to kill, a load generator of their own.

Everything lies in a temporary home and ends, by process id, when the block is left.
"""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.failing import BenchFailed
from bench.peers.counting import Stretch
from bench.peers.driver import Driver
from bench.peers.packages import THEIRS
from bench.peers.side import GENERATOR, measured, name_effects
from penstock.cli.local import processes
from penstock.cli.local.processes import Process, Started

WORKER: Final = "worker"
_READY_S: Final = 60.0
_SLACK_S: Final = 120.0


class Peer:
    """A side whose workers and load generator run in the peers' own environment."""

    def __init__(self, name: str, home: Path, workflow: str, load_script: str) -> None:
        self.name = name
        self.home = home
        self.servers: dict[str, Process] = {}
        self._workflow = workflow
        self._load_script = load_script
        self._worker: Started | None = None
        self._driver: Driver | None = None
        self._starts = 0
        self._door = home / "door"
        os.mkfifo(self._door)

    def environment(self) -> dict[str, str]:
        """What workers and load generator are told; those of a kind add to it."""
        own = {
            "PEERS_DOOR": str(self._door),
            "PEERS_WORKFLOW": self._workflow,
            "PYTHONPATH": str(THEIRS),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return {**os.environ, **own}

    def command(self) -> Sequence[str]:
        """What starts the worker."""
        raise NotImplementedError

    def settings(self) -> dict[str, object]:
        """How it was run."""
        return {"workflow": self._workflow}

    def begin(self, effects: Path | None = None) -> None:
        """Start the worker and the load generator, and see one review through."""
        name_effects(effects)
        self._start_worker()
        self._driver = Driver(self._load_script, self.environment(), self.log_file("load"))
        if effects is None:
            self.load(1, 1, _READY_S)

    def end(self) -> None:
        """Stop both."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None
        if self._worker is not None:
            processes.stop(self._worker.process, deadline_s=15)
            self._worker.exit_code()
            self._worker = None

    def load(self, reviews: int, in_flight: int, seconds: float) -> Stretch:
        """A closed loop of reviews."""
        driver, worker = self._running()

        def run() -> tuple[Sequence[float], float]:
            command = {"do": "run", "reviews": reviews, "in_flight": in_flight, "seconds": seconds}
            told = driver.ask(command, seconds + _SLACK_S)
            latencies, took = told["latencies_ms"], told["seconds"]
            assert isinstance(latencies, list)
            assert isinstance(took, float)
            return latencies, took

        pids = {name: process.pid for name, process in self.servers.items()}
        stretch = measured({**pids, WORKER: worker.process.pid, GENERATOR: driver.pid}, run)
        self.check()
        return stretch

    def hold(self, reviews: int) -> None:
        """Start so many, and wait until all have asked."""
        self._running()[0].ask({"do": "hold", "reviews": reviews}, _SLACK_S)

    def release(self, meanwhile: Callable[[], None]) -> None:
        """Answer them and wait for all ends."""
        self._running()[0].ask({"do": "release"}, _SLACK_S, meanwhile)

    def kill(self) -> None:
        """SIGKILL to the worker, with the children it has; then start it again."""
        assert self._worker is not None
        # It leads a session of its own, so its group is it and what it has started.
        os.killpg(self._worker.process.pid, signal.SIGKILL)
        while self._worker.exit_code() is None:
            time.sleep(0.01)
        self._start_worker()

    def check(self) -> None:
        """Raises BenchFailed if the worker has ended by itself."""
        if self._worker is not None and self._worker.exit_code() is not None:
            raise BenchFailed(f"{self.name}'s worker ended:\n{self.log_file(WORKER).read_text()[-3000:]}")

    def log_file(self, name: str) -> Path:
        """Where the process of that name writes what it says."""
        return self.home / "logs" / f"{name}.log"

    def spawn(self, name: str, argv: Sequence[str], environment: Mapping[str, str]) -> Started:
        """Start something in the home."""
        return processes.spawn(
            argv, log_file=self.log_file(name), environment=environment, directory=self.home
        )

    def worker_ready(self) -> bool:
        """Whether the worker that was started last serves by now."""
        raise NotImplementedError

    def _start_worker(self) -> None:
        self._worker = self.spawn(WORKER, self.command(), self.environment())
        self._starts += 1
        until = time.monotonic() + _READY_S
        while not self.worker_ready():
            self.check()
            if time.monotonic() > until:
                said = "\n".join(log.read_text()[-2000:] for log in (self.home / "logs").iterdir())
                raise BenchFailed(f"{self.name} didn't start within {_READY_S:.0f} s:\n{said}")
            time.sleep(0.02)

    @property
    def starts(self) -> int:
        """How often a worker was started."""
        return self._starts

    def _running(self) -> tuple[Driver, Started]:
        if self._driver is None or self._worker is None:
            raise BenchFailed(f"{self.name} wasn't begun")
        return self._driver, self._worker
