"""What TAB offers, and that it never gets in the way."""

import logging
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.views.histories import (
    Historian,
    approval_of,
    asked,
    call_of,
    lease_started,
    requested,
    started,
)
from typer.testing import CliRunner

from penstock.audit.applier import Applier, catch_up
from penstock.cli.main import app
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Failure
from penstock.schemas.log.records import InputParked
from penstock.schemas.run.records import ToolCallInDoubt
from penstock.schemas.topics import RUN_EVENTS

Tab = Callable[[str], list[str]]
APPLICATION = "tests.cli.run_application:application"
ONE, TWO, AWAY, PARKED = (str(uuid.UUID(int=number << 120, version=4)) for number in (0x1A, 0x2B, 0x3C, 0x4D))


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "PENSTOCK_HOME": str(tmp_path),
        "PENSTOCK_APPLICATION": APPLICATION,
    }


@pytest.fixture
def tab(environment: dict[str, str]) -> Tab:
    def offered(line: str) -> list[str]:
        """What a shell is offered behind that line."""
        word = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - (not line.endswith(" ")))}
        shell = environment | word | {"_PENSTOCK_COMPLETE": "complete_bash"}
        answer = CliRunner().invoke(app, prog_name="penstock", env=shell)
        assert answer.exit_code == 0, answer.output
        return answer.stdout.split()

    return offered


@pytest.fixture
def history(database_url: str) -> None:
    """Two runs of the operator's own tenant, the newer one with a question, a call in doubt and a parked input."""
    migrate(database_url)
    log = MemoryLog({RUN_EVENTS: 1})
    Historian(log).write(ONE, started())
    doubt = ToolCallInDoubt(call_id=call_of(TWO, 2), attempt=1, lease_id="l", reason="its worker died")
    parked = InputParked(
        input_id=PARKED,
        input_type="CancelRun",
        input_value=b"",
        error=Failure(kind="KeyError", message="a bad deploy"),
    )
    called = requested(TWO, 2, effect="unsafe"), lease_started(TWO, 2), doubt
    Historian(log).write(TWO, started(), asked(TWO, 1), *called, parked)
    Historian(log, tenant="elsewhere").write(AWAY, started())
    with connect(database_url) as connection:
        catch_up(Applier(connection, pinned_codec()), log, [RUN_EVENTS])
        connection.execute(
            "INSERT INTO penstock.webhook (webhook_id, tenant, url, kinds, description, secret, since_ms, created_by) "
            "VALUES ('5d1f2c7b90aa41e3', 'local', 'https://x.example', '{run.ended}', '', '', 0, 'ada')"
        )
        connection.execute(
            "INSERT INTO penstock.api_key (key_id, sha256, tenant, subject, kind, roles, created_by) "
            "VALUES ('8f21c0d4', repeat('0', 64), 'local', 'nightly', 'service', '{analyst}', 'ada')"
        )


@pytest.mark.usefixtures("history")
def test_ids_are_offered_newest_first(tab: Tab) -> None:
    assert tab("penstock run show ") == [TWO, ONE]
    assert tab(f"penstock run cancel {ONE[:6]}") == [ONE]
    assert tab(f"penstock trail {AWAY[:6]}") == [AWAY], "another tenant's, once something is typed"
    assert tab("penstock approvals grant ") == [approval_of(TWO, 1)]
    assert tab("penstock settle ") == [call_of(TWO, 2)]
    assert tab(f"penstock release {TWO} ") == [PARKED]
    assert tab(f"penstock release {ONE} ") == []
    assert tab("penstock webhooks show ") == ["5d1f2c7b90aa41e3"]
    assert tab("penstock keys revoke 8f") == ["8f21c0d4"]


@pytest.mark.usefixtures("history")
def test_words_are_offered(tab: Tab) -> None:
    assert tab("penstock run start ") == ["statement"]
    assert tab("penstock run list --status pa") == ["parked", "paused"]
    assert tab("penstock worker v") == ["views"]
    assert {"all", "run", "approval"} <= set(tab("penstock rebuild "))
    assert tab("penstock webhooks create https://x.example --kind c") == ["call.in_doubt"]


QUERIES = [
    f"penstock {words} "
    for words in (
        "run show",
        "run show 5",
        "approvals grant",
        "settle",
        f"release {ONE}",
        "schedules release nightly",
        "schedules show",
        "dlq show",
        "bulk show",
        "webhooks show",
        "keys revoke",
        "rebuild",
        "tail",
    )
]


@pytest.mark.parametrize("line", QUERIES)
def test_every_question_is_one_that_the_database_understands(
    tab: Tab, database_url: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(database_url)
    with caplog.at_level(logging.DEBUG, "penstock.completing"):
        tab(line)
    assert caplog.text == ""


@pytest.mark.parametrize("line", [*QUERIES, "penstock run start "])
def test_without_a_database_or_an_application_nothing_is_offered_and_nothing_said(
    environment: dict[str, str], tab: Tab, line: str
) -> None:
    environment |= {"DATABASE_URL": "postgresql://127.0.0.1:1/none", "PENSTOCK_APPLICATION": "no.such:thing"}
    assert tab(line) == []
