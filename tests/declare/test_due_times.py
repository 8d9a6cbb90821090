"""Due times: what cron and intervals mean, above all where clocks are changed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.declare.due_times import InvalidTimes, Times, check_times, due_after, newest_due, next_due, zone

SPRING = "2026-03-29"  # Berlin: 02:00 to 03:00 is skipped
AUTUMN = "2026-10-25"  # Berlin: 02:00 to 03:00 comes twice


def ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def shown(times: Times, after: str, most: int) -> list[str]:
    where = zone(times.time_zone)
    return [
        datetime.fromtimestamp(due / 1000, where).isoformat() for due in due_after(times, ms(after), most)
    ]


def berlin(cron: str) -> Times:
    return Times(cron=cron, time_zone="Europe/Berlin")


def test_a_time_that_is_skipped_is_due_when_the_gap_ends() -> None:
    assert shown(berlin("30 2 * * *"), "2026-03-28T12:00:00", 2) == [
        f"{SPRING}T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    assert shown(berlin("30 2 * * *"), "2026-10-24T12:00:00", 2) == [
        f"{AUTUMN}T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize("after", ["02:30:00+02:00", "02:59:59+02:00", "02:00:00+01:00", "02:29:59+01:00"])
def test_whoever_asks_between_the_two_gets_the_next_day(after: str) -> None:
    assert shown(berlin("30 2 * * *"), f"{AUTUMN}T{after}", 1) == ["2026-10-26T02:30:00+01:00"]


def test_where_the_hour_is_a_star_real_time_counts() -> None:
    spring = shown(berlin("30 * * * *"), f"{SPRING}T01:00:00+01:00", 2)
    assert spring == [f"{SPRING}T01:30:00+01:00", f"{SPRING}T03:30:00+02:00"]
    autumn = shown(berlin("30 * * * *"), f"{AUTUMN}T02:00:00+02:00", 3)
    assert autumn == [f"{AUTUMN}T02:30:00+02:00", f"{AUTUMN}T02:30:00+01:00", f"{AUTUMN}T03:30:00+01:00"]


def test_a_midnight_that_doesnt_exist_is_due_an_hour_later() -> None:
    times = Times(cron="0 0 * * *", time_zone="America/Santiago")
    assert shown(times, "2026-09-05T12:00:00", 2) == [
        "2026-09-06T01:00:00-03:00",
        "2026-09-07T00:00:00-03:00",
    ]


def test_an_interval_counts_from_its_start_or_from_the_epoch() -> None:
    assert shown(Times(every_ms=3_600_000), "2026-03-01T10:30:00", 1) == ["2026-03-01T11:00:00+00:00"]
    late = Times(every_ms=3_600_000, starts_at_ms=ms("2026-03-01T00:20:00"))
    assert shown(late, "2026-03-01T10:30:00", 1) == ["2026-03-01T11:20:00+00:00"]
    assert shown(late, "2026-02-01T10:30:00", 1) == ["2026-03-01T00:20:00+00:00"]


def test_nothing_is_due_after_the_end() -> None:
    times = Times(cron="0 * * * *", ends_at_ms=ms("2026-03-01T12:00:00"))
    assert len(due_after(times, ms("2026-03-01T10:30:00"), 9)) == 2
    assert next_due(times, ms("2026-03-01T12:00:00")) is None


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (Times(), "either"),
        (Times(cron="* * * * *", every_ms=1_000), "either"),
        (Times(cron="* * * * * *"), "five fields"),
        (Times(cron="* " * 400), "five fields"),
        (Times(cron="60 * * * *"), "minute"),
        (Times(cron="0 0 31 2 *"), "day-of-month"),
        (Times(cron="@daily"), "five fields"),
        (Times(cron="* * * * *", time_zone="../etc/passwd"), "time zone"),
        (Times(cron="* * * * *", time_zone="europe/berlin"), "time zone"),
        (Times(cron="* * * * *", time_zone=""), "time zone"),
        (Times(every_ms=0), "interval"),
        (Times(every_ms=1_000, starts_at_ms=10, ends_at_ms=5), "ever due"),
        (Times(every_ms=1_000, ends_at_ms=2**63 - 1), "from 1970"),
    ],
)
def test_times_that_cant_be_are_refused_in_words(times: Times, says: str) -> None:
    with pytest.raises(InvalidTimes, match=says):
        check_times(times)


ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
    "Asia/Tehran",
]
CRONS = [
    "30 2 * * *",
    "0 0 * * *",
    "15 * * * *",
    "*/7 * * * *",
    "0 1,2,3 * * *",
    "59 23 * * SUN",
    "0 0 L * *",
    "*/20 2 * * *",
]
TIMES = st.builds(Times, cron=st.sampled_from(CRONS), time_zone=st.sampled_from(ZONES)) | st.builds(
    Times, every_ms=st.integers(600_000, 10**9), starts_at_ms=st.none() | st.integers(0, 2 * 10**12)
)
MOMENTS = st.integers(ms("2025-01-01T00:00:00"), ms("2027-12-31T00:00:00"))


@settings(max_examples=150, deadline=None)
@given(times=TIMES, at_ms=MOMENTS)
def test_the_times_are_the_same_from_wherever_one_looks(times: Times, at_ms: int) -> None:
    """Over changes of clocks as well: what is due doesn't depend on when it was asked for."""
    found = due_after(times, at_ms, 40)
    assert all(one < other for one, other in zip((at_ms, *found), found, strict=False))
    for place in (0, 7, 38):
        assert next_due(times, found[place]) == found[place + 1]
        between = (found[place] + found[place + 1]) // 2
        assert next_due(times, between) == found[place + 1]


@settings(max_examples=40, deadline=None)
@given(times=TIMES, at_ms=MOMENTS, days=st.integers(0, 9), most=st.integers(1, 60))
def test_the_newest_are_the_last_of_all(times: Times, at_ms: int, days: int, most: int) -> None:
    until_ms = at_ms + days * 86_400_000
    every = [due for due in due_after(times, at_ms - 1, 3_000) if due <= until_ms]
    assert list(newest_due(times, at_ms, until_ms, most)) == every[-most:]


@settings(max_examples=40, deadline=None)
@given(where=st.sampled_from(ZONES), at_ms=MOMENTS, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_a_daily_time_is_due_once_a_day_whatever_the_clocks_do(
    where: str, at_ms: int, hour: int, minute: int
) -> None:
    times = Times(cron=f"{minute} {hour} * * *", time_zone=where)
    days = [datetime.fromtimestamp(due / 1000, zone(where)).date() for due in due_after(times, at_ms, 400)]
    assert all(later - day == timedelta(days=1) for day, later in pairwise(days))
