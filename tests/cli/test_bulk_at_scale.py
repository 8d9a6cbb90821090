"""Thousands of open runs told at once on a real broker: followed, stopped in the middle, gone on with after a kill; and
what is said of each is what happened to it. Then a version that is to go: who holds it, and moving them.
"""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.standing import Standing, standing_with
from tests.integration.processes import ROOT, eventually

from penstock.cli.speaking import speaking_as
from penstock.runtime.settings import Settings

# CI takes a thousand; PENSTOCK_BULK_RUNS=10000 takes what an installation may well have open.
RUNS = int(os.environ.get("PENSTOCK_BULK_RUNS", "1000"))
SLOW_S = 60 + RUNS / 20
pytestmark = [pytest.mark.broker, pytest.mark.timeout(240 + RUNS / 10)]
SIGNAL = ("--signal", "statement", "--payload", '{"text": "none came"}')


@pytest.fixture(scope="module")
def standing(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with standing_with(
        "tests.cli.run_application_next:application", postgres_server, tmp_path_factory
    ) as made:
        yield made


def start_runs(standing: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in standing.environment.items():
        monkeypatch.setenv(name, text)
    with speaking_as(Settings.load(), "local", "ana") as client:
        receipts = [
            client.start("statement", {"case_id": f"C-{at}"}, f"k-{at}", search_attributes={"batch": "a"})
            for at in range(RUNS)
        ]
        for each in receipts:
            each.wait(SLOW_S)


def told(standing: Standing, kind: str) -> int:
    """How many runs the newest operation of that kind has come to."""
    asked = f"SELECT runs FROM penstock.bulk WHERE kind = '{kind}' ORDER BY asked_at_ms DESC LIMIT 1"
    return sum(row[0] for row in standing.asked(asked))


def stopped_in_the_middle(standing: Standing, said: Path, *words: str) -> list[dict[str, Any]]:
    """What a command says at a terminal where somebody types Ctrl-C after a tenth of the runs, and that it is to stop.
    The API stands still meanwhile: how fast it is shall not matter."""
    mine, its = pty.openpty()
    with said.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "penstock.cli.main", *words, "--json"],
            cwd=ROOT,
            env={**os.environ, **standing.environment},
            stdin=its,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # Who runs these tests in the background has it ignore Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    os.close(its)
    try:
        eventually(lambda: told(standing, words[2]) >= RUNS // 10, SLOW_S, standing.children.tails)
        standing.children.signal("api", signal.SIGSTOP)
        child.send_signal(signal.SIGINT)
        os.write(mine, b"y\n")
        stopped = "SELECT bulk_id FROM penstock.bulk WHERE status = 'stopped'"
        eventually(lambda: bool(standing.asked(stopped)), SLOW_S, standing.children.tails)
        standing.children.signal("api", signal.SIGCONT)
        assert child.wait(SLOW_S) == 1, said.read_text()[-2000:]
    finally:
        child.kill()
        child.wait()
        os.close(mine)
    return [json.loads(line) for line in said.read_text().splitlines()]


def test_many_runs_are_told_followed_stopped_and_gone_on_with(
    standing: Standing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start_runs(standing, monkeypatch)
    eventually(lambda: standing.statuses()["running"] == RUNS, SLOW_S, standing.children.tails)
    mine = ("--workflow", "statement", "--attribute", "batch:a", "--reason", "closing", "--yes")

    *said, end = stopped_in_the_middle(
        standing, tmp_path / "said", "run", "bulk", "signal", *SIGNAL, *mine, "--watch"
    )
    assert (end["status"], end["stopped_by"]) == ("stopped", "olga")
    assert RUNS // 10 <= len(said) == end["runs_told"] < RUNS
    assert {each["outcome"] for each in said} == {"applied"}
    eventually(lambda: standing.statuses()["completed"] == len(said), SLOW_S, standing.children.tails)
    completed = {
        row[0] for row in standing.asked("SELECT run_id FROM views.run_row WHERE status = 'completed'")
    }
    assert completed == {each["run_id"] for each in said}

    (asked,) = standing.typed("run", "bulk", "cancel", *mine, code=3)
    bulk_id = asked["bulk_id"]
    eventually(lambda: told(standing, "cancel") > RUNS // 10, SLOW_S, standing.children.tails)
    standing.children.kill("api")
    *_, stands = standing.typed("bulk", "show", bulk_id, code=3)
    assert stands["status"] in ("running", "waiting")
    assert RUNS // 10 < stands["runs_told"] < RUNS - len(said)
    standing.start_api()
    # As if the half minute were over after which another process takes up what the dead one drove.
    standing.asked("UPDATE penstock.bulk SET lease_until = now() RETURNING bulk_id")
    *cancelled, end = standing.typed("bulk", "show", bulk_id, "--watch")
    assert end["status"] == "done"
    assert len(cancelled) == len({each["run_id"] for each in cancelled}) == RUNS - len(said)
    assert {each["outcome"] for each in cancelled} == {"applied"}
    assert standing.statuses() == {"completed": len(said), "cancelled": RUNS - len(said)}
    assert standing.asked("SELECT type, count(*) FROM views.run_event_row WHERE type IN ('RunEnding', 'SignalReceived',"
                          " 'InputAccepted', 'InputRefused') GROUP BY type ORDER BY type") == [
        ("RunEnding", RUNS - len(said)), ("SignalReceived", len(said)),
    ]  # fmt: skip
    (drained,) = standing.typed("workflows", "drain", "statement", "--version", "2")
    assert (drained["open_runs"], drained["views_caught_up"], drained["removable"]) == (0, True, False)


def test_runs_are_moved_off_a_version_that_is_to_go(standing: Standing) -> None:
    runs = [
        standing.typed("run", "start", "reminder", "--version", "1", "--input", case)[0]["run_id"]
        for case in ('{"case_id": "C-1"}', '{"case_id": "C-2"}')
    ]
    drain = ("workflows", "drain", "reminder", "--version", "1")
    eventually(
        lambda: sum(each["runs"] for each in standing.typed(*drain, code=3)[0]["waits_for"]) == 2,
        60,
        standing.children.tails,
    )
    (wait,) = standing.typed(*drain, code=3)[0]["waits_for"]
    assert (wait["kind"], wait["first_due_at"] is not None, sorted(wait["run_ids"])) == (
        "timer",
        True,
        sorted(runs),
    )
    move = ("workflows", "migrate", "reminder", "--from", "1", "--reason", "it is to go")
    *said, end = standing.typed(*move, "--to", "3", "--dry-run", code=1)
    assert {each["outcome"] for each in said} == {"refused: does_not_fit"}
    assert "- history: sleep 3600000 ms\n+ code:    sleep 60000 ms" in said[0]["came_of"]["detail"]
    *said, end = standing.typed(*move, "--to", "2", "--dry-run")
    assert ({each["outcome"] for each in said}, end["trial"]) == ({"accepted"}, True)
    assert standing.typed(*drain, code=3)[0]["open_runs"] == 2
    (refused,) = standing.typed(
        "run", "migrate", runs[0], "--to", "3", "--reason", "x", "--wait", "60", code=1
    )
    assert refused["effect"]["event"]["reason"] == "does_not_fit"
    *said, end = standing.typed(*move, "--to", "2", "--yes", "--watch")
    assert sorted(each["run_id"] for each in said) == sorted(runs)
    assert {each["came_of"]["type"] for each in said} == {"RunMigrated"}
    (drained,) = standing.typed(*drain)
    assert (drained["drained"], drained["removable"]) == (True, True)
    (listed,) = standing.typed("run", "list", "--workflow", "reminder")
    assert {each["workflow_version"] for each in listed} == {2}
