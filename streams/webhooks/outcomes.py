"""What an answer of a receiver means, and when to try again. Pure.

A receiver that is away (no answer, 429, 5xx) is held: nothing is posted to it for a while, then one delivery to see,
and when that arrives all the others. One that answers but refuses (4xx, a redirect) refuses that delivery only: it
waits, longer each time, and the others go on.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

FIRST_S: Final = 5.0
AWAY_LONGEST_S: Final = 300.0
REFUSED_LONGEST_S: Final = 3_600.0
RETRY_AFTER_S_MAX: Final = 86_400.0
ERROR_CHARACTERS_MAX: Final = 300
_TOO_MANY: Final = 429
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or why there is none. `retry_after`: the header as it stands. `unsent`: it was us who
    refused."""

    status: int | None = None
    error: str | None = None
    retry_after: str | None = None
    unsent: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is recorded of an attempt. `away`: the receiver is held for `wait_s`, else this delivery alone waits.
    `gone`: the receiver said that nothing is ever to be posted there again."""

    delivered: bool = False
    away: bool = False
    gone: bool = False
    wait_s: float = 0.0
    status: int | None = None
    error: str | None = None


def outcome(answer: Answer, attempt: int, failures: int, chance: float, now: datetime) -> Outcome:
    """`attempt` counts those of the delivery, from 1; `failures` those of the receiver before this one, in a row.
    `chance` from 0 to 1 spreads what failed together."""
    status = answer.status
    if status is not None and 200 <= status < 300:
        return Outcome(delivered=True, status=status)
    said = printable(answer.error or f"HTTP {status}")
    if status == _GONE:
        return Outcome(gone=True, status=status, error="HTTP 410: the receiver wants nothing more")
    away = not answer.unsent and (status is None or status == _TOO_MANY or status >= 500)
    grown = FIRST_S * 2.0 ** min(failures, 30) if away else FIRST_S * 4.0 ** min(attempt - 1, 30)
    backoff_s = min(grown, AWAY_LONGEST_S if away else REFUSED_LONGEST_S) * (0.5 + chance / 2)
    wait_s = max(backoff_s, retry_after_s(answer.retry_after, now))
    return Outcome(away=away, wait_s=wait_s, status=status, error=said)


def retry_after_s(header: str | None, now: datetime) -> float:
    """Seconds of a Retry-After, which says seconds or a date; 0 for what is neither, a day at most."""
    if header is None:
        return 0.0
    try:
        found = float(int(header)) if header.strip().isdigit() else _until(header, now)
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(found, 0.0), RETRY_AFTER_S_MAX) if math.isfinite(found) else 0.0


def printable(text: str) -> str:
    """As it may stand in a row and on a screen."""
    kept = "".join(each if each.isprintable() else " " for each in text[:ERROR_CHARACTERS_MAX])
    return kept.encode("utf-8", "replace").decode()


def _until(header: str, now: datetime) -> float:
    date = parsedate_to_datetime(header)
    return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
