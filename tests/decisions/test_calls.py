"""Calls of all three classes: authorization, grants by rule, answers, retries (laws L7, L8, L12)."""

from datetime import timedelta

import pytest

from penstock import Run, ToolRefused, workflow
from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Payload
from penstock.schemas.ids import derived_id
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import (
    ApprovalGranted,
    CompleteToolCall,
    LateAnswer,
    RunCompleted,
    RunStalled,
    RunStarted,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallRefused,
    ToolCallRequested,
)

from .acts import completes, fails, loses, settles, votes
from .cases import CASE, CASES, Case, application, look_up, look_up_secrets, short_notes
from .given import RUN_ID, Story, call_id, given, result, start


def reading() -> Story:
    return given(CASES).when(start("read-once", CASE))


def noting() -> Story:
    return given(CASES).when(start("note", "short"))


def test_a_read_needs_no_grant_and_no_start() -> None:
    reading().when(completes(1, "found")).then(ToolCallCompleted, RunCompleted)


def test_a_requester_without_the_tools_role_is_refused() -> None:
    @workflow("payment", version=1, deadline=None)
    async def curious(run: Run, case: Case) -> str:
        try:
            return await run.tool(look_up_secrets, case_id=case.case_id)
        except ToolRefused as refused:
            return refused.reason

    story = given(application(curious)).when(start("payment", CASE))
    story.then(RunStarted, ToolCallRefused, RunCompleted)
    assert result(story) == '"unauthorized"'


def test_a_rule_grants_a_low_risk_write_just_before_its_request() -> None:
    story = noting().then(RunStarted, ApprovalGranted, ToolCallRequested)
    _, granted, requested = story.events
    assert isinstance(granted, ApprovalGranted)
    assert isinstance(requested, ToolCallRequested)
    assert (granted.rule, granted.rule_version, granted.granted_by) == (
        short_notes.name,
        1,
        (short_notes.name,),
    )
    assert granted.approval_id == derived_id(RUN_ID, "rule:1")
    assert granted.grant_id == requested.grant_id
    assert granted.args_sha256 == requested.arguments.sha256


def test_a_write_that_its_rule_does_not_grant_is_refused() -> None:
    story = given(CASES).when(start("note", "x" * 50)).then(RunStarted, ToolCallRefused, RunCompleted)
    assert result(story) == '"refused: grant_missing"'


def test_a_rule_that_raises_stalls_the_run() -> None:
    story = given(CASES).when(start("tell", "broken")).then(RunStarted, RunStalled)
    stalled = story.events[-1]
    assert isinstance(stalled, RunStalled)
    assert "known_addresses" in stalled.detail
    assert "the address book is away" in stalled.detail


def test_the_first_answer_settles_and_the_second_is_late() -> None:
    @workflow("read-once", version=1)
    async def twice(run: Run, case: Case) -> str:
        first = await run.tool(look_up, case_id="a")
        return first + await run.tool(look_up, case_id="b")

    story = given(application(twice)).when(start("read-once", CASE)).when(completes(1, "A"))
    story.when(completes(1, "other")).then(LateAnswer)
    story.when(fails(1)).then(LateAnswer)
    story.when(completes(2, "B")).then(ToolCallCompleted, RunCompleted)


def test_answers_after_the_end_are_late() -> None:
    story = reading().when(completes(1, "found"))
    story.when(completes(1, "found")).then(LateAnswer)
    story.when(fails(1)).then(LateAnswer)
    story.when(settles(1, True)).then(LateAnswer)


def test_an_answer_to_a_call_that_does_not_exist_is_refused() -> None:
    assert reading().when(completes(9)).reason() == "unknown_call"
    assert reading().when(completes(1, attempt=2)).reason() == "unknown_attempt"
    assert reading().when(completes(1, attempt=0)).reason() == "unknown_attempt"


def test_an_answer_whose_bytes_are_not_its_hash_is_refused() -> None:
    wrong = Payload(content_type="application/json", content=b'"x"', sha256=json_payload("y").sha256)
    body = CompleteToolCall(call_id=call_id(1), attempt=1, lease_id="L1", result=wrong, duration_ms=1)
    assert reading().when(body).reason() == "invalid_result"


@pytest.mark.parametrize("begin", [reading, noting])
def test_a_retryable_failure_is_tried_again_after_a_back_off(begin: object) -> None:
    story = (reading if begin is reading else noting)()
    first = story.state.calls[call_id(1)]
    story = story.when(fails(1)).then(ToolCallFailed, ToolCallRequested)
    failed, again = story.events
    assert isinstance(failed, ToolCallFailed)
    assert isinstance(again, ToolCallRequested)
    assert not failed.final
    assert (again.call_id, again.attempt, again.arguments, again.grant_id) == (
        call_id(1),
        2,
        first.arguments,
        first.grant_id,
    )
    assert 500 <= again.not_before_ms - story.state.time_ms <= 1000


def test_the_last_attempt_fails_the_call_for_good() -> None:
    story = noting().when(fails(1)).when(fails(1, attempt=2)).then(ToolCallFailed, RunCompleted)
    failed = story.events[0]
    assert isinstance(failed, ToolCallFailed)
    assert failed.final
    assert result(story) == '"failed: timeout"'


def test_a_declined_call_is_not_tried_again() -> None:
    story = noting().when(fails(1, retryable=False, not_done=True)).then(ToolCallFailed, RunCompleted)
    assert result(story) == '"failed: timeout"'


def test_an_answer_to_an_attempt_that_failed_before_is_late() -> None:
    reading().when(fails(1)).when(completes(1, "found")).then(LateAnswer)


def test_a_retry_whose_grant_has_expired_fails_instead() -> None:
    story = noting().when(fails(1), later=timedelta(days=1)).then(ToolCallFailed, RunCompleted)
    assert result(story) == '"failed: timeout"'


def test_a_read_can_not_be_lost_or_settled_by_hand() -> None:
    assert reading().when(loses(1)).reason() == "not_started"
    assert reading().when(settles(1, True)).reason() == "not_in_doubt"


def test_one_call_is_requested_once_for_each_step() -> None:
    story = given(CASES).when(start("payment", CASE))
    story = story.when(votes(story, 1))
    assert list(story.state.calls) == [call_id(2)]
    assert not any(isinstance(event, InputRefused) for event in story.events)
