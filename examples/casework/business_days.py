"""Business days: Monday to Friday without the federal holidays, computed for any year."""

from datetime import date, timedelta
from functools import cache
from typing import Final

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
# (month, day) of the holidays with a date; one that falls on a Sunday is kept on the Monday after it. Banks
# stay open on the Friday before a Saturday holiday.
_DATED: Final = ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))
# (month, weekday, which one of the month)
_FLOATING: Final = ((1, _MONDAY, 3), (2, _MONDAY, 3), (9, _MONDAY, 1), (10, _MONDAY, 2), (11, _THURSDAY, 4))


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


@cache
def holidays(year: int) -> frozenset[date]:
    """The federal holidays of a year, on the days on which banks keep them."""
    dated = (date(year, month, day) for month, day in _DATED)
    kept = {day + timedelta(days=1) if day.weekday() == _SUNDAY else day for day in dated}
    kept |= {_nth_weekday(year, *rule) for rule in _FLOATING}
    last_of_may = date(year, 5, 31)
    kept.add(last_of_may - timedelta(days=last_of_may.weekday()))  # Memorial Day: the last Monday
    return frozenset(kept)


def is_business_day(day: date) -> bool:
    """The bank's offices are open to the public on that day."""
    return day.weekday() < _SATURDAY and day not in holidays(day.year)


def add_business_days(start: date, count: int) -> date:
    """The count-th business day after `start`, which itself isn't counted. `count` is 1 or more."""
    if count < 1:
        raise ValueError(f"count is {count}; ask for one business day or more")
    day = start
    while count:
        day += timedelta(days=1)
        count -= is_business_day(day)
    return day


def business_days_between(start: date, end: date) -> int:
    """How many business days lie after `start` up to and with `end`; 0 where `end` is not after `start`."""
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_business_day(day) for day in days)
