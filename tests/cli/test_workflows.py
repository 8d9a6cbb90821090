"""`penstock workflows …` over views alone: what is listed, what drains, and with which exit code."""

import json
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.views.database import database_with_views, empty
from tests.views.histories import Historian, asked, new_run, started
from typer.testing import CliRunner, Result

from penstock.audit.applier import Applier, catch_up
from penstock.cli import draining
from penstock.cli.main import app
from penstock.producers.kafka_backlog import KafkaBacklog, Place
from penstock.producers.memory import MemoryLog
from penstock.runtime.errors import DatabaseAway, SetupError
from penstock.runtime.postgres import Connected, connect
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.run.records import RunCompleted
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP, VIEWS_GROUP

Tell = Callable[..., None]
Type = Callable[..., Result]
DRAIN = ("drain", "statement", "--version", "1")


@pytest.fixture(scope="module")
def views_database(postgres_server: str) -> Iterator[str]:
    with database_with_views(postgres_server) as url:
        yield url


@pytest.fixture
def typed(views_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types a command where the views aren't behind."""
    environment = {
        "DATABASE_URL": empty(views_database),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PENSTOCK_HOME": str(tmp_path),
        "PENSTOCK_APPLICATION": "tests.cli.run_application_next:application",
    }
    monkeypatch.setattr(draining.CaughtUp, "now", lambda *_: True)
    monkeypatch.setattr(draining, "EVERY_S", 0.01)

    def run(*words: str, **variables: str) -> Result:
        return CliRunner().invoke(app, ["workflows", *words], env=environment | variables)

    return run


@pytest.fixture
def tell(typed: Type, views_database: str) -> Iterator[Tell]:
    log = MemoryLog({RUN_EVENTS: 1})
    historian = Historian(log)
    with connect(views_database) as connection:

        def tell(run_id: str, *bodies: EventBody, tenant: str = "local") -> None:
            historian.tenant = tenant
            historian.write(run_id, *bodies)
            catch_up(Applier(connection, pinned_codec()), log, [RUN_EVENTS])

        yield tell


def test_versions_are_listed_with_who_holds_them(typed: Type, tell: Tell) -> None:
    for version, tenant in ((1, "local"), (1, "elsewhere"), (7, "local")):
        tell(new_run(), started(workflow="statement", workflow_version=version), tenant=tenant)
    tell(new_run(), started(workflow="other"))
    found = json.loads(typed("show", "statement", "--json").stdout)["versions"]
    assert [(each["version"], each["registered"], each["new_runs_begin_on_it"], each["open_runs"])
            for each in found] == [(1, True, False, 2), (2, True, True, 0), (7, False, False, 1)]  # fmt: skip
    assert found[0]["signals"] == ["statement"]
    own = json.loads(typed("list", "--json", "--tenant", "elsewhere").stdout)["versions"]
    assert [(each["version"], each["open_runs"]) for each in own if each["workflow"] == "statement"] == [
        (1, 1),
        (2, 0),
    ]
    assert "not registered" in typed("list").stdout
    nobody = typed("list", "--json", PENSTOCK_APPLICATION="none.at.all:application").stdout
    assert {each["registered"] for each in json.loads(nobody)["versions"]} == {None}
    assert isinstance(typed("show", "none").exception, SetupError)


def test_a_version_is_drained_once_no_open_run_of_any_tenant_holds_it(typed: Type, tell: Tell) -> None:
    run_id, other = new_run(), new_run()
    tell(run_id, started(workflow="statement"), asked(run_id, 1))
    tell(other, started(workflow="statement"), tenant="elsewhere")
    page = typed(*DRAIN)
    assert page.exit_code == 3
    for words in ("2 open runs", "approval by supervisor", "a signal: statement", run_id, "--watch"):
        assert words in page.stdout
    assert json.loads(typed(*DRAIN, "--json").stdout)["open_runs"] == 2
    tell(run_id, RunCompleted(result=json_payload("done")))
    own = json.loads(typed(*DRAIN, "--json", "--tenant", "local").stdout)
    assert (own["drained"], own["tenant"]) == (True, "local")
    assert typed(*DRAIN).exit_code == 3
    tell(other, RunCompleted(result=json_payload("done")), tenant="elsewhere")
    page = typed(*DRAIN)
    assert (page.exit_code, page.stdout) == (0, "no open run holds statement v1: its code can go\n")
    newest = typed("drain", "statement", "--version", "2")
    assert newest.exit_code == 0
    assert "new runs begin on it" in newest.stdout


@pytest.mark.parametrize("slip", [("statment", "1"), ("statement", "11")])
def test_a_slip_of_the_pen_is_no_code_that_can_go(typed: Type, slip: tuple[str, str]) -> None:
    for more in ((), ("--watch",)):
        result = typed("drain", slip[0], "--version", slip[1], *more)
        assert isinstance(result.exception, SetupError)
        assert "nothing is known of" in str(result.exception)


def test_watching_ends_when_the_last_run_does_whatever_goes_away_meanwhile(
    typed: Type, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [new_run(), new_run()]
    for run_id in runs:
        tell(run_id, started(workflow="statement"))
    looks = 0
    whole = draining._look

    def look(*words: Any) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise DatabaseAway("Postgres doesn't answer")
        if looks in (3, 4):
            tell(runs[looks - 3], RunCompleted(result=json_payload("done")))
        return whole(*words)

    monkeypatch.setattr(draining, "_look", look)
    result = typed(*DRAIN, "--watch", "--json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["open_runs"] for line in lines] == [2, 1, 0]
    assert lines[-1]["removable"] is True


def test_views_that_are_behind_leave_it_open(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining.CaughtUp, "now", lambda *_: False)
    monkeypatch.setattr(draining, "PATIENCE_S", 0.05)
    result = typed(*DRAIN)
    assert result.exit_code == 3
    assert "the views are behind the log" in result.stdout


class Ends:
    """A broker of which only the ends of its partitions are known."""

    def __init__(self) -> None:
        self.high = {RUN_INBOX: 5, RUN_EVENTS: 7}

    def bounds(self, places: Collection[Place]) -> dict[Place, tuple[int, int]]:
        return {place: (0, self.high[place[0]] if place[1] == 0 else 0) for place in places}


def test_what_stood_on_the_log_must_be_decided_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, known = Ends(), {(RUNS_GROUP, RUN_INBOX, 0): 4, (VIEWS_GROUP, RUN_EVENTS, 0): 7}
    monkeypatch.setattr(draining, "positions", lambda _: dict(known))
    caught = draining.CaughtUp(cast("KafkaBacklog", broker))

    def now() -> bool:
        return caught.now(cast("Connected", None))

    assert not now(), "an input isn't decided"
    broker.high = {RUN_INBOX: 9, RUN_EVENTS: 8}
    known[RUNS_GROUP, RUN_INBOX, 0] = 5
    assert not now(), "the views don't show what came of it"
    broker.high = {RUN_INBOX: 99, RUN_EVENTS: 99}
    known[VIEWS_GROUP, RUN_EVENTS, 0] = 8
    assert now(), "what came later doesn't count"
