"""`penstock run …`: what it shows of the views, what it says to the log, and what it tells a person to do next."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.integration.processes import eventually, processes
from tests.views.database import database_with_views, empty
from tests.views.histories import Historian, asked, failed, new_run, started
from typer.testing import CliRunner, Result

from penstock.audit.applier import Applier, catch_up
from penstock.cli.local.broker import LocalBroker
from penstock.cli.main import app
from penstock.producers.memory import MemoryLog
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.run.records import RunCompleted
from penstock.schemas.topics import RUN_EVENTS

pytestmark = pytest.mark.broker
RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
Tell = Callable[..., None]


@dataclass
class Terminal:
    """Where commands are typed."""

    environment: dict[str, str]

    def type(self, *words: str) -> Result:
        return CliRunner().invoke(app, ["run", *words], env=self.environment)

    def shown(self, *words: str, code: int = 0) -> str:
        result = self.type(*words)
        assert result.exit_code == code, f"{result.output} {result.exception!r}"
        return result.stdout

    def told(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.shown(*words, "--json", code=code))

    def complains(self, *words: str) -> str:
        result = self.type(*words)
        assert isinstance(result.exception, SetupError), result.output
        return str(result.exception)


@pytest.fixture(scope="module")
def views_database(postgres_server: str) -> Iterator[str]:
    with database_with_views(postgres_server) as url:
        yield url


@pytest.fixture
def terminal(views_database: str, tmp_path: Path) -> Terminal:
    return Terminal(
        {
            "DATABASE_URL": empty(views_database),
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "PENSTOCK_HOME": str(tmp_path),
        }
    )


@pytest.fixture
def tell(terminal: Terminal) -> Iterator[Tell]:
    """Lets a run's history go on, and the views see it."""
    log = MemoryLog({RUN_EVENTS: 1})
    historian = Historian(log)
    with connect(terminal.environment["DATABASE_URL"]) as connection:

        def tell(run_id: str, *bodies: EventBody) -> None:
            historian.write(run_id, *bodies)
            catch_up(Applier(connection, pinned_codec()), log, [RUN_EVENTS])

        yield tell


def test_runs_are_listed_by_what_they_have_in_common(terminal: Terminal, tell: Tell) -> None:
    other, done = new_run(), new_run()
    tell(RUN, started(search_attributes='{"desk":"a","urgent":true}'), asked(RUN, 1))
    tell(other, started(workflow="other", requester="sam"))
    tell(done, started(), RunCompleted(result=json_payload("done")))

    def found(*words: str) -> list[str]:
        return [run["run_id"] for run in terminal.told("list", *words)]

    assert found() == [done, other, RUN]
    assert found("--limit", "2") == [done, other]
    assert found("--workflow", "other") == [other]
    assert found("--status", "waiting_approval") == [RUN]
    assert found("--requester", "sam") == [other]
    assert found("--attribute", "desk:a", "--attribute", "urgent:true") == [RUN]
    assert found("--started-before", "2001-01-01T00:00:00Z") == found("--tenant", "elsewhere") == []
    table = terminal.shown("list")
    assert "desk:a urgent:true" in table
    assert "waiting_approval" in table
    assert "no run fits" in terminal.shown("list", "--tenant", "elsewhere")


def test_a_run_is_shown_with_what_it_waits_for_and_its_result(terminal: Terminal, tell: Tell) -> None:
    tell(RUN, started(), asked(RUN, 1))
    assert "waits for   approval" in terminal.shown("show", RUN)
    assert terminal.told("show", RUN)["waits_for"][0]["role"] == "supervisor"
    assert "RunStarted" not in terminal.shown("events", RUN, "--from-seq", "2")
    assert terminal.told("result", RUN, code=3)["status"] == "waiting_approval"
    tell(RUN, RunCompleted(result=json_payload({"decision": "ünïcode"})))
    assert json.loads(terminal.shown("result", RUN)) == {"decision": "ünïcode"}
    bad = new_run()
    tell(bad, started(), failed())
    assert terminal.told("result", bad, code=1)["error"]["kind"] == "CaseClosed"


def test_what_cannot_be_done_says_what_to_type(terminal: Terminal, tell: Tell, tmp_path: Path) -> None:
    for words in (("show", RUN), ("events", RUN), ("result", RUN), ("cancel", RUN, "--reason", "x")):
        assert "`penstock run list`" in terminal.complains(*words)
    assert "type one of accepted" in terminal.complains("list", "--status", "nonsense")
    assert "2026-11-28T09:00:00Z" in terminal.complains("list", "--ended-after", "tomorrow")
    assert "name:value" in terminal.complains("list", "--attribute", "desk")
    assert "isn't JSON" in terminal.complains("start", "statement", "--input", "{")
    assert "can't be read" in terminal.complains("start", "statement", "--input", f"@{tmp_path}/none")
    twice = ("--attribute", "a:1", "--attribute", "a:2")
    assert "given twice" in terminal.complains("start", "statement", *twice)


@pytest.fixture
def standing(fresh_kafka: LocalBroker, database_url: str, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal beside a real broker, with workers that decide and project."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": fresh_kafka.start(),
        "DATABASE_URL": database_url,
        "PENSTOCK_HOME": str(tmp_path),
        "PENSTOCK_APPLICATION": "tests.cli.run_application:application",
    }
    prepared = CliRunner().invoke(app, ["prepare"], env=environment)
    assert prepared.exit_code == 0, prepared.output
    with processes(environment, tmp_path / "logs") as children:
        children.start("worker", ["penstock.cli.main", "worker", "all"])
        children.start("views", ["penstock.cli.main", "worker", "views"])
        yield Terminal(environment)


def test_who_stops_waiting_is_told_which_run_goes_on(
    terminal: Terminal, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    tell(RUN, started())
    monkeypatch.setattr("penstock.cli.outcomes.time.sleep", interrupted)
    stopped = terminal.type("result", RUN, "--wait", "60", "--json")
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert f"penstock run result {RUN} --wait 60" in " ".join(stopped.stderr.split())


def test_a_run_is_started_told_something_and_waited_for_on_a_real_broker(standing: Terminal) -> None:
    start = ("start", "statement", "--input", '{"case_id": "C-1"}', "--key", "k-1", "--attribute", "desk:a")
    run_id = standing.told(*start)["run_id"]
    running = ("list", "--attribute", "desk:a", "--status", "running")
    eventually(lambda: bool(standing.told(*running)), 90, lambda: standing.shown("list"))
    assert standing.told("result", run_id, "--wait", "0.5", code=3)["status"] == "running"
    assert standing.told(*start)["run_id"] == run_id
    assert [run["run_id"] for run in standing.told("list", "--attribute", "desk:a")] == [run_id]
    wrong = standing.told("signal", run_id, "statement", "--payload", "7", "--wait", "60", code=1)
    assert (wrong["outcome"], wrong["effect"]["event"]["reason"]) == ("refused", "invalid_signal")
    said = (
        "signal",
        run_id,
        "statement",
        "--payload",
        '{"text": "not mine"}',
        "--key",
        "s-1",
        "--wait",
        "60",
    )
    told = standing.told(*said)
    assert (told["outcome"], told["effect"]["type"]) == ("applied", "SignalReceived")
    assert standing.told("result", run_id, "--wait", "60")["result"] == "C-1: not mine"
    # The same again is the same input, and after the end too it is told what came of it then.
    assert standing.told(*said) == told
    late = standing.told("cancel", run_id, "--reason", "late", "--wait", "60", code=1)
    assert (late["outcome"], late["effect"]["event"]["reason"]) == ("refused", "ended")
    think = ("feedback", run_id, "--score", "0.5", "--label", "helpful", "--tag", "a", "--wait", "60")
    thought = standing.told(*think)
    assert (thought["outcome"], thought["effect"]["event"]["score_thousandths"]) == ("applied", 500)
    assert standing.told(*think) == thought, "the same words are one"
    assert standing.told("show", run_id)["status"] == "completed"
    assert "nothing was said" in standing.complains("feedback", run_id)
    refused = standing.told("start", "nonsense", "--wait", "60", code=1)
    assert (refused["status"], refused["error"]["kind"]) == ("refused", "unknown_workflow")
