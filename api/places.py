"""Where a list goes on, as text that clients keep and send back: what comes after a time and an id.

A cursor of one list isn't one of another: with other filters, or for another tenant, rows would be skipped without a
word. It says nothing that its reader doesn't know, and gives nobody what they may not read.
"""

import base64
import hashlib
import json
from typing import Final

from penstock.api.problems import Problem
from penstock.schemas.ids import is_uuid

CURSOR_CHARACTERS_MAX: Final = 400
_TIME_MS_MAX: Final = 2**53


def cursor_of(time_ms: int, ident: str, filters: object) -> str:
    """The place after this row; `filters` is JSON of what all rows of the list have in common, with the tenant."""
    words = json.dumps([time_ms, ident, _mark(filters)], separators=(",", ":"))
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def place_of(cursor: str | None, filters: object) -> tuple[int, str] | None:
    """What cursor_of was given. Raises a 422 problem for what it never gave, or gave for another list."""
    if cursor is None:
        return None
    try:
        words = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        words = None
    match words:
        case [int(time_ms), str(ident), str(mark)] if (
            type(time_ms) is int and 0 <= time_ms < _TIME_MS_MAX and is_uuid(ident) and mark == _mark(filters)
        ):
            return time_ms, ident
        case _:
            detail = "Correct `cursor`: it is the `next_cursor` of a page with the same filters; begin without one."
            raise Problem(422, "invalid-request", "Invalid request", detail)


def _mark(filters: object) -> str:
    words = json.dumps(filters, sort_keys=True)
    return hashlib.sha256(words.encode("utf-8", "backslashreplace")).hexdigest()[:12]
