"""A person pauses a run: it takes inputs, asks for nothing new, begins nothing unsafe, and loses nothing."""

from datetime import timedelta

import pytest

from penstock import Run, workflow
from penstock.producers.signing import Authority
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import (
    ApprovalExpired,
    ApprovalGranted,
    LateAnswer,
    RunCancelled,
    RunCompleted,
    RunContinued,
    RunEnding,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStalled,
    TimerFired,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)

from .acts import cancels, completes, continues, fails, fires, loses, pauses, resumes, settles, starts, votes
from .cases import CASE, CASES, Case, application
from .given import APP, OPERATOR, SERVICE, SUPERVISOR, Story, call_id, given, result, start
from .mended import half_way, known, two_reads

GRANTED = given(CASES).when(start("payment", CASE))
GRANTED = GRANTED.when(votes(GRANTED, 1))


@workflow("naps", version=1, deadline=None)
async def naps(run: Run, case: Case) -> None:
    await run.sleep(timedelta(minutes=10))


def paused(story: Story) -> Story:
    return story.when(pauses("look at the desk")).then(
        RunPaused(paused_by=SUPERVISOR.subject, reason="look at the desk")
    )


def reading() -> Story:
    return given(CASES).when(start("read-once", CASE))


def test_an_answer_that_comes_while_paused_is_recorded_and_told_when_it_goes_on() -> None:
    story = paused(reading()).when(completes(1, "found")).then(ToolCallCompleted)
    story.when(continues("all is well")).then(
        RunContinued(continued_by=OPERATOR.subject, reason="all is well"), RunCompleted
    )


def test_a_vote_counts_while_paused_and_the_payment_is_asked_for_afterwards() -> None:
    story = paused(given(CASES).when(start("payment", CASE)))
    story = story.when(votes(story, 1)).then(ApprovalGranted)
    story.when(continues()).then(RunContinued, ToolCallRequested)


def test_a_granted_payment_does_not_begin_while_paused_and_is_not_lost() -> None:
    story = paused(GRANTED).when(starts(2)).then(ToolCallHeld(call_id=call_id(2), attempt=1, began=False))
    story = story.when(starts(2, lease="L9")).then(InputRefused)
    assert story.reason() == "held"
    story = story.when(continues()).then(RunContinued, ToolCallRequested)
    asked = story.events[1]
    assert isinstance(asked, ToolCallRequested)
    assert (asked.call_id, asked.attempt, asked.grant_id) == (
        call_id(2),
        2,
        story.state.calls[call_id(2)].grant_id,
    )
    assert story.when(starts(2)).reason() == "other_attempt"
    story = story.when(starts(2, 2, "L2")).then(ToolCallStarted).when(completes(2, "paid", 2, "L2"))
    assert result(story) == '"paid"'


def test_what_was_asked_for_and_never_held_begins_after_the_pause_as_it_is() -> None:
    story = paused(GRANTED).when(continues()).then(RunContinued)
    story.when(starts(2)).then(ToolCallStarted)


def test_a_payment_that_had_begun_ends_while_paused() -> None:
    story = paused(GRANTED.when(starts(2))).when(completes(2, "paid")).then(ToolCallCompleted)
    story.when(continues()).then(RunContinued, RunCompleted)


def test_a_grant_that_expires_meanwhile_is_refused_and_not_lengthened() -> None:
    story = paused(GRANTED).when(starts(2)).then(ToolCallHeld)
    story = story.when(continues(), later=timedelta(days=3)).then(RunContinued, ToolCallRefused, RunCompleted)
    assert result(story) == '"refused: grant_expired"'


def test_a_start_that_may_never_be_is_refused_for_good_also_while_paused() -> None:
    story = paused(GRANTED).when(starts(2), later=timedelta(days=3)).then(ToolCallRefused)
    story.when(continues()).then(RunContinued, RunCompleted)


def test_a_failed_call_is_not_tried_again_before_the_run_goes_on() -> None:
    story = (
        paused(reading())
        .when(fails(1))
        .then(ToolCallFailed, ToolCallHeld(call_id=call_id(1), attempt=1, began=True))
    )
    story.when(completes(1, "late")).then(LateAnswer)
    story = story.when(continues()).then(RunContinued, ToolCallRequested)
    story.when(fails(1, attempt=2)).then(ToolCallFailed, RunStalled)


def test_a_hold_before_the_start_uses_up_no_attempt() -> None:
    story = paused(GRANTED).when(starts(2)).when(continues())
    story = story.when(starts(2, 2, "L2")).when(fails(2, attempt=2, lease="L2", not_done=True))
    story.then(ToolCallFailed, ToolCallRequested)


def test_a_lost_lease_of_a_held_call_is_no_doubt() -> None:
    story = paused(GRANTED.when(starts(2))).when(fails(2, not_done=True)).then(ToolCallFailed, ToolCallHeld)
    story.when(loses(2)).then(InputAccepted)


def test_a_held_payment_of_which_somebody_says_that_it_happened_is_in_doubt() -> None:
    story = paused(GRANTED.when(starts(2))).when(fails(2, not_done=True))
    story = story.when(completes(2, "paid")).then(LateAnswer, ToolCallInDoubt)
    story = story.when(continues()).then(RunContinued)
    story.when(settles(2, True, result="paid")).then(ToolCallCompleted, RunCompleted)


def test_a_doubt_is_settled_while_paused() -> None:
    story = paused(GRANTED.when(starts(2)).when(loses(2)))
    story = story.when(settles(2, False)).then(ToolCallFailed, ToolCallHeld)
    story.when(continues()).then(RunContinued, ToolCallRequested)


def test_cancelling_a_paused_run_refuses_what_was_held_and_ends_it() -> None:
    story = paused(GRANTED).when(starts(2)).when(cancels()).then(RunEnding, ToolCallRefused, RunCancelled)
    assert story.state.paused is None


def test_a_held_read_does_not_keep_a_cancelled_run_open() -> None:
    paused(reading()).when(fails(1)).when(cancels()).then(RunEnding, ToolCallRefused, RunCancelled)


def test_the_deadline_counts_while_paused() -> None:
    story = paused(GRANTED).when(fires("deadline"), later=timedelta(days=31))
    story.then(TimerFired, RunEnding, ToolCallRefused, RunFailed)


def test_an_expiry_counts_while_paused_and_is_told_afterwards() -> None:
    story = paused(given(CASES).when(start("payment", CASE)))
    story = story.when(fires(1), later=timedelta(days=2)).then(TimerFired, ApprovalExpired)
    assert result(story.when(continues())) == '"expired"'


def test_a_timer_fires_while_paused_and_wakes_nobody() -> None:
    story = paused(given(application(naps)).when(start("naps", CASE)))
    story = story.when(fires(1), later=timedelta(hours=1)).then(TimerFired)
    story.when(continues()).then(RunContinued, RunCompleted)


def test_pausing_twice_and_continuing_what_runs_changes_nothing() -> None:
    paused(reading()).when(pauses()).then(InputAccepted)
    reading().when(continues()).then(InputAccepted)


def test_a_run_that_is_ending_is_not_paused() -> None:
    story = GRANTED.when(starts(2)).when(cancels()).when(pauses())
    assert story.reason() == "ending"
    assert story.state.paused is None


def test_a_run_that_has_ended_is_not_paused() -> None:
    assert reading().when(completes(1, "found")).when(pauses()).reason() == "ended"


@pytest.mark.parametrize("body", [pauses(), continues()])
def test_only_a_person_pauses_and_continues(body: object) -> None:
    story = paused(reading())
    assert story.when(body, actor=SERVICE).reason() == "not_a_person"  # type: ignore[arg-type]
    assert story.when(body, authority=Authority.APP, actor=APP).reason() == "not_authorized"  # type: ignore[arg-type]
    assert story.when(body, authority=Authority.NONE).reason() == "unsigned"  # type: ignore[arg-type]
    assert story.when(body, tenant="elsewhere").reason() == "other_tenant"  # type: ignore[arg-type]


def test_new_code_is_tried_when_the_run_goes_on_and_not_before() -> None:
    story = paused(half_way()).when(completes(2, "end"), application=CASES).when(resumes(), application=CASES)
    story.then(InputAccepted).when(continues(), application=CASES).then(RunContinued, RunStalled)
    story = half_way().when(completes(2, "end"), application=CASES).then(ToolCallCompleted, RunStalled)
    story = paused(story).when(resumes(), application=known(two_reads)).then(InputAccepted)
    story.when(continues(), application=known(two_reads)).then(RunContinued, RunResumed, RunCompleted)


def test_a_run_that_still_stalls_is_continued_and_goes_on_stalling() -> None:
    story = paused(half_way().when(completes(2, "end"), application=CASES))
    assert story.when(continues(), application=CASES).then(RunContinued, InputAccepted).state.stalled
