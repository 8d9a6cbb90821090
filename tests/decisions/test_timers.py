"""Timers that the event of what they are for arms: the decider and the timers effector agree about them."""

from datetime import timedelta

import pytest
from hypothesis import given as over
from hypothesis import settings

from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.run.records import ApprovalExpired, RunEnding, RunFailed, TimerArmed, TimerFired
from penstock.streams.decider import Happened
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.timers.effect import TimerFold
from penstock.streams.timers.ports import ArmedTimer

from .acts import fires
from .cases import CASE, CASES
from .given import RUN_ID, TENANT, Story, given, start, timer_id
from .turns import TURNS, Turn, play


def armed(history: tuple[Happened, ...]) -> dict[str, int]:
    """What the timers effector would fire, and when."""
    fold, work = TimerFold(), OpenWork[ArmedTimer]()
    for happened in history:
        if type(happened.body).__name__ in fold.types:
            fold.evolve(work, Seen(meta_of(happened), happened.body, b""))
    return {timer.key: timer.due_ms for timer in work}


def meta_of(happened: Happened) -> EventMeta:
    cause = Cause(id=RUN_ID, topic="t", partition=0, offset=0, time_ms=0, index=0, count=1)
    return EventMeta(
        id=RUN_ID,
        type=type(happened.body).__name__,
        tenant=TENANT,
        entity_id=RUN_ID,
        entity_seq=happened.seq,
        time_ms=happened.time_ms,
        actor=Actor(kind="app", subject="a"),
        cause=cause,
    )


def unfired(story: Story) -> dict[str, int]:
    return {timer.timer_id: timer.due_ms for timer in story.state.timers.values() if not timer.fired}


@settings(max_examples=60, deadline=None)
@over(TURNS)
def test_the_effector_fires_what_the_decider_waits_for(turns: list[Turn]) -> None:
    def agree(story: Story) -> None:
        expected = {} if story.state.terminal else unfired(story)
        assert armed(story.history) == expected

    play(turns, agree)


def test_a_start_and_a_question_arm_their_timers_without_an_event_of_their_own() -> None:
    story = given(CASES).when(start("payment", CASE))
    assert TimerArmed.__name__ not in story.kinds()
    assert set(armed(story.history)) == {timer_id("deadline"), timer_id(1)}


def old(story: Story) -> Story:
    """The same with the events that older histories have for these timers."""
    timers = story.state.timers.values()
    bodies: list[EventBody] = [happened.body for happened in story.history]
    bodies += [
        TimerArmed(timer_id=each.timer_id, step=each.step, purpose=each.purpose, due_ms=each.due_ms)
        for each in timers
        if each.purpose != "callback_expiry"
    ]
    return given(CASES, *bodies)


@pytest.mark.parametrize(
    ("what", "later", "expected"),
    [
        (1, timedelta(days=2), ApprovalExpired),
        ("deadline", timedelta(days=30), RunEnding),
    ],
)
def test_older_histories_arm_them_once_and_they_fire_once(
    what: object, later: timedelta, expected: type[EventBody]
) -> None:
    story = old(given(CASES).when(start("payment", CASE)))
    assert armed(story.history) == unfired(story)
    story = story.when(fires(what), later=later + timedelta(seconds=1))
    assert [type(event) for event in story.events[:2]] == [TimerFired, expected]
    assert timer_id(what) not in armed(story.history)
    story = story.when(fires(what), later=later + timedelta(seconds=1))
    assert not {TimerFired, ApprovalExpired, RunFailed} & {type(event) for event in story.events}
