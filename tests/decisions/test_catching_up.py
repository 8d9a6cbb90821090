"""Due times that passed: what a schedule makes up for, what it misses, and how it says so."""

from dataclasses import replace

from penstock.declare.schedules import ON_TIME_MS
from penstock.schemas.schedule.records import FireSchedule, Plan, ScheduleFired, ScheduleMissed

from .plans import HOURLY, NOON, Story, made

HOUR = 3_600_000
ONE = NOON + HOUR


def missing(until_ms: int | None, count: int, next_due_ms: int | None) -> ScheduleMissed:
    """So many from the first due time on."""
    return ScheduleMissed(from_ms=ONE, until_ms=until_ms, count=count, more=False, next_due_ms=next_due_ms)


def late(plan: Plan, hours: float) -> Story:
    """The first due time comes so many hours late."""
    return made(plan).when(FireSchedule(due_ms=ONE), ONE + round(hours * HOUR))


def test_skip_makes_up_for_nothing_and_counts_what_was_missed() -> None:
    (missed,) = late(HOURLY, 3.5).then(ScheduleMissed)
    assert missed == missing(ONE + 4 * HOUR, 4, ONE + 4 * HOUR)


def test_skip_fires_the_time_that_has_just_come_and_misses_those_before() -> None:
    story = made().when(FireSchedule(due_ms=ONE), ONE + 3 * HOUR + ON_TIME_MS)
    missed, fired = story.then(ScheduleMissed, ScheduleFired)
    assert missed == missing(ONE + 3 * HOUR, 3, ONE + 3 * HOUR)
    assert isinstance(fired, ScheduleFired)
    assert (fired.due_ms, fired.fired_by, fired.next_due_ms) == (ONE + 3 * HOUR, "time", ONE + 4 * HOUR)
    made().when(FireSchedule(due_ms=ONE), ONE + 3 * HOUR + ON_TIME_MS + 1).then(ScheduleMissed)


def test_last_makes_up_for_the_latest() -> None:
    story = late(replace(HOURLY, catch_up="last"), 3.5)
    missed, fired = story.then(ScheduleMissed, ScheduleFired)
    assert missed == missing(ONE + 3 * HOUR, 3, ONE + 3 * HOUR)
    assert isinstance(fired, ScheduleFired)
    assert (fired.due_ms, fired.fired_by) == (ONE + 3 * HOUR, "catch_up")


def test_last_leaves_out_nothing_that_was_merely_under_way() -> None:
    plan = replace(HOURLY, cron=None, every_ms=10_000, catch_up="last")
    due_ms = NOON + 10_000
    story = made(plan).when(FireSchedule(due_ms=due_ms), due_ms + 45_000)
    (fired,) = story.then(ScheduleFired)
    assert isinstance(fired, ScheduleFired)
    assert (fired.due_ms, fired.fired_by) == (due_ms, "time")


def test_last_makes_up_for_nothing_outside_its_window() -> None:
    plan = replace(HOURLY, catch_up="last", catch_up_window_ms=HOUR // 4)
    late(plan, 3.5).then(ScheduleMissed)


def test_all_makes_up_for_each_one_after_the_other() -> None:
    story, fired = made(replace(HOURLY, catch_up="all")), []
    now = ONE + 3 * HOUR + HOUR // 2
    while story.state.next_due_ms is not None and story.state.next_due_ms <= now:
        story = story.when(FireSchedule(due_ms=story.state.next_due_ms), now)
        (event,) = story.then(ScheduleFired)
        assert isinstance(event, ScheduleFired)
        fired.append(event.due_ms)
    assert fired == [ONE + hours * HOUR for hours in range(4)]


def test_all_makes_up_for_the_latest_of_its_maximum_and_cuts_once() -> None:
    story = late(replace(HOURLY, catch_up="all", catch_up_max=2), 3.5)
    missed, _ = story.then(ScheduleMissed, ScheduleFired)
    assert missed == missing(ONE + 2 * HOUR, 2, ONE + 2 * HOUR)
    following = story.when(FireSchedule(due_ms=ONE + 3 * HOUR), ONE + round(3.6 * HOUR))
    following.then(ScheduleFired)
    assert following.state.next_due_ms == ONE + 4 * HOUR


def test_all_makes_up_for_nothing_outside_its_window() -> None:
    plan = replace(HOURLY, catch_up="all", catch_up_window_ms=2 * HOUR)
    missed, fired = late(plan, 3.5).then(ScheduleMissed, ScheduleFired)
    assert isinstance(missed, ScheduleMissed)
    assert isinstance(fired, ScheduleFired)
    assert (missed.count, fired.due_ms) == (2, ONE + 2 * HOUR)


def test_what_was_missed_is_counted_up_to_a_thousand() -> None:
    plan = replace(HOURLY, cron=None, every_ms=1_000, starts_at_ms=ONE)
    missed, _ = late(plan, 24).then(ScheduleMissed, ScheduleFired)
    assert isinstance(missed, ScheduleMissed)
    assert (missed.count, missed.more) == (1_000, True)


def test_a_schedule_that_has_come_to_its_end_is_due_no_more() -> None:
    story = made(replace(HOURLY, ends_at_ms=ONE)).when(FireSchedule(due_ms=ONE), ONE)
    story.then(ScheduleFired)
    assert story.state.next_due_ms is None
    # Down over its end: what is left is missed, and nothing follows.
    over = late(replace(HOURLY, ends_at_ms=ONE + HOUR), 3)
    assert over.then(ScheduleMissed) == (missing(None, 2, None),)


def test_nothing_is_due_before_the_start() -> None:
    start = ONE + 10 * HOUR
    assert made(replace(HOURLY, starts_at_ms=start)).state.next_due_ms == start
    assert (
        made(replace(HOURLY, cron=None, every_ms=7_000, starts_at_ms=start + 1)).state.next_due_ms
        == start + 1
    )
