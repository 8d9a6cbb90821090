"""Deferred calls: handed over, answered by a callback that may come first, given up by log time or with the run."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from penstock import Application, Call, Retry, Run, ToolFailed, approval_rule, tool, workflow
from penstock.producers.signing import Authority
from penstock.schemas.codec import InputBody
from penstock.schemas.envelope.records import Failure
from penstock.schemas.ids import callback_timer_id
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import (
    FireTimer,
    LateAnswer,
    RunCancelled,
    RunCompleted,
    RunEnding,
    TimerFired,
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRequested,
)
from penstock.streams.runs.testing import LATER, World

from .acts import cancels, completes, defers, fails, loses, pauses, settles, starts
from .given import RUN_ID, Story, call_id, given, result, start

HOURS = timedelta(hours=2)


@tool(effect="idempotent", deferred=HOURS, retry=Retry(attempts=2, first=timedelta(seconds=1)))
def check(call: Call, *, name: str) -> str:
    raise NotImplementedError


@tool(effect="unsafe", deferred=HOURS)
def transfer(call: Call, *, to: str) -> str:
    raise NotImplementedError


@tool(effect="read")
def look_up(call: Call, *, name: str) -> str:
    raise NotImplementedError


@approval_rule(tool=check, version=1)
def any_check(arguments: Mapping[str, object]) -> bool:
    return True


@approval_rule(tool=transfer, version=1)
def any_transfer(arguments: Mapping[str, object]) -> bool:
    return True


@workflow("check", version=1, deadline=None)
async def checking(run: Run, name: str) -> str:
    try:
        return await run.tool(check, name=name)
    except ToolFailed as failed:
        return f"failed: {failed.kind}"


@workflow("transfer", version=1, deadline=None)
async def transferring(run: Run, to: str) -> str:
    return await run.tool(transfer, to=to)


@workflow("look-up", version=1, deadline=None)
async def looking_up(run: Run, name: str) -> str:
    return await run.tool(look_up, name=name)


APPLICATION = Application(
    "outside",
    workflows=(checking, transferring, looking_up),
    tools=(check, transfer, look_up),
    rules=(any_check, any_transfer),
)


def asked() -> Story:
    return given(APPLICATION).when(start("check", "ana"))


def checked() -> Story:
    story = asked()
    return story.when(defers(1, story.state.time_ms + 7_200_000)).then(ToolCallDeferred)


def transferred() -> Story:
    story = given(APPLICATION).when(start("transfer", "ana")).when(starts(1))
    return story.when(defers(1, story.state.time_ms + 7_200_000)).then(ToolCallDeferred)


def from_outside(story: Story, body: InputBody) -> Story:
    return story.when(body, authority=Authority.CALLBACK)


def expire(story: Story, attempt: int = 1, later: timedelta = HOURS) -> Story:
    return story.when(FireTimer(timer_id=callback_timer_id(RUN_ID, call_id(1), attempt)), later=later)


@pytest.mark.parametrize("story", [checked(), transferred()], ids=["idempotent", "unsafe"])
def test_a_deferred_call_is_open_without_a_lease_until_its_callback(story: Story) -> None:
    assert story.state.open_calls[0].status == "deferred"
    story.when(defers(1)).then(InputAccepted)
    story.when(fails(1)).then(InputAccepted)
    if story.state.open_calls[0].unsafe:
        story.when(loses(1)).then(InputAccepted)
        assert story.when(starts(1, lease="L2")).reason() == "already_started"
    done = from_outside(story, completes(1, "match", lease="callback")).then(ToolCallCompleted, RunCompleted)
    assert result(done) == '"match"'
    assert isinstance(done.events[0], ToolCallCompleted)
    assert done.events[0].settled_by == "callback"


def test_a_callback_that_comes_before_the_worker_has_said_so_wins() -> None:
    done = from_outside(asked(), completes(1, "match")).then(ToolCallCompleted, RunCompleted)
    done.when(defers(1)).then(InputAccepted)
    begun = given(APPLICATION).when(start("transfer", "ana")).when(starts(1))
    done = from_outside(begun, completes(1, "sent")).then(ToolCallCompleted, RunCompleted)
    done.when(defers(1)).then(InputAccepted)
    again = from_outside(asked(), fails(1)).then(ToolCallFailed, ToolCallRequested)
    again.when(defers(1)).then(InputAccepted)


def test_a_callback_answers_what_was_deferred_and_nothing_else() -> None:
    reading = given(APPLICATION).when(start("look-up", "ana"))
    assert from_outside(reading, completes(1, "x")).reason() == "not_deferred"
    unstarted = given(APPLICATION).when(start("transfer", "ana"))
    assert from_outside(unstarted, completes(1, "x")).reason() == "not_started"
    assert from_outside(checked(), completes(1, "x", attempt=2)).reason() == "unknown_attempt"
    assert from_outside(checked(), completes(1, {"no": "text"})).reason() == "invalid_result"
    for body in (starts(1, lease="L2"), defers(1), settles(1, True), cancels()):
        assert from_outside(transferred(), body).reason() == "not_authorized"


def test_a_second_answer_is_late() -> None:
    done = from_outside(checked(), completes(1, "match"))
    from_outside(done, completes(1, "none")).then(LateAnswer)
    from_outside(done, fails(1)).then(LateAnswer)


def test_a_deferral_of_what_nobody_may_defer_is_refused() -> None:
    assert asked().when(defers(9)).reason() == "unknown_call"
    assert asked().when(defers(1, attempt=2)).reason() == "unknown_attempt"
    unstarted = given(APPLICATION).when(start("transfer", "ana"))
    assert unstarted.when(defers(1)).reason() == "not_started"
    assert unstarted.when(starts(1)).when(defers(1, lease="L2")).reason() == "other_lease"


def test_a_failure_that_is_worth_it_has_the_tool_called_again_and_the_first_token_still_answers() -> None:
    """The target of an idempotent call knows the key: it may have kept the first token only."""
    again = from_outside(checked(), fails(1, attempt=1)).then(ToolCallFailed, ToolCallRequested)
    again = again.when(defers(1, again.state.time_ms + 7_200_000, attempt=2)).then(ToolCallDeferred)
    from_outside(again, fails(1, attempt=1)).then(LateAnswer)
    assert result(from_outside(again, completes(1, "match", attempt=1))) == '"match"'
    final = from_outside(again, fails(1, attempt=2, kind="no_such_person")).then(ToolCallFailed, RunCompleted)
    assert result(final) == '"failed: no_such_person"'


def test_without_a_callback_the_retry_policy_has_its_way_by_log_time() -> None:
    early = expire(checked(), later=timedelta(hours=1))
    assert [type(event).__name__ for event in early.events] == ["TimerRearmed"]
    again = expire(checked()).then(TimerFired, ToolCallFailed, ToolCallRequested)
    again = again.when(defers(1, again.state.time_ms + 7_200_000, attempt=2))
    expire(again).then(InputAccepted)
    final = expire(again, attempt=2).then(TimerFired, ToolCallFailed, RunCompleted)
    assert result(final) == '"failed: callback_expired"'
    from_outside(final, completes(1, "match")).then(LateAnswer)


def test_an_unsafe_call_without_a_callback_is_a_question_that_a_late_one_still_answers() -> None:
    doubt = expire(transferred()).then(TimerFired, ToolCallInDoubt)
    assert result(from_outside(doubt, completes(1, "sent"))) == '"sent"'
    assert result(doubt.when(settles(1, True, result="sent"))) == '"sent"'


def test_an_unsafe_failure_from_outside_is_an_answer_only_if_it_is_certain() -> None:
    from_outside(transferred(), fails(1)).then(ToolCallInDoubt)
    again = from_outside(transferred(), fails(1, not_done=True)).then(ToolCallFailed, ToolCallRequested)
    assert again.when(defers(1, attempt=2, lease="L2")).reason() == "not_started"


def test_a_worker_that_hands_over_a_call_in_doubt_leaves_the_question() -> None:
    lost = given(APPLICATION).when(start("transfer", "ana")).when(starts(1)).when(loses(1))
    lost = lost.when(defers(1)).then(InputAccepted)
    assert lost.state.open_calls[0].status == "in_doubt"
    assert result(from_outside(lost, completes(1, "sent"))) == '"sent"'


def test_a_cancelled_run_waits_for_no_callback_but_an_unsafe_one() -> None:
    over = checked().when(cancels()).then(RunEnding, ToolCallFailed, RunCancelled)
    from_outside(over, completes(1, "match")).then(LateAnswer)
    asked().when(cancels()).when(defers(1)).then(ToolCallFailed, RunCancelled)
    waits = transferred().when(cancels()).then(RunEnding)
    from_outside(waits, completes(1, "sent")).then(ToolCallCompleted, RunCancelled)
    doubt = expire(waits).then(TimerFired, ToolCallInDoubt)
    doubt.when(settles(1, True)).then(ToolCallCompleted, RunCancelled)
    # Whom nobody will call back any more a person may settle before the time is over.
    waits.when(settles(1, False)).then(ToolCallFailed, RunCancelled)


def test_a_paused_run_takes_the_callback_and_holds_what_it_would_try_again() -> None:
    paused = checked().when(pauses())
    from_outside(paused, completes(1, "match")).then(ToolCallCompleted)
    from_outside(paused, fails(1)).then(ToolCallFailed, ToolCallHeld)


def test_the_world_of_tests_calls_back() -> None:
    world = World(APPLICATION, answers={"check": LATER})
    world.start("check", "ana")
    world.play()
    assert world.state.open_calls[0].status == "deferred"
    assert world.call_back("match")
    assert world.result == "match"
    assert not world.call_back("twice")
    world = World(APPLICATION, answers={"check": LATER})
    world.start("check", "ana")
    world.play()
    assert world.call_back(error=Failure(kind="not_found", message="", retryable=False))
    assert world.result == "failed: not_found"
