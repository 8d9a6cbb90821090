"""Unsafe calls: started once, under one lease, answered by its holder (laws L7, L8)."""

from datetime import timedelta

from penstock import Run, workflow
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import (
    LateAnswer,
    RunCompleted,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)

from .acts import completes, fails, loses, settles, starts
from .cases import CASE, CASES, application, look_up, notify
from .given import Story, call_id, given, result, start


def telling() -> Story:
    return given(CASES).when(start("tell", "customer"))


def told() -> Story:
    return telling().when(starts(1))


def test_an_unsafe_call_starts_once_under_one_lease() -> None:
    story = telling().when(starts(1)).then(ToolCallStarted)
    assert story.only() == ToolCallStarted(call_id=call_id(1), attempt=1, lease_id="L1", worker="w1")
    assert story.when(starts(1, lease="L2")).reason() == "already_started"
    assert story.when(starts(1, lease="L1")).reason() == "already_started"


def test_a_start_that_names_nothing_startable_is_refused() -> None:
    assert telling().when(starts(9)).reason() == "unknown_call"
    assert telling().when(starts(1, attempt=2)).reason() == "other_attempt"
    assert telling().when(starts(1, lease="")).reason() == "no_lease"
    reading = given(CASES).when(start("read-once", CASE))
    assert reading.when(starts(1)).reason() == "not_unsafe"


def test_a_settled_call_does_not_start_again() -> None:
    @workflow("tell", version=1, deadline=None)
    async def two(run: Run, to: str) -> str:
        return await run.tool(notify, to=to) + await run.tool(look_up, case_id="c1")

    begun = given(application(two)).when(start("tell", "customer")).when(starts(1))
    assert begun.when(completes(1, "sent")).when(starts(1, lease="L2")).reason() == "already_settled"


def test_a_grant_that_expired_before_the_start_refuses_the_call_and_tells_the_workflow() -> None:
    story = telling().when(starts(1), later=timedelta(hours=1)).then(ToolCallRefused, RunCompleted)
    assert result(story) == '"refused: grant_expired"'


def test_a_tool_that_is_gone_refuses_the_start() -> None:
    without = application(*CASES.workflows, tools=tuple(t for t in CASES.tools if t.name != "notify"))
    story = telling().when(starts(1), application=without).then(ToolCallRefused, RunCompleted)
    assert result(story) == '"refused: unknown_tool"'


def test_an_unsafe_answer_without_its_start_is_refused() -> None:
    assert telling().when(completes(1)).reason() == "not_started"
    assert telling().when(fails(1, not_done=True)).reason() == "not_started"
    assert telling().when(loses(1)).reason() == "not_started"
    assert telling().when(settles(1, True)).reason() == "not_in_doubt"


def test_an_unsafe_answer_under_another_lease_is_refused() -> None:
    assert told().when(completes(1, lease="L2")).reason() == "other_lease"
    assert told().when(fails(1, lease="L2", not_done=True)).reason() == "other_lease"
    assert told().when(loses(1, lease="L2")).reason() == "other_lease"


def test_an_unsafe_call_completes_under_its_lease() -> None:
    assert result(told().when(completes(1, "sent")).then(ToolCallCompleted, RunCompleted)) == '"sent"'


def test_an_unsafe_failure_of_unknown_effect_is_a_question_not_an_answer() -> None:
    story = told().when(fails(1)).then(ToolCallInDoubt)
    story.when(fails(1)).then(InputAccepted)
    story.when(loses(1)).then(InputAccepted)
    assert story.when(starts(1, lease="L2")).reason() == "already_started"
    assert result(story.when(completes(1, "sent"))) == '"sent"'


def test_an_unsafe_call_that_was_not_done_is_tried_again_and_started_anew() -> None:
    story = told().when(fails(1, not_done=True)).then(ToolCallFailed, ToolCallRequested)
    assert story.when(completes(1, attempt=2)).reason() == "not_started"
    assert story.when(starts(1, attempt=1)).reason() == "other_attempt"
    story = story.when(starts(1, attempt=2, lease="L2")).then(ToolCallStarted)
    assert result(story.when(completes(1, "sent", attempt=2, lease="L2"))) == '"sent"'


def test_a_lost_lease_puts_a_started_call_in_doubt() -> None:
    story = told().when(loses(1)).then(ToolCallInDoubt)
    assert result(story.when(completes(1, "sent"))) == '"sent"'


def test_a_lease_lost_after_the_answer_changes_nothing() -> None:
    @workflow("tell", version=1, deadline=None)
    async def two(run: Run, to: str) -> str:
        await run.tool(notify, to=to)
        return await run.tool(notify, to=to)

    story = given(application(two)).when(start("tell", "customer")).when(starts(1)).when(completes(1, "sent"))
    story.when(loses(1)).then(InputAccepted)
    assert story.when(completes(1, "sent")).when(loses(2)).reason() == "not_started"
    ended = story.when(starts(2)).when(completes(2, "sent"))
    assert ended.when(loses(2)).reason() == "ended"


def test_a_late_yes_keeps_the_next_attempt_from_starting() -> None:
    """A person said no, then the lost worker's yes arrives: nothing may start before a person has looked."""
    story = told().when(loses(1)).when(settles(1, False)).then(ToolCallFailed, ToolCallRequested)
    story = story.when(completes(1, "sent")).then(LateAnswer, ToolCallInDoubt)
    assert story.when(starts(1, attempt=2, lease="L2")).reason() == "already_started"
    assert result(story.when(settles(1, True, attempt=2, result="sent"))) == '"sent"'


def test_a_late_yes_changes_nothing_once_the_next_attempt_has_started() -> None:
    story = told().when(loses(1)).when(settles(1, False)).when(starts(1, attempt=2, lease="L2"))
    story.when(completes(1, "sent")).then(LateAnswer)
