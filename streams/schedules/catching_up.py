"""What becomes of due times once one of them has come: fired in time, made up for, or missed. Pure, by log time."""

from dataclasses import dataclass
from typing import Final

from penstock.declare.due_times import Times, due_after, newest_due, next_due
from penstock.declare.schedules import ON_TIME_MS, times_of
from penstock.schemas.schedule.records import FiredBy, Plan, ScheduleMissed

COUNTED_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class Missed:
    """Times that nothing makes up for, counted up to COUNTED_MAX; `until_ms` is the first due one after them."""

    from_ms: int
    until_ms: int | None
    count: int
    more: bool

    def event(self, next_due_ms: int | None) -> ScheduleMissed:
        """As it is told; `next_due_ms` is when the schedule is due next."""
        return ScheduleMissed(
            from_ms=self.from_ms,
            until_ms=self.until_ms,
            count=self.count,
            more=self.more,
            next_due_ms=next_due_ms,
        )


@dataclass(frozen=True, slots=True)
class Due:
    """What follows from a due time that has come. `fire_ms` None: nothing is to be made up for."""

    fire_ms: int | None
    fired_by: FiredBy
    missed: Missed | None
    next_due_ms: int | None


def come_due(plan: Plan, due_ms: int, now_ms: int) -> Due:
    """`due_ms` is the schedule's next time, and `now_ms` isn't before it.

    One time fires at most; the next one, which may have passed as well, is judged when it is its turn. So what is
    made up for comes one after the other, and a maximum, once it has been cut to, isn't cut to again.
    """
    times = times_of(plan)
    fire_ms = _to_fire(plan, times, due_ms, now_ms)
    if fire_ms is None:
        following_ms = next_due(times, now_ms)
        return Due(None, "unknown", _missed(times, due_ms, following_ms, now_ms), following_ms)
    return Due(
        fire_ms,
        "time" if now_ms - fire_ms <= ON_TIME_MS else "catch_up",
        _missed(times, due_ms, fire_ms, fire_ms - 1) if fire_ms > due_ms else None,
        next_due(times, fire_ms),
    )


def overtaken(plan: Plan, due_ms: int | None, now_ms: int) -> Missed | None:
    """What had come when somebody changed the schedule, and hadn't fired: nothing makes up for it any more."""
    if due_ms is None or now_ms < due_ms:
        return None
    times = times_of(plan)
    return _missed(times, due_ms, next_due(times, now_ms), now_ms)


def _to_fire(plan: Plan, times: Times, due_ms: int, now_ms: int) -> int | None:
    in_time = next_due(times, max(due_ms, now_ms - ON_TIME_MS) - 1)
    in_time_ms = in_time if in_time is not None and in_time <= now_ms else None
    if plan.catch_up == "skip":
        return in_time_ms
    from_ms = max(due_ms, now_ms - plan.catch_up_window_ms)
    if plan.catch_up == "last":
        return in_time_ms or next(iter(newest_due(times, from_ms, now_ms, 1)), None)
    return next(iter(newest_due(times, from_ms, now_ms, plan.catch_up_max)), None)


def _missed(times: Times, from_ms: int, until_ms: int | None, last_ms: int) -> Missed:
    counted = due_after(times, from_ms - 1, COUNTED_MAX + 1)
    passed = [each_ms for each_ms in counted if each_ms <= last_ms]
    return Missed(from_ms, until_ms, min(len(passed), COUNTED_MAX), len(passed) > COUNTED_MAX)
