"""`penstock run pause|continue|retry` and `penstock approvals delegate|escalate`: what each says, and in whose name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.views.database import database_with_views, empty
from tests.views.histories import Historian, approval_of, asked, failed, started
from typer.testing import CliRunner, Result

from penstock.audit.applier import Applier, catch_up
from penstock.cli import speaking_control
from penstock.cli.main import app
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.retries import Retry
from penstock.producers.runs import RunClient
from penstock.producers.signing import Authority, Keyring
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, InputBody, pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.run.records import (
    ContinueRun,
    DelegateApproval,
    EscalateApproval,
    PauseRun,
    StartRun,
)
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX

RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
CASE = json_payload({"case_id": "case-7"})


@dataclass
class Terminal:
    """Where commands are typed; what they say stands on `log`."""

    environment: dict[str, str]
    log: MemoryLog

    def type(self, *words: str) -> Result:
        return CliRunner().invoke(app, words, env=self.environment)

    def says(self, *words: str) -> tuple[InputMeta, InputBody]:
        """The one input that a command puts on the log."""
        before = len(self.inputs())
        result = self.type(*words)
        assert result.exit_code == 0, f"{result.output} {result.exception!r}"
        return self.inputs()[before:][0]

    def inputs(self) -> list[tuple[InputMeta, InputBody]]:
        partitions = range(self.log.partitions(RUN_INBOX))
        records = [record for at in partitions for record in self.log.read(RUN_INBOX, at, 0, 100)]
        return [pinned_codec().decode_input(record.value or b"") for record in records]

    def tell(self, *bodies: EventBody) -> None:
        """Let the views know a run with this history."""
        events = MemoryLog()
        Historian(events).write(RUN, *bodies)
        with connect(self.environment["DATABASE_URL"]) as views:
            catch_up(Applier(views, pinned_codec()), events, [RUN_EVENTS])


@pytest.fixture(scope="module")
def views_database(postgres_server: str) -> Iterator[str]:
    with database_with_views(postgres_server) as url:
        yield url


@pytest.fixture
def terminal(views_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    log = MemoryLog()
    signer = Keyring.create(tmp_path / "keys.json").signer(Authority.OPERATOR)

    @contextmanager
    def speaking_as(settings: Settings, tenant: str, subject: str) -> Iterator[RunClient]:
        with Publisher(log, pinned_codec(), signer, "test") as publisher:
            yield RunClient(publisher, tenant, Actor(kind="person", subject=subject))

    monkeypatch.setattr(speaking_control, "speaking_as", speaking_as)
    environment = {
        "DATABASE_URL": empty(views_database),
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PENSTOCK_HOME": str(tmp_path),
    }
    return Terminal(environment, log)


def test_a_run_is_paused_and_continued_in_a_persons_name(terminal: Terminal) -> None:
    terminal.tell(started())
    meta, body = terminal.says("run", "pause", RUN, "--reason", "look at it", "--as", "sam")
    assert (meta.entity_id, meta.tenant, meta.actor.subject) == (RUN, "local", "sam")
    assert body == PauseRun(reason="look at it")
    meta, body = terminal.says("run", "continue", RUN)
    assert (meta.actor.subject, body) == ("olga", ContinueRun(reason=""))


def test_a_pause_takes_a_reason(terminal: Terminal) -> None:
    terminal.tell(started())
    assert terminal.type("run", "pause", RUN).exit_code == 2
    assert terminal.inputs() == []


def test_a_failed_run_is_done_again_once_a_key(terminal: Terminal) -> None:
    begun = started(input=CASE, priority=3, search_attributes='{"desk":"north"}', requesters_before=("ben",))
    terminal.tell(begun, failed())
    meta, body = terminal.says("run", "retry", RUN, "--key", "k", "--version", "2")
    assert isinstance(body, StartRun)
    assert meta.entity_id == Retry(RUN, ()).run_id("k")
    assert (body.retry_of, body.requesters_before, body.workflow_version) == (RUN, ("ben", "ana"), 2)
    assert (body.input, body.priority, body.search_attributes) == (CASE, 3, begun.search_attributes)
    again = terminal.type("run", "retry", RUN, "--key", "k", "--version", "2")
    assert again.exit_code == 0
    assert {each.id for each, _ in terminal.inputs()} == {meta.id}


def test_a_run_that_has_not_failed_is_not_done_again(terminal: Terminal) -> None:
    terminal.tell(started(input=CASE))
    result = terminal.type("run", "retry", RUN)
    assert isinstance(result.exception, SetupError)
    assert "running" in str(result.exception)
    assert terminal.inputs() == []


def test_a_question_is_handed_on(terminal: Terminal) -> None:
    approval = approval_of(RUN, 1)
    terminal.tell(started(), replace(asked(RUN, 1), escalate_to="chief"))
    words = ("approvals", "delegate", approval[:8], "--to", "pat", "--as", "sam", "--reason", "on leave")
    meta, body = terminal.says(*words)
    assert (meta.entity_id, meta.actor.subject) == (RUN, "sam")
    assert body == DelegateApproval(approval_id=approval, delegate="pat", reason="on leave")
    meta, body = terminal.says("approvals", "escalate", approval, "--as", "sam")
    assert (meta.actor.subject, body) == ("sam", EscalateApproval(approval_id=approval, reason=""))


@pytest.mark.parametrize(
    "words",
    [
        ("run", "pause", RUN, "--reason", "x"),
        ("run", "continue", RUN),
        ("run", "retry", RUN),
        ("approvals", "delegate", "0", "--to", "pat", "--as", "sam"),
        ("approvals", "escalate", "0", "--as", "sam"),
    ],
)
def test_what_is_not_there_is_told_with_where_to_look(terminal: Terminal, words: tuple[str, ...]) -> None:
    result = terminal.type(*words)
    assert isinstance(result.exception, SetupError), result.output
    assert terminal.inputs() == []
