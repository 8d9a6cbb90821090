"""Ends (law L13): cancellation, deadlines, step limits, and ends held back by an unsafe call at large."""

from datetime import timedelta

import pytest

from penstock import Run, ToolFailed, ToolRefused, workflow
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import (
    LateAnswer,
    RunCancelled,
    RunCompleted,
    RunEnding,
    RunFailed,
    RunStarted,
    TimerFired,
    TimerRearmed,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)

from .acts import cancels, completes, fails, fires, loses, resumes, settles, starts, votes
from .cases import CASES, CaseClosed, application, look_up, notify
from .given import Story, given, start

CASE = {"case_id": "c1"}


def reading() -> Story:
    return given(CASES).when(start("read-once", CASE))


def telling() -> Story:
    return given(CASES).when(start("tell", "customer"))


def test_a_run_with_nothing_outstanding_is_cancelled_at_once() -> None:
    story = given(CASES).when(start("payment", CASE)).when(cancels()).then(RunEnding, RunCancelled)
    assert story.events[-1] == RunCancelled(reason="not needed any more")


def test_an_outstanding_read_is_waited_for_and_not_tried_again() -> None:
    story = reading().when(cancels()).then(RunEnding)
    story.when(completes(1, "found")).then(ToolCallCompleted, RunCancelled)
    story.when(fails(1)).then(ToolCallFailed, RunCancelled)


def test_an_unsafe_call_that_has_not_started_is_refused_at_once() -> None:
    story = telling().when(cancels()).then(RunEnding, ToolCallRefused, RunCancelled)
    assert story.when(starts(1)).reason() == "ended"


def test_a_started_unsafe_call_must_be_settled_before_the_run_is_cancelled() -> None:
    story = telling().when(starts(1)).when(cancels()).then(RunEnding)
    story.when(completes(1, "sent")).then(ToolCallCompleted, RunCancelled)
    story.when(fails(1, not_done=True)).then(ToolCallFailed, RunCancelled)
    doubt = story.when(fails(1)).then(ToolCallInDoubt)
    doubt.when(settles(1, False)).then(ToolCallFailed, RunCancelled)
    doubt.when(settles(1, True)).then(ToolCallCompleted, RunCancelled)


def test_a_second_cancellation_changes_nothing() -> None:
    reading().when(cancels()).when(cancels()).then(InputAccepted)


def test_after_the_end_everything_gets_its_answer() -> None:
    story = reading().when(completes(1, "found"))
    for body in (cancels(), resumes(), votes(story, 1), loses(1), starts(1)):
        assert story.when(body).reason() == "ended"
    story.when(fires("deadline")).then(InputAccepted)
    story.when(completes(1)).then(LateAnswer)


def test_a_deadline_fails_the_run() -> None:
    story = reading().when(fires("deadline"), later=timedelta(days=30)).then(TimerFired, RunEnding)
    assert story.events[1] == RunEnding(
        outcome="failed", reason="deadline", detail="the run's deadline has passed"
    )
    story = story.when(completes(1, "found")).then(ToolCallCompleted, RunFailed)
    end = story.events[-1]
    assert isinstance(end, RunFailed)
    assert end.error.kind == "deadline"


def test_a_deadline_that_fires_early_is_armed_again() -> None:
    story = reading().when(fires("deadline")).then(TimerRearmed)
    rearmed = story.only()
    assert isinstance(rearmed, TimerRearmed)
    assert rearmed.due_ms == story.state.timers[rearmed.timer_id].due_ms


def test_a_timer_fires_once_and_an_unknown_one_never() -> None:
    story = reading().when(fires("deadline"), later=timedelta(days=30))
    story.when(fires("deadline")).then(InputAccepted)
    assert story.when(fires(99)).reason() == "unknown_timer"


def test_a_deadline_while_cancelling_changes_nothing() -> None:
    story = reading().when(cancels()).when(fires("deadline"), later=timedelta(days=30)).then(TimerFired)
    story.when(completes(1)).then(ToolCallCompleted, RunCancelled)


def test_a_run_that_asks_for_too_many_steps_fails() -> None:
    @workflow("tell", version=1, deadline=None, max_steps=2)
    async def endless(run: Run, to: str) -> str:
        while True:
            await run.tool(look_up, case_id=to)

    story = given(application(endless)).when(start("tell", "c1"))
    story = story.when(completes(1, "a")).then(ToolCallCompleted, ToolCallRequested)
    story = story.when(completes(2, "a")).then(ToolCallCompleted, RunEnding, RunFailed)
    ending = story.events[1]
    assert isinstance(ending, RunEnding)
    assert (ending.outcome, ending.reason) == ("failed", "max_steps")


def test_a_declared_exception_fails_the_run() -> None:
    story = reading().when(completes(1, "closed")).then(ToolCallCompleted, RunFailed)
    end = story.events[-1]
    assert isinstance(end, RunFailed)
    assert (end.error.kind, end.error.message) == ("CaseClosed", "it is closed")


def leaving(declared: bool) -> Story:
    """A workflow that is over while its unsafe call is at large: it returns, or raises what it declares."""

    @workflow("tell", version=1, deadline=None, fails_with=(CaseClosed,))
    async def leaves(run: Run, to: str) -> str:
        try:
            await run.gather(run.tool(notify, to=to), run.tool(look_up, case_id="c1"))
        except ToolFailed as error:
            if declared:
                raise CaseClosed("gone") from error
        return "left"

    return given(application(leaves)).when(start("tell", "customer"))


@pytest.mark.parametrize(("declared", "end"), [(False, RunCompleted), (True, RunFailed)])
def test_the_end_is_held_back_until_a_started_unsafe_call_is_settled(
    declared: bool, end: type[RunCompleted]
) -> None:
    story = leaving(declared).when(starts(1)).when(fails(2, retryable=False)).then(ToolCallFailed)
    story.when(completes(1, "sent")).then(ToolCallCompleted, end)
    story.when(fails(1, not_done=True, retryable=False)).then(ToolCallFailed, end)
    doubt = story.when(loses(1)).then(ToolCallInDoubt)
    doubt.when(settles(1, True)).then(ToolCallCompleted, end)


def test_a_held_end_starts_no_further_attempt() -> None:
    story = leaving(False).when(starts(1)).when(fails(2, retryable=False))
    story = story.when(fails(1, not_done=True))
    story.then(ToolCallFailed, ToolCallRequested, ToolCallRefused, RunCompleted)


def test_a_workflow_that_is_over_refuses_what_has_not_started() -> None:
    story = leaving(False).when(fails(2, retryable=False)).then(ToolCallFailed, ToolCallRefused, RunCompleted)
    assert story.when(starts(1)).reason() == "ended"


def test_a_held_end_can_still_be_cancelled() -> None:
    story = leaving(False).when(starts(1)).when(fails(2, retryable=False)).when(cancels()).then(RunEnding)
    story.when(completes(1, "sent")).then(ToolCallCompleted, RunCancelled)


def test_an_ending_run_takes_no_more_steps() -> None:
    @workflow("tell", version=1, deadline=None)
    async def two(run: Run, to: str) -> str:
        try:
            await run.tool(look_up, case_id=to)
        except ToolRefused:
            return "never"
        return await run.tool(look_up, case_id="again")

    story = given(application(two)).when(start("tell", "c1")).then(RunStarted, ToolCallRequested)
    story = story.when(cancels()).when(completes(1, "a")).then(ToolCallCompleted, RunCancelled)
    assert len(story.state.steps) == 1


def test_a_start_while_cancelling_is_told_that_nothing_waits_for_it() -> None:
    story = telling().when(starts(1)).then(ToolCallStarted).when(cancels())
    refused = story.when(starts(1, lease="L2")).then(InputRefused)
    assert refused.reason() == "already_started"
