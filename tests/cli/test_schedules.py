"""`penstock schedules …`: what is said to the log, what is shown of the views, and what a person is told to type."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.views.database import API_KEYS, database_with_views, empty
from tests.views.schedules import Schedules
from typer.testing import CliRunner, Result

from penstock.audit.applier import Applier, catch_up
from penstock.cli import api_keys
from penstock.cli.main import app
from penstock.producers.log import OnDone, Outgoing
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect, migrate, migrations
from penstock.schemas.codec import pinned_codec
from penstock.schemas.operator.records import OperatorActed
from penstock.schemas.topics import OPERATOR_ACTIONS, SCHEDULE_EVENTS

NIGHTLY = ("nightly", "--workflow", "case-review", "--input", '{"case_id": "C-1"}', "--cron", "30 2 * * *")


class DecidedLog(MemoryLog):
    """What is said to a schedule is decided at once, and the views show it."""

    schedules: Schedules | None = None
    database_url = ""

    def append_soon(self, record: Outgoing, on_done: OnDone) -> None:
        super().append_soon(record, on_done)
        if self.schedules is not None:
            self.schedules.decide()
            with connect(self.database_url) as connection:
                catch_up(Applier(connection, pinned_codec()), self, [SCHEDULE_EVENTS])

    def close(self) -> None:
        """It is the test's."""


@dataclass
class Terminal:
    """Where commands are typed."""

    environment: dict[str, str]
    log: MemoryLog

    def type(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["schedules", *words], env=self.environment)

    def shown(self, *words: str, code: int = 0) -> str:
        result = self.type(*words)
        assert result.exit_code == code, f"{result.output} {result.exception!r}"
        return result.stdout

    def told(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.shown(*words, "--json", code=code))

    def recorded(self) -> list[OperatorActed]:
        """What operators did, in the order of the log."""
        found = []
        for partition in range(self.log.partitions(OPERATOR_ACTIONS)):
            for record in self.log.deliver(OPERATOR_ACTIONS, partition, 0):
                _, body = pinned_codec().decode_fact(record.value or b"")
                assert isinstance(body, OperatorActed)
                found.append(body)
        return found

    def complains(self, *words: str) -> str:
        result = self.type(*words)
        assert isinstance(result.exception, SetupError), result.output
        return str(result.exception)


@pytest.fixture(scope="module")
def views_database(postgres_server: str) -> Iterator[str]:
    with database_with_views(postgres_server) as url:
        migrate(url, known=tuple(each for each in migrations() if each.name in API_KEYS))
        yield url


@pytest.fixture
def terminal(views_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    log = DecidedLog()
    keyring = Keyring.create(tmp_path / "keys.json")
    api_keys.ensure(tmp_path / "api-keys.json")
    log.database_url = empty(views_database)
    log.schedules = Schedules(log, keyring=keyring)
    monkeypatch.setattr("penstock.cli.speaking.KafkaLog", lambda *_: log)
    monkeypatch.setattr("penstock.cli.speaking.insist_on_broker", lambda _: None)
    return Terminal(
        {
            "DATABASE_URL": log.database_url,
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "PENSTOCK_HOME": str(tmp_path),
            "COLUMNS": "200",
        },
        log,
    )


def test_a_schedule_is_made_shown_paused_triggered_and_deleted(terminal: Terminal) -> None:
    made = terminal.shown(
        "create", *NIGHTLY, "--zone", "Europe/Berlin", "--catch-up", "all", "--window", "2h"
    )
    assert made.startswith(
        "applied\nschedule nightly  active  case-review vnewest  30 2 * * * (Europe/Berlin)"
    )
    assert made.count("  due ") == 5
    found = terminal.told("show", "nightly")
    assert (found["catch_up"], found["catch_up_window_s"], found["created_by"]) == ("all", 7200, "olga")
    paused = terminal.told("pause", "nightly", "--reason", "closed")
    assert (paused["outcome"], paused["effect"]["type"]) == ("applied", "SchedulePaused")
    assert terminal.shown("pause", "nightly", "--reason", "closed").startswith("as it was: already paused")
    triggered = terminal.told("trigger", "nightly", "--key", "once")
    assert terminal.told("trigger", "nightly", "--key", "once") == triggered
    assert terminal.told("show", "nightly")["last_run_ids"] == [triggered["effect"]["event"]["run_id"]]
    (listed,) = terminal.told("list", "--state", "paused")
    assert (listed["name"], listed["fired"]) == ("nightly", 1)
    assert "nightly" in terminal.shown("list")
    assert "active" in terminal.shown("resume", "nightly")
    assert "deleted" in terminal.shown("delete", "nightly")
    assert "no schedule fits" in terminal.shown("list")


def test_what_its_decider_failed_on_is_shown_and_released_or_given_up(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.shown("create", *NIGHTLY)

    def broken(*_: object) -> None:
        raise LookupError("a bad deploy")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("penstock.streams.schedules.decision.triggered_run_id", broken)
        first = terminal.told("trigger", "nightly", "--key", "one", code=1)
        second = terminal.told("trigger", "nightly", "--key", "two", code=1)
    assert (first["outcome"], second["outcome"]) == ("parked", "parked")
    kept = [each["input_id"] for each in terminal.told("show", "nightly")["parked"]]
    assert kept == [first["input_id"], second["input_id"]]
    assert "a bad deploy" in terminal.shown("show", "nightly")
    terminal.shown("discard", "nightly", kept[1], "--reason", "once is enough")
    assert terminal.told("release", "nightly", kept[0], "--reason", "mended")["outcome"] == "applied"
    after = terminal.told("show", "nightly")
    assert (after["parked"], after["fired"]) == ([], 1)
    assert [(body.action, body.target) for body in terminal.recorded()] == [
        ("parked-input.discard", kept[1]),
        ("parked-input.release", kept[0]),
    ]
    assert terminal.told("release", "nightly", kept[0], "--reason", "again", code=1)["outcome"] == "refused"


def test_another_of_the_same_name_is_refused_with_code_1(terminal: Terminal) -> None:
    terminal.shown("create", *NIGHTLY)
    assert terminal.shown("create", *NIGHTLY).startswith("as it was")
    other = terminal.shown("create", "nightly", "--workflow", "case-review", "--every", "15m", code=1)
    assert other.startswith("refused: there is a schedule of this name")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("create", *NIGHTLY[:-1], "30 2 * *"), "five fields"),
        (("create", *NIGHTLY, "--every", "15m"), "either"),
        (("create", *NIGHTLY[:-2], "--every", "15"), "90s, 15m, 2h or 1d"),
        (("create", *NIGHTLY, "--zone", "Berlin"), "Europe/Berlin"),
        (("create", *NIGHTLY, "--catch-up", "some"), "skip, last or all"),
        (("create", *NIGHTLY, "--ends", "2001-01-01T00:00:00Z"), "later --ends"),
        (("create", *NIGHTLY, "--starts", "soon"), "2026-11-28T09:00:00Z"),
        (("create", "a b", *NIGHTLY[1:]), "begins with a letter"),
        (("create", *NIGHTLY, "--as", "nobody"), "nobody"),
        (("pause", "none", "--reason", "x"), "penstock schedules list"),
        (("show", "none"), "penstock schedules list"),
        (("list", "--state", "none"), "active, paused, over, deleted"),
    ],
)
def test_what_cant_be_meant_is_told_in_a_sentence(
    terminal: Terminal, words: tuple[str, ...], says: str
) -> None:
    assert says in terminal.complains(*words)
