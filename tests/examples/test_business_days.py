"""Business days against dates that were looked up in a printed calendar."""

from datetime import date, timedelta

import pytest

from penstock.examples.casework.business_days import (
    add_business_days,
    business_days_between,
    holidays,
    is_business_day,
)


def test_the_federal_holidays_of_2025() -> None:
    assert sorted(holidays(2025)) == [
        date(2025, 1, 1),
        date(2025, 1, 20),
        date(2025, 2, 17),
        date(2025, 5, 26),
        date(2025, 6, 19),
        date(2025, 7, 4),
        date(2025, 9, 1),
        date(2025, 10, 13),
        date(2025, 11, 11),
        date(2025, 11, 27),
        date(2025, 12, 25),
    ]


def test_a_holiday_on_a_sunday_is_kept_on_monday() -> None:
    # New Year's Day of 2023 was a Sunday.
    assert not is_business_day(date(2023, 1, 2))
    assert is_business_day(date(2023, 1, 3))


def test_a_holiday_on_a_saturday_leaves_the_friday_open() -> None:
    # Independence Day of 2026 is a Saturday.
    assert is_business_day(date(2026, 7, 3))
    assert is_business_day(date(2026, 7, 6))


def test_the_last_monday_of_may_in_a_year_that_ends_it_on_a_monday() -> None:
    assert date(2027, 5, 31) in holidays(2027)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2025, 4, 7), 10, date(2025, 4, 21)),  # two plain weeks
        (date(2025, 5, 13), 10, date(2025, 5, 28)),  # over Memorial Day
        (date(2025, 6, 24), 20, date(2025, 7, 23)),  # over Independence Day
        (date(2025, 12, 23), 3, date(2025, 12, 29)),  # 24, 26 and, after the weekend, 29
        (date(2025, 8, 29), 1, date(2025, 9, 2)),  # Friday before Labor Day
        (date(2025, 8, 30), 1, date(2025, 9, 2)),  # the Saturday after it
        (date(2025, 12, 31), 1, date(2026, 1, 2)),  # into another year
    ],
)
def test_counting_forward(start: date, count: int, end: date) -> None:
    assert add_business_days(start, count) == end


def test_counting_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="one business day or more"):
        add_business_days(date(2025, 1, 2), 0)


def test_days_between_leave_out_the_first_and_count_the_last() -> None:
    assert business_days_between(date(2025, 9, 8), date(2025, 9, 9)) == 1
    assert business_days_between(date(2025, 4, 2), date(2025, 4, 11)) == 7
    assert business_days_between(date(2025, 7, 3), date(2025, 7, 6)) == 0
    assert business_days_between(date(2025, 7, 3), date(2025, 7, 3)) == 0
    assert business_days_between(date(2025, 7, 8), date(2025, 7, 1)) == 0


def test_counting_forward_and_counting_between_agree() -> None:
    for offset in range(0, 400, 7):
        start = date(2025, 1, 1) + timedelta(days=offset)
        for count in (1, 2, 10, 20):
            assert business_days_between(start, add_business_days(start, count)) == count
