"""`penstock run bulk`, `penstock bulk`: what is asked before anything is done, and what is said of it afterwards."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.views.database import API_KEYS, database_with_views, empty
from tests.views.histories import Historian, failed, new_run, started
from typer.testing import CliRunner, Result

from penstock.audit.applier import Applier, catch_up
from penstock.cli import api_keys, bulk_following
from penstock.cli.main import app
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect, migrate, migrations
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.run.records import RunEnding
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_EVENTS

Tell = Callable[..., None]
CANCEL = ("run", "bulk", "cancel", "--reason", "a bad deploy")


@pytest.fixture(scope="module")
def views_database(postgres_server: str) -> Iterator[str]:
    with database_with_views(postgres_server) as url:
        migrate(url, known=tuple(each for each in migrations() if each.name in API_KEYS))
        yield url


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    made = MemoryLog()
    monkeypatch.setattr("penstock.cli.speaking.KafkaLog", lambda *_: made)
    monkeypatch.setattr("penstock.cli.speaking.insist_on_broker", lambda _: None)
    return made


@pytest.fixture
def typed(views_database: str, tmp_path: Path, log: MemoryLog) -> Callable[..., Result]:
    Keyring.create(tmp_path / "keys.json")
    api_keys.ensure(tmp_path / "api-keys.json")
    environment = {
        "DATABASE_URL": empty(views_database),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PENSTOCK_HOME": str(tmp_path),
    }
    return lambda *words, **more: CliRunner().invoke(app, words, env=environment, **more)


@pytest.fixture
def tell(typed: Callable[..., Result], views_database: str) -> Iterator[Tell]:
    events = MemoryLog({RUN_EVENTS: 1})
    historian = Historian(events)
    with connect(views_database) as connection:

        def tell(run_id: str, *bodies: EventBody, cause_id: str | None = None) -> None:
            for body in bodies:
                events.append([historian.outgoing(run_id, body, cause_id=cause_id)])
            catch_up(Applier(connection, pinned_codec()), events, [RUN_EVENTS])

        yield tell


def complaint(result: Result) -> str:
    assert isinstance(result.exception, SetupError), result.output
    return str(result.exception)


def test_nothing_is_done_before_it_is_meant(typed: Callable[..., Result], tell: Tell) -> None:
    runs = [new_run() for _ in range(3)]
    for run_id in runs:
        tell(run_id, started())
    tell(runs[2], failed())
    dry = typed(*CANCEL, "--workflow", "case-review", "--dry-run", "--json")
    assert (json.loads(dry.stdout)["count"], dry.exit_code) == (2, 0)
    again = typed("run", "bulk", "retry", "--reason", "mended", "--all", "--dry-run", "--json")
    assert [run["run_id"] for run in json.loads(again.stdout)["sample"]] == [runs[2]]
    assert "--yes" in complaint(typed(*CANCEL, "--workflow", "case-review"))
    assert "--all if all" in complaint(typed(*CANCEL, "--dry-run"))
    assert "has ended" in complaint(typed(*CANCEL, "--status", "failed", "--yes"))
    assert "isn't a filter" in complaint(typed(*CANCEL, "--status", "asleep", "--yes"))
    assert "--signal NAME" in complaint(typed("run", "bulk", "signal", "--reason", "x", "--all", "--yes"))
    assert "operator" in complaint(typed(*CANCEL, "--all", "--yes", "--as", "ana"))
    assert json.loads(typed("bulk", "list", "--json").stdout) == {"operations": []}


def test_what_is_asked_is_there_for_an_api_process_and_can_be_stopped(
    typed: Callable[..., Result], tell: Tell, log: MemoryLog
) -> None:
    tell(new_run(), started())
    asked = typed(*CANCEL, "--all", "--yes", "--key", "k", "--json")
    assert asked.exit_code == 3
    bulk_id = json.loads(asked.stdout)["bulk_id"]
    assert json.loads(typed(*CANCEL, "--all", "--yes", "--key", "k", "--json").stdout)["bulk_id"] == bulk_id
    assert "another operation" in complaint(typed(*CANCEL, "--workflow", "other", "--yes", "--key", "k"))
    assert typed("bulk", "show", bulk_id).stdout == "waiting: 0 runs told to cancel\n"
    assert "operator" in complaint(typed("bulk", "stop", bulk_id, "--reason", "x", "--as", "ana"))
    assert typed("bulk", "stop", bulk_id, "--reason", "the wrong ones").exit_code == 0
    places = range(log.partitions(OPERATOR_ACTIONS))
    said = [record for place in places for record in log.read(OPERATOR_ACTIONS, place, 0, 9)]
    assert [pinned_codec().decode_fact(record.value or b"")[1].action for record in said] == ["run.bulk_stop"]
    (one,) = json.loads(typed("bulk", "list", "--json").stdout)["operations"]
    assert (one["status"], one["stopped_by"], one["kind"]) == ("stopped", "olga", "cancel")
    assert "penstock bulk list" in complaint(typed("bulk", "show", new_run()))


def test_each_run_is_said_once_in_order_with_what_came_of_it(
    typed: Callable[..., Result], tell: Tell, views_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_following, "KNOWN_S", 0.05)
    monkeypatch.setattr(bulk_following, "_LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(bulk_following, "PAGE", 2)
    runs, inputs = [new_run() for _ in range(5)], [new_run() for _ in range(5)]
    for run_id in runs:
        tell(run_id, started())
    bulk_id = json.loads(typed(*CANCEL, "--all", "--yes", "--json").stdout)["bulk_id"]
    for run_id, input_id in list(zip(runs, inputs, strict=True))[:4]:
        tell(run_id, RunEnding(outcome="cancelled", reason="requested", detail=""), cause_id=input_id)
    with connect(views_database) as connection:
        for n, (run_id, input_id) in enumerate(zip(runs, inputs, strict=True), 1):
            connection.execute(
                "INSERT INTO penstock.bulk_run (bulk_id, n, run_id, input_id, state) VALUES (%s, %s, %s, %s, 'said')",
                (bulk_id, n, run_id, input_id),
            )
        connection.execute("UPDATE penstock.bulk SET status = 'done', runs = 5")
    result = typed("bulk", "show", bulk_id, "--watch", "--json")
    *lines, end = (json.loads(line) for line in result.stdout.splitlines())
    assert [(line["n"], line["run_id"], line["outcome"]) for line in lines] == [
        (n, run_id, "unknown" if n == 5 else "applied") for n, run_id in enumerate(runs, 1)
    ]
    assert (end["status"], end["outcomes"]) == ("done", {"applied": 4, "unknown": 1})
    assert result.exit_code == 3
    tell(runs[4], RunEnding(outcome="cancelled", reason="requested", detail=""), cause_id=inputs[4])
    whole = typed("bulk", "show", bulk_id, "--watch")
    assert (whole.exit_code, whole.stdout) == (0, "done: 5 runs told to cancel (5 applied)\n")
