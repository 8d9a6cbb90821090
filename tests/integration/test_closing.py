"""How a worker ends that can't close: at a stated deadline, saying where it stands."""

import signal
import threading
from pathlib import Path

import pytest

from penstock.producers.errors import LogRefused
from penstock.runtime import closing
from penstock.streams import runner
from penstock.streams.memory_journal import MemoryJournal
from tests.chaos.matrix.workers import wait_until_up
from tests.integration.processes import processes
from tests.runner.tally import World


def test_a_worker_whose_closing_hangs_ends_at_the_deadline_and_says_where_it_stands(tmp_path: Path) -> None:
    nobody = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    environment = {"PENSTOCK_HOME": str(tmp_path), **nobody}
    with processes(environment, tmp_path / "logs") as children:
        child = children.start("stuck", ["tests.integration.stuck_process"])
        wait_until_up(child)
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 1, children.tails()
        said = children.tails()
    assert "still closing after 1 s" in said
    assert "stuck_process.py" in said
    assert "in close" in said


def test_a_runner_that_waits_for_an_absent_log_gives_up_when_it_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "HOPE_S", 0.2)
    world = World(MemoryJournal())
    owner = world.runner().take_all()
    world.send("a", "one")
    world.log.go_away()
    raised: list[Exception] = []

    def work() -> None:
        try:
            owner.work()
        except LogRefused as error:
            raised.append(error)

    working = threading.Thread(target=work, daemon=True)
    working.start()
    working.join(0.3)
    assert working.is_alive(), "an absent log is waited for"
    owner.runner.stop()
    working.join(10)
    assert len(raised) == 1
    world.log.come_back()
    world.runner().take_all()
    assert world.notes("a") == ["one/0"], "what was committed is published by the next owner"


def test_the_deadline_comes_before_the_supervisor_loses_patience() -> None:
    from penstock.cli.local.supervisor import STOP_DEADLINE_S

    assert closing.DEADLINE_S < STOP_DEADLINE_S
