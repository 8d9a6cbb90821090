"""Thousands of open runs told at once on a real broker: followed, stopped in the middle, gone on with after a kill; and
what is said of each is what happened to it.
"""

import json
import os
import pty
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.processes import ROOT, Processes, eventually, processes
from typer.testing import CliRunner

from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.ports import free_port
from penstock.cli.main import app
from penstock.cli.speaking import speaking_as
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings

RUNS = int(os.environ.get("PENSTOCK_BULK_RUNS", "2000"))
pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]
SIGNAL = ("--signal", "statement", "--payload", '{"text": "none came"}')


class Standing:
    """A broker, a database, a worker, views and an API, and a terminal beside them."""

    def __init__(self, environment: dict[str, str], children: Processes) -> None:
        self.environment = environment
        self.children = children

    def start_api(self) -> None:
        self.children.start("api", ["penstock.cli.main", "api"])

    def typed(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """What a command says as JSON."""
        result = CliRunner().invoke(app, [*words, "--json"], env=self.environment)
        assert result.exit_code == code, (
            f"{result.output[-3000:]} {result.exception!r} {self.children.tails()}"
        )
        said, at = [], 0
        while result.stdout[at:].strip():
            document, at = json.JSONDecoder().raw_decode(result.stdout, at)
            said.append(document)
            at += 1
        return said

    def asked(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(query.encode()).fetchall()

    def statuses(self) -> Counter[str]:
        return Counter(dict(self.asked("SELECT status, count(*) FROM views.run_row GROUP BY status")))


@pytest.fixture
def standing(fresh_kafka: LocalBroker, database_url: str, tmp_path: Path) -> Iterator[Standing]:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": fresh_kafka.start(),
        "DATABASE_URL": database_url,
        "PENSTOCK_HOME": str(tmp_path),
        "PENSTOCK_APPLICATION": "tests.cli.run_application:application",
        "PENSTOCK_API_PORT": str(free_port()),
    }
    prepared = CliRunner().invoke(app, ["prepare"], env=environment)
    assert prepared.exit_code == 0, prepared.output
    with processes(environment, tmp_path / "logs") as children:
        children.start("worker", ["penstock.cli.main", "worker", "all"])
        children.start("views", ["penstock.cli.main", "worker", "views"])
        made = Standing(environment, children)
        made.start_api()
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
            each.wait(60)


def stopped_in_the_middle(standing: Standing, after: int, *words: str) -> list[dict[str, Any]]:
    """What a command says at a terminal where somebody types Ctrl-C after so many lines, and that it is to stop."""
    mine, its = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "penstock.cli.main", *words, "--json"],
        cwd=ROOT,
        env={**os.environ, **standing.environment},
        stdin=its,
        stdout=subprocess.PIPE,
        stderr=its,
        text=True,
        start_new_session=True,
    )
    os.close(its)
    assert child.stdout is not None
    lines: list[dict[str, Any]] = []
    try:
        for line in child.stdout:
            lines.append(json.loads(line))
            if len(lines) == after:
                child.send_signal(signal.SIGINT)
                os.write(mine, b"y\n")
        assert child.wait(30) == 1, lines[-1]
    finally:
        child.kill()
        child.wait()
        os.close(mine)
    return lines


def test_many_runs_are_told_followed_stopped_and_gone_on_with(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_runs(standing, monkeypatch)
    eventually(lambda: standing.statuses()["running"] == RUNS, 120, standing.children.tails)
    mine = ("--workflow", "statement", "--attribute", "batch:a", "--reason", "closing", "--yes")

    *said, end = stopped_in_the_middle(
        standing, RUNS // 10, "run", "bulk", "signal", *SIGNAL, *mine, "--watch"
    )
    assert (end["status"], end["stopped_by"]) == ("stopped", "olga")
    assert RUNS // 10 <= len(said) == end["runs_told"] < RUNS
    assert {each["outcome"] for each in said} == {"applied"}
    eventually(lambda: standing.statuses()["completed"] == len(said), 60, standing.children.tails)
    completed = {
        row[0] for row in standing.asked("SELECT run_id FROM views.run_row WHERE status = 'completed'")
    }
    assert completed == {each["run_id"] for each in said}

    (asked,) = standing.typed("run", "bulk", "cancel", *mine, code=3)
    bulk_id = asked["bulk_id"]
    eventually(
        lambda: (
            standing.asked("SELECT max(runs) FROM penstock.bulk WHERE kind = 'cancel'")[0][0] > RUNS // 10
        ),
        60,
        standing.children.tails,
    )
    standing.children.kill("api")
    *_, stands = standing.typed("bulk", "show", bulk_id, code=3)
    assert stands["status"] in ("running", "waiting")
    assert RUNS // 10 < stands["runs_told"] < RUNS - len(said)
    standing.start_api()
    *cancelled, end = standing.typed("bulk", "show", bulk_id, "--watch")
    assert end["status"] == "done"
    assert len(cancelled) == len({each["run_id"] for each in cancelled}) == RUNS - len(said)
    assert {each["outcome"] for each in cancelled} == {"applied"}
    assert standing.statuses() == {"completed": len(said), "cancelled": RUNS - len(said)}
    assert standing.asked("SELECT type, count(*) FROM views.run_event_row WHERE type IN ('RunEnding', 'SignalReceived',"
                          " 'InputAccepted', 'InputRefused') GROUP BY type ORDER BY type") == [
        ("RunEnding", RUNS - len(said)), ("SignalReceived", len(said)),
    ]  # fmt: skip
    (drained,) = standing.typed("workflows", "drain", "statement", "--version", "1")
    assert (drained["open_runs"], drained["views_caught_up"]) == (0, True)
