"""Children that die are started again, unless they stopped on purpose."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from penstock.cli.local import processes
from penstock.cli.local.processes import Process
from penstock.cli.local.supervisor import Program, Supervisor
from penstock.runtime.exits import STAY_DOWN

SLEEP = "import time; time.sleep(60)"


class Watched:
    """A supervisor, what it said, and what it last said to be running."""

    def __init__(self, logs: Path) -> None:
        self.lines: list[str] = []
        self.running: Mapping[str, Process] = {}
        self.supervisor = Supervisor(logs, self.lines.append, self._remember)

    def start(self, name: str, program: str) -> None:
        self.supervisor.start(Program(name, (sys.executable, "-c", program), {}))

    def look_until(self, done: Callable[[], bool]) -> None:
        until = time.monotonic() + 20
        while not done():
            assert time.monotonic() < until, self.lines
            self.supervisor.look()
            time.sleep(0.02)

    def _remember(self, running: Mapping[str, Process]) -> None:
        self.running = running


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.supervisor.stop()


def test_killed_child_is_started_again_and_said_so(watched: Watched) -> None:
    watched.start("sleeper", SLEEP)
    first = watched.running["sleeper"]
    processes.kill(first)

    watched.look_until(lambda: watched.running.get("sleeper") not in (None, first))

    assert "sleeper was killed by SIGKILL, starting again in 0.5 s" in watched.lines[0]
    assert watched.running["sleeper"].alive()


def test_child_that_keeps_dying_is_tried_less_and_less_often(watched: Watched) -> None:
    watched.start("failing", "raise SystemExit(3)")
    watched.look_until(lambda: any("in 2 s" in line for line in watched.lines))
    delays = [line.split(" in ")[1].split(" s")[0] for line in watched.lines if "code 3" in line]
    assert delays == ["0.5", "1", "2"]


def test_child_that_stopped_on_purpose_stays_down(watched: Watched) -> None:
    watched.start("wise", f"print('the broker was wiped: type this'); raise SystemExit({STAY_DOWN})")
    watched.look_until(lambda: bool(watched.lines))
    time.sleep(0.7)  # Longer than the shortest back-off.
    watched.supervisor.look()
    assert watched.supervisor.running() == {}
    assert not watched.running["wise"].alive()
    assert len(watched.lines) == 2
    assert "stopped on purpose and stays down" in watched.lines[0]
    assert watched.lines[1] == "the broker was wiped: type this"


def test_stopping_leaves_nobody_running(watched: Watched) -> None:
    watched.start("one", SLEEP)
    watched.start("two", SLEEP)
    running = list(watched.running.values())
    assert watched.supervisor.stop() == ()
    assert [process.alive() for process in running] == [False, False]
