"""When a schedule is due: by a cron expression in a time zone, or at an interval. Pure: the same times for everybody.

Cron has five fields and is read as Debian's cron reads it. Zones are those of the package `tzdata`, never of the
machine: whoever runs the same release knows the same zones. Where clocks are changed:

- a time that is skipped (02:30 in a gap from 02:00 to 03:00) is due when the gap ends, once;
- a time that comes twice is due the first time only;
- but where the minute or the hour is a `*`, the expression counts real time: nothing is due in a gap, and what comes
  twice is due twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

EVERY_MS_MIN: Final = 1_000
CRON_FIELDS: Final = 5
CRON_CHARACTERS_MAX: Final = 200
# 1 January 2200: no schedule means a time beyond it, and every calendar here can count to it.
TIME_MS_MAX: Final = 7_258_118_400_000

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MS: Final = timedelta(milliseconds=1)
_LOOK_BACK_MS: Final = 3_600_000


class InvalidTimes(ValueError):
    """These are no times that a schedule can have; the message says which part is wrong, and what would do."""


@dataclass(frozen=True, slots=True)
class Times:
    """Either `cron`, read in `time_zone` (an IANA name), or `every_ms`, counted from `starts_at_ms` or the epoch.

    Nothing is due before `starts_at_ms` or after `ends_at_ms`. All in ms since the Unix epoch.
    """

    cron: str | None = None
    time_zone: str = "UTC"
    every_ms: int | None = None
    starts_at_ms: int | None = None
    ends_at_ms: int | None = None


def check_times(times: Times) -> None:
    """Raises InvalidTimes unless something may be due by them."""
    if (times.cron is None) == (times.every_ms is None):
        raise InvalidTimes("give either a cron expression or an interval")
    for named, at_ms in (("start", times.starts_at_ms), ("end", times.ends_at_ms)):
        if at_ms is not None and not 0 <= at_ms <= TIME_MS_MAX:
            raise InvalidTimes(f"the {named} is from 1970 to 2199")
    if times.every_ms is not None and not EVERY_MS_MIN <= times.every_ms <= TIME_MS_MAX:
        raise InvalidTimes(f"an interval is at least {EVERY_MS_MIN // 1000} s, and shorter than 230 years")
    zone(times.time_zone)
    if times.cron is not None:
        _cron(times.cron, _EPOCH)
    if next_due(times, 0) is None:
        raise InvalidTimes("nothing is ever due by these: look at the expression, and at the end")


def next_due(times: Times, after_ms: int) -> int | None:
    """The first due time after that one; None if there is none. Raises InvalidTimes for what check_times refuses."""
    return next(_due_after(times, after_ms), None)


def due_after(times: Times, after_ms: int, most: int) -> Sequence[int]:
    """At most so many due times after that one, in order."""
    return tuple(islice(_due_after(times, after_ms), most))


def newest_due(times: Times, from_ms: int, until_ms: int, most: int) -> Sequence[int]:
    """The latest due times from `from_ms` to `until_ms`, both included, at most so many, in order."""
    if times.every_ms is not None:
        return _newest_of_interval(times, times.every_ms, from_ms, until_ms, most)
    back_ms = _LOOK_BACK_MS
    while True:
        # Backwards through a calendar with gaps is easy to get wrong: forwards from further and further back isn't.
        start_ms = max(from_ms, until_ms - back_ms)
        found: list[int] = []
        for due_ms in _due_after(times, start_ms - 1):
            if due_ms > until_ms:
                break
            found.append(due_ms)
        if len(found) >= most or start_ms == from_ms:
            return tuple(found[-most:])
        back_ms *= 4


def zone(name: str) -> tzinfo:
    """The zone of that IANA name, as the package tzdata has it. Raises InvalidTimes."""
    if name not in _zone_names():
        raise InvalidTimes(f"there is no time zone {name[:80]!r}: name one as Europe/Berlin, or UTC")
    return _loaded(name)


def _due_after(times: Times, after_ms: int) -> Iterator[int]:
    """All of them in order, without end where there is none."""
    begin_ms = after_ms if times.starts_at_ms is None else max(after_ms, times.starts_at_ms - 1)
    end_ms = TIME_MS_MAX if times.ends_at_ms is None else times.ends_at_ms
    found = (
        _cron_after(times.cron or "", zone(times.time_zone), begin_ms)
        if times.every_ms is None
        else _interval_after(times.every_ms, times.starts_at_ms or 0, begin_ms)
    )
    for due_ms in found:
        if due_ms > end_ms:
            return
        yield due_ms


def _cron_after(expression: str, where: tzinfo, after_ms: int) -> Iterator[int]:
    last_ms = after_ms
    for found in _cron(expression, datetime.fromtimestamp(after_ms // 1000, where)):
        due_ms = (found - _EPOCH) // _MS
        # Begun between the two times that a clock shows the same, it would give the first of them again.
        if due_ms > last_ms:
            yield due_ms
            last_ms = due_ms


def _cron(expression: str, start: datetime) -> CronSim:
    if len(expression) > CRON_CHARACTERS_MAX or len(expression.split()) != CRON_FIELDS:
        raise InvalidTimes(
            "a cron expression has five fields (minute, hour, day of month, month, day of week), as 30 6 * * MON-FRI"
        )
    try:
        return CronSim(expression, start)
    except CronSimError as error:
        raise InvalidTimes(f"the cron expression can't be read: {error}") from error


def _interval_after(every_ms: int, anchor_ms: int, after_ms: int) -> Iterator[int]:
    due_ms = anchor_ms + max(0, (after_ms - anchor_ms) // every_ms + 1) * every_ms
    while True:
        yield due_ms
        due_ms += every_ms


def _newest_of_interval(times: Times, every_ms: int, from_ms: int, until_ms: int, most: int) -> Sequence[int]:
    anchor_ms = times.starts_at_ms or 0
    end_ms = until_ms if times.ends_at_ms is None else min(until_ms, times.ends_at_ms)
    newest_ms = anchor_ms + (end_ms - anchor_ms) // every_ms * every_ms
    found = (newest_ms - back * every_ms for back in range(most))
    return tuple(reversed([due_ms for due_ms in found if due_ms >= max(from_ms, anchor_ms)]))


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


@lru_cache(maxsize=1_024)
def _loaded(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
