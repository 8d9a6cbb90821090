"""StartRun: a run begins once, with what its workflow takes, or says why not."""

from dataclasses import replace

from penstock.producers.signing import Authority
from penstock.schemas.envelope.records import Actor, Payload
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import RunCompleted, RunStarted, StartRun, ToolCallRequested

from .acts import cancels, completes, fires, resumes, starts, votes
from .cases import CASES, Case, application, read_once
from .given import BEGIN_MS, given, start, timer_id

CASE = {"case_id": "c1"}


def test_a_run_starts_with_its_deadline_and_its_first_step() -> None:
    story = given(CASES).when(start("read-once", CASE)).then(RunStarted, ToolCallRequested)
    started, requested = story.events
    assert isinstance(started, RunStarted)
    assert isinstance(requested, ToolCallRequested)
    assert (started.requester, started.requester_roles) == ("app:test", ("analyst",))
    assert started.code_hash == read_once.code_hash
    thirty_days_ms = 30 * 24 * 3600 * 1000
    assert started.deadline_ms == BEGIN_MS + 1 + thirty_days_ms
    armed = story.state.timers[timer_id("deadline")]
    assert (armed.purpose, armed.step, armed.due_ms) == ("deadline", 0, started.deadline_ms)
    assert (requested.step, requested.attempt, requested.effect, requested.grant_id) == (1, 1, "read", None)
    assert requested.arguments.content == b'{"case_id":"c1"}'


def test_a_run_completes_with_what_the_workflow_returns() -> None:
    story = given(CASES).when(start("read-once", CASE)).when(completes(1, "found"))
    end = story.events[-1]
    assert isinstance(end, RunCompleted)
    assert end.result.content == b'"found"'


def test_the_same_start_again_is_accepted_and_changes_nothing() -> None:
    story = given(CASES).when(start("read-once", CASE)).when(start("read-once", CASE))
    assert story.only() == InputAccepted(input_type="StartRun", note="already started")


def test_the_same_start_again_is_accepted_after_the_end_too() -> None:
    story = given(CASES).when(start("read-once", CASE)).when(completes(1, "found"))
    story.when(start("read-once", CASE)).then(InputAccepted)


def test_another_body_under_the_same_key_is_a_conflict() -> None:
    story = given(CASES).when(start("read-once", CASE))
    assert story.when(start("read-once", {"case_id": "c2"})).reason() == "idempotency_conflict"
    assert story.when(start("note", CASE)).reason() == "idempotency_conflict"


def test_an_unknown_workflow_or_version_is_refused_and_the_run_never_starts() -> None:
    story = given(CASES).when(start("nonsense", CASE))
    assert story.reason() == "unknown_workflow"
    assert story.when(start("read-once", CASE, version=9)).reason() == "unknown_workflow"
    assert story.when(completes(1)).reason() == "unknown_run"


def test_an_input_that_does_not_fit_is_refused_by_field_without_its_values() -> None:
    story = given(CASES).when(start("read-once", {"case_id": 7, "amount": "secret-value"}))
    refused = story.only()
    assert isinstance(refused, InputRefused)
    assert refused.reason == "invalid_input"
    assert "case_id" in refused.detail
    assert "secret-value" not in refused.detail


def test_an_input_whose_bytes_are_not_its_hash_is_refused() -> None:
    content = Payload(content_type="application/json", content=b'{"case_id":"c1"}', sha256="0" * 64)
    story = given(CASES).when(StartRun(workflow="read-once", input=content, body_sha256="b"))
    assert story.reason() == "invalid_input"


def test_a_run_starts_after_others_were_refused_for_its_id() -> None:
    story = given(CASES).when(cancels(), tenant="other").when(start("read-once", CASE))
    story.then(RunStarted, ToolCallRequested)


def test_the_newest_version_is_pinned_unless_one_is_named() -> None:
    from penstock import Run, workflow

    @workflow("read-once", version=2)
    async def newer(run: Run, case: Case) -> str:
        return "two"

    both = application(read_once, newer)
    newest = given(both).when(start("read-once", CASE)).events[0]
    named = given(both).when(start("read-once", CASE, version=1)).events[0]
    assert isinstance(newest, RunStarted)
    assert isinstance(named, RunStarted)
    assert (newest.workflow_version, named.workflow_version) == (2, 1)


def test_anything_for_a_run_that_never_started_is_refused() -> None:
    story = given(CASES)
    for body in (cancels(), completes(1), starts(1), fires("deadline"), resumes(), votes(story, 1)):
        assert story.when(body).reason() == "unknown_run"


def test_the_requester_is_who_the_door_authenticated() -> None:
    someone = Actor(kind="person", subject="pat", roles=("analyst", "chief"))
    started = given(CASES).when(start("read-once", CASE), authority=Authority.API, actor=someone).events[0]
    assert isinstance(started, RunStarted)
    assert (started.requester, started.requester_roles) == ("pat", ("analyst", "chief"))


def test_search_attributes_are_carried_into_the_history() -> None:
    attributes = '{"desk":"disputes","urgent":true}'
    asked = replace(start("read-once", CASE), search_attributes=attributes)
    started = given(CASES).when(asked).events[0]
    assert isinstance(started, RunStarted)
    assert started.search_attributes == attributes


def test_search_attributes_in_another_form_are_refused() -> None:
    asked = replace(start("read-once", CASE), search_attributes='{"desk": ["disputes"]}')
    assert given(CASES).when(asked).reason() == "invalid_search_attributes"
