"""The status page: what it says of a system that is well, one that isn't, and one that doesn't answer."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from penstock.audit.measures import Measure
from penstock.audit.reading import CallInDoubt
from penstock.cli import shown
from penstock.cli.local import ports
from penstock.cli.status import GroupLine, Looker, Status, Waiting, _measured, look
from penstock.cli.status_page import age, page
from penstock.cli.status_watch import watch
from penstock.runtime.postgres_backlog import Lease
from penstock.runtime.settings import Settings
from penstock.schemas.topics import RUN_INBOX, RUNS_GROUP


def away(home: Path) -> Settings:
    address = f"127.0.0.1:{ports.free_port()}"
    return Settings(
        home=home, kafka_bootstrap_servers=address, database_url=f"postgresql://nobody@{address}/none"
    )


def text(status: Status, *, terminal: bool = False) -> str:
    written = io.StringIO()
    Console(
        file=written, force_terminal=terminal, width=120, color_system="standard" if terminal else None
    ).print(page(status, 0))
    return written.getvalue()


def well() -> Status:
    return Status(
        {"up": 10, "runs": 11},
        "broker:9092",
        groups=[GroupLine(RUNS_GROUP, RUN_INBOX, 1_234, 0.4, 310.0, 308.2)],
        runs={"completed": 9_000, "running": 12},
        leases=[Lease("penstock.streams.tools", "tools-1@here:5", 8.2)],
    )


def test_a_page_says_who_runs_how_far_behind_each_group_is_and_what_waits() -> None:
    said = text(well())
    assert "all well" in said
    assert "● runs 11" in said
    (line,) = (line.split() for line in said.splitlines() if line.startswith("run.inbox"))
    assert line == ["run.inbox", "runs", "1,234", "0.4", "s", "310", "308"]
    # What is open stands before what has ended.
    assert "12 running  9,000 completed" in said
    assert "● tools-1@here:5 8.2 s left" in said


def test_trouble_comes_with_what_to_type() -> None:
    status = well()
    status.processes = {"up": 10, "tools": None}
    status.approvals = Waiting(3, 7_200)
    status.calls_in_doubt = Waiting(1, 200)
    status.in_doubt = [
        CallInDoubt("call-1", "run-1", "acme", "pay", 2, 1, {}, None, None, None, None),
    ]
    status.inputs_parked = 2
    said = text(status)
    assert "something is down" in said
    assert "○ tools doesn't run" in said
    assert "3 wait for a person, the oldest for 2 h" in said
    assert "1 in doubt, the oldest for 3.33 min" in said
    for words in (
        "penstock approvals list",
        "penstock settle CALL",
        "call-1  pay v2",
        "penstock release RUN INPUT",
    ):
        assert words in said


def test_colour_only_on_a_terminal() -> None:
    status = well()
    status.processes = {"up": None}
    assert "\x1b[" in text(status, terminal=True)
    assert "\x1b[" not in text(status)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (90, "1.5 min"), (9_000, "2.5 h"), (345_600, "4 d")],
)
def test_ages_as_people_say_them(seconds: float, words: str) -> None:
    assert age(seconds) == words


def test_measures_are_added_up_over_tenants_and_the_oldest_counts() -> None:
    status = Status({}, "")
    found = [
        Measure("runs_open", 2, {"tenant": "a", "workflow": "w", "status": "running"}),
        Measure("runs_open", 3, {"tenant": "b", "workflow": "w", "status": "running"}),
        Measure("runs_open", 1, {"tenant": "b", "workflow": "w", "status": "stalled"}),
        Measure("runs_open_oldest_age_s", 5.0, {"tenant": "a", "workflow": "w", "status": "running"}),
        Measure("runs_open_oldest_age_s", 50.0, {"tenant": "b", "workflow": "w", "status": "running"}),
        Measure("dead_letters", 4, {"topic": "t", "group": "g", "reason": "Undecodable"}),
    ]
    _measured(status, found)
    assert status.runs == {"running": 5, "stalled": 1}
    assert status.runs_open == Waiting(6, 50.0)
    assert status.dead_letters == {"Undecodable": 4}


def test_what_is_away_is_said_with_the_next_step_and_the_page_comes_all_the_same(tmp_path: Path) -> None:
    status = look(away(tmp_path))
    assert not status.well
    said = " ".join(text(status).split())
    assert "Start it, or correct DATABASE_URL" in said
    assert status.broker_problem is not None
    assert "KAFKA_BOOTSTRAP_SERVERS" in status.broker_problem


def test_watching_goes_on_while_everything_is_away(tmp_path: Path) -> None:
    written = io.StringIO()
    pauses: list[float] = []
    watch(away(tmp_path), Console(file=written, width=160), looks=2, sleep=pauses.append)
    assert written.getvalue().count("something is down") + written.getvalue().count("all well") == 2
    assert len(pauses) == 1
    assert 0 < pauses[0] <= 1
    assert "\x1b[" not in written.getvalue()


def test_json_is_one_object_of_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown.as_json(Looker(away(tmp_path)).look())
    found = json.loads(capsys.readouterr().out)
    assert {"processes", "groups", "runs", "approvals", "calls_in_doubt", "dead_letters", "leases"} <= set(
        found
    )
