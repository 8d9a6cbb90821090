"""Which failures use up a tool's attempts: those that took place, and after so many the others too."""

import pytest

from penstock.schemas.run.records import RunCompleted, ToolCallFailed, ToolCallRequested
from penstock.streams.runs.answers import FREE_ATTEMPTS_MAX

from .acts import fails, loses, settles, starts
from .cases import CASES, RETRY
from .given import Story, given, result, start

FREE = ("not_begun", "lease_lost", "did_not_happen")


def noting() -> Story:
    """An idempotent call that may be tried twice."""
    return given(CASES).when(start("note", "short"))


def telling() -> Story:
    """An unsafe call that may be tried three times."""
    return given(CASES).when(start("tell", "customer"))


def fail(story: Story, attempt: int, kind: str) -> Story:
    """The attempt fails, for certain undone."""
    return story.when(fails(1, attempt=attempt, kind=kind, not_done=True))


@pytest.mark.parametrize("kind", FREE)
def test_attempts_that_never_took_place_leave_the_tools_own_untouched(kind: str) -> None:
    story = noting()
    for attempt in (1, 2, 3):
        story = fail(story, attempt, kind).then(ToolCallFailed, ToolCallRequested)
    story = fail(story, 4, "timeout").then(ToolCallFailed, ToolCallRequested)
    assert result(fail(story, 5, "timeout").then(ToolCallFailed, RunCompleted)) == '"failed: timeout"'


def test_attempts_that_took_place_count_wherever_the_others_fall() -> None:
    story = fail(noting(), 1, "timeout").then(ToolCallFailed, ToolCallRequested)
    story = fail(story, 2, "not_begun").then(ToolCallFailed, ToolCallRequested)
    fail(story, 3, "timeout").then(ToolCallFailed, RunCompleted)


@pytest.mark.parametrize("kind", FREE)
def test_a_call_that_never_comes_to_take_place_fails_in_the_end(kind: str) -> None:
    story = noting()
    last = RETRY.attempts + FREE_ATTEMPTS_MAX
    for attempt in range(1, last):
        story = fail(story, attempt, kind).then(ToolCallFailed, ToolCallRequested)
    assert result(fail(story, last, kind).then(ToolCallFailed, RunCompleted)) == f'"failed: {kind}"'


def test_a_failure_that_may_not_be_retried_ends_the_call_even_if_it_never_took_place() -> None:
    noting().when(fails(1, kind="not_begun", retryable=False)).then(ToolCallFailed, RunCompleted)


def test_an_unsafe_call_keeps_its_attempts_through_lost_leases_and_settled_doubts() -> None:
    story = telling()
    for attempt in (1, 2, 3, 4):
        lease = f"L{attempt}"
        story = story.when(starts(1, attempt=attempt, lease=lease))
        if attempt % 2:
            lost = fails(1, attempt=attempt, lease=lease, kind="lease_lost", not_done=True)
            story = story.when(lost).then(ToolCallFailed, ToolCallRequested)
        else:
            story = story.when(loses(1, attempt, lease)).when(settles(1, False, attempt=attempt))
            story.then(ToolCallFailed, ToolCallRequested)
    for attempt in (5, 6, 7):
        story = story.when(starts(1, attempt=attempt, lease="L"))
        story = story.when(fails(1, attempt=attempt, lease="L", not_done=True))
    story.then(ToolCallFailed, RunCompleted)
