"""What an answer means, and when the next try is: with a clock and a chance of the test's own."""

from datetime import UTC, datetime

import pytest

from penstock.streams.webhooks.outcomes import Answer, outcome, printable, retry_after_s

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def came(
    answer: Answer, attempt: int = 1, failures: int = 0, chance: float = 1.0
) -> tuple[bool, bool, float]:
    found = outcome(answer, attempt, failures, chance, NOW)
    return found.delivered, found.away, found.wait_s


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert outcome(Answer(status), 1, 0, 0, NOW).delivered


@pytest.mark.parametrize(
    "answer", [Answer(429), Answer(500), Answer(503), Answer(error="ConnectError: refused")]
)
def test_a_receiver_that_is_away_is_held_twice_as_long_each_time_up_to_five_minutes(answer: Answer) -> None:
    waits = [came(answer, attempt=1, failures=failures) for failures in range(9)]
    assert waits == [(False, True, wait_s) for wait_s in (5, 10, 20, 40, 80, 160, 300, 300, 300)]


@pytest.mark.parametrize(
    "answer", [Answer(301), Answer(400), Answer(404), Answer(error="10.0.0.1 …", unsent=True)]
)
def test_a_delivery_that_is_refused_waits_alone_up_to_an_hour(answer: Answer) -> None:
    waits = [came(answer, attempt=attempt, failures=7) for attempt in range(1, 8)]
    assert waits == [(False, False, wait_s) for wait_s in (5, 20, 80, 320, 1280, 3600, 3600)]


def test_chance_spreads_what_failed_together_over_half_of_the_wait() -> None:
    assert came(Answer(500), chance=0.0) == (False, True, 2.5)
    assert came(Answer(500), chance=0.5) == (False, True, 3.75)


def test_410_is_for_good() -> None:
    assert outcome(Answer(410), 1, 0, 0, NOW).gone


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        *(
            (None, 0),
            ("120", 120),
            ("0", 0),
            ("999999999", 86_400),
            ("1e9", 0),
            ("-5", 0),
            ("soon", 0),
            ("", 0),
        ),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("9" * 5_000, 0),
    ],
)
def test_retry_after_says_seconds_or_a_date_and_counts_up_to_a_day(header: str | None, wait_s: float) -> None:
    assert retry_after_s(header, NOW) == wait_s
    found = outcome(Answer(503, retry_after=header), 1, 0, 1.0, NOW)
    assert found.wait_s == max(5, wait_s)


def test_what_is_said_of_an_error_fits_a_row_and_a_screen() -> None:
    assert printable("a\x00b\x1b[31m\n" + "x" * 999) == "a b [31m " + "x" * 291
    assert printable("\ud83d") == "?" or printable("\ud83d") == " "
