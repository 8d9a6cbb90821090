"""`penstock rebuild`: what it shows, asks, swaps and leaves, its exit codes, and what it puts on the log first."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.views.database import database_with_views, empty
from tests.views.histories import Historian, case_review, new_run
from typer.testing import CliRunner, Result

from penstock.audit import shadow as shadows
from penstock.audit.applier import Applier, catch_up
from penstock.audit.shadowing import Rebuilding
from penstock.cli import deeds, rebuilding
from penstock.cli.main import app
from penstock.cli.rebuild_page import Pace
from penstock.producers.memory import MemoryLog
from penstock.producers.operators import OperatorLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_EVENTS

WHY = ("--reason", "a column was wrong")


@dataclass
class Terminal:
    """Where commands are typed, beside views of three reviews."""

    environment: dict[str, str]
    log: MemoryLog
    keyring: Keyring

    def type(self, *words: str, answer: str = "") -> Result:
        return CliRunner().invoke(app, ["rebuild", *words], env=self.environment, input=answer)

    def plant(self) -> None:
        with connect(self.environment["DATABASE_URL"]) as views:
            views.execute("UPDATE views.run_row SET requester = 'old'")

    def requesters(self) -> set[str]:
        with connect(self.environment["DATABASE_URL"]) as views:
            return {who for (who,) in views.execute("SELECT requester FROM views.run")}

    def project(self) -> None:
        with connect(self.environment["DATABASE_URL"]) as views:
            catch_up(Applier(views, pinned_codec(), self.keyring), self.log, [RUN_EVENTS, OPERATOR_ACTIONS])

    def said(self) -> list[tuple[str, str, str, str]]:
        """(who, what, to, why) of all that stands on the log."""
        records = [
            record
            for at in range(self.log.partitions(OPERATOR_ACTIONS))
            for record in self.log.read(OPERATOR_ACTIONS, at, 0, 100)
        ]
        facts = [pinned_codec().decode_fact(record.value or b"") for record in records]
        return [(meta.actor.subject, body.action, body.target, body.reason) for meta, body in facts]


@pytest.fixture(scope="module")
def views_database(postgres_server: str) -> Iterator[str]:
    with database_with_views(postgres_server) as url:
        yield url


@pytest.fixture
def terminal(views_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    log, keyring = MemoryLog(), Keyring.create(tmp_path / "keys.json")

    @contextmanager
    def recording_for(settings: Settings, tenant: str) -> Iterator[OperatorLog]:
        signer = keyring.signer(Authority.OPERATOR)
        yield OperatorLog(Publisher(log, pinned_codec(), signer, "test"), tenant)

    def actor_of(settings: Settings, tenant: str, subject: str) -> Actor:
        return Actor(kind="person", subject=subject, roles=("operator",) if subject == "olga" else ())

    monkeypatch.setattr(log, "close", lambda: None)
    monkeypatch.setattr(rebuilding, "KafkaLog", lambda *_: log)
    monkeypatch.setattr(deeds, "recording_for", recording_for)
    monkeypatch.setattr(deeds, "actor_of", actor_of)
    environment = {
        "DATABASE_URL": empty(views_database),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PENSTOCK_HOME": str(tmp_path),
    }
    historian = Historian(log)
    for run_id in (new_run() for _ in range(3)):
        historian.write(run_id, *case_review(run_id))
    made = Terminal(environment, log, keyring)
    made.project()
    yield made
    with connect(views_database) as views:
        shadows.drop(views)


def test_the_diff_is_shown_and_the_swap_is_asked_for(terminal: Terminal) -> None:
    terminal.plant()
    shown = terminal.type("all", *WHY, answer="n\n")
    assert shown.exit_code == 1, shown.output
    assert "requester 3" in shown.output
    assert 'requester: the views say "old", the log "ana"' in shown.output
    assert terminal.requesters() == {"old"}
    assert "abandoned" in terminal.type().output
    again = terminal.type("run", *WHY)
    assert isinstance(again.exception, SetupError)
    assert "--resume" in str(again.exception)
    swapped = terminal.type("--resume", answer="y\n")
    assert swapped.exit_code == 0, swapped.output
    assert terminal.requesters() == {"ana"}
    assert terminal.said() == [
        ("olga", "views.rebuild", "all", WHY[1]),
        ("olga", "views.swap", "all", WHY[1]),
    ]
    assert "replaced tables" in terminal.type().output
    assert "dropped views_before_" in terminal.type("--drop").output
    assert "have left nothing" in terminal.type().output


def test_for_programs_a_diff_is_a_document_and_an_exit_code(terminal: Terminal) -> None:
    terminal.plant()
    only = terminal.type("run", *WHY, "--diff-only", "--drop", "--json", "--first", "1")
    assert only.exit_code == 1, only.output
    found = json.loads(only.stdout)
    (view,) = found["views"]
    assert (found["differences"], found["swapped"], found["before"]) == (3, False, None)
    assert (view["view"], view["differ"], view["columns"], len(view["first"])) == (
        "run",
        3,
        {"requester": 3},
        1,
    )
    assert json.loads(terminal.type("--json").stdout) == {"begun": None, "before": {}}
    swapped = terminal.type("run", *WHY, "--yes", "--json")
    assert (swapped.exit_code, json.loads(swapped.stdout)["swapped"]) == (0, True)
    assert terminal.requesters() == {"ana"}
    terminal.project()
    # What is right is left as it is, and nothing of the rebuild stays.
    again = terminal.type("all", *WHY, "--diff-only", "--json")
    assert (again.exit_code, json.loads(again.stdout)["differences"]) == (0, 0)
    assert json.loads(terminal.type("--json").stdout)["begun"] is None


def test_ctrl_c_leaves_the_shadow_and_says_how_to_go_on(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    terminal.plant()
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Rebuilding, "compare", stopped)
        result = terminal.type("all", *WHY)
    assert result.exit_code != 0
    assert "penstock rebuild --resume" in result.stderr
    begun = json.loads(terminal.type("--json").stdout)["begun"]
    assert (begun["at_work"], begun["records_done"]) == (False, begun["records"])
    assert terminal.type("--resume", "--yes").exit_code == 0
    assert terminal.requesters() == {"ana"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("all",), "say why"),
        (("all", *WHY, "--as", "ana"), "isn't an operator"),
        (("runs", *WHY), "type one of all, approval"),
        (("--resume",), "no rebuild"),
    ],
)
def test_what_cant_be_begun_is_told_so_and_leaves_nothing(
    terminal: Terminal, words: tuple[str, ...], said: str
) -> None:
    result = terminal.type(*words)
    assert isinstance(result.exception, SetupError), result.output
    assert said in str(result.exception)
    assert terminal.said() == []
    assert "have left nothing" in terminal.type().output


def test_progress_says_how_many_how_fast_and_how_long() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.words(0, 300_000) == "0 of 300,000 records"
    now[0] = 2.0
    assert pace.words(20_000, 300_000) == "20,000 of 300,000 records, 10,000 a second, 28 s left"
    now[0] = 40.0
    # The speed is the present one.
    assert pace.words(39_000, 300_000) == "39,000 of 300,000 records, 500 a second, 9 min left"
