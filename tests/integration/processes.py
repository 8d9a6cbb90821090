"""Worker processes that tests start, kill, freeze and thaw; none outlives its test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# How long a child may take to say where its threads stand.
STACKS_S = 0.5


@dataclass
class Processes:
    """`environment` is added to this process's own; each child's stderr goes to a file of its name."""

    environment: Mapping[str, str]
    logs: Path
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str, words: Sequence[str], **environment: str) -> "subprocess.Popen[bytes]":
        """`python -m words…` under that name."""
        # PENSTOCK_CRASH_AT is for one child only, never inherited.
        inherited = {k: v for k, v in os.environ.items() if k != "PENSTOCK_CRASH_AT"}
        with (self.logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env={**inherited, **self.environment, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running[name] = child
        return child

    def signal(self, name: str, number: signal.Signals) -> None:
        self.running[name].send_signal(number)

    def kill(self, name: str) -> None:
        """SIGKILL, as a power cut."""
        self.running[name].kill()
        self.running.pop(name).wait()

    def died(self, name: str) -> bool:
        """Whether a child has ended by itself."""
        return self.running[name].poll() is not None

    def stop_all(self) -> None:
        for child in self.running.values():
            child.send_signal(signal.SIGCONT)
            child.terminate()
        for child in self.running.values():
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.running.clear()

    def tails(self) -> str:
        """The last lines of each child, and where its threads stand, for the message of a failed test."""
        for child in self.running.values():
            child.send_signal(signal.SIGUSR1)
        time.sleep(STACKS_S)
        return "\n".join(
            f"== {path.name}\n{path.read_text()[-6000:]}" for path in sorted(self.logs.glob("*.log"))
        )


@contextmanager
def processes(environment: Mapping[str, str], logs: Path) -> Iterator[Processes]:
    """Children that are gone when the block ends."""
    logs.mkdir(parents=True, exist_ok=True)
    children = Processes(environment, logs)
    try:
        yield children
    finally:
        children.stop_all()


def eventually(holds: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait until it holds; fail with what `otherwise` says."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, otherwise()
        time.sleep(0.1)
