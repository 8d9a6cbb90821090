"""What came of an input: which of the events that it caused says so, and that in one word."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

Row = TypeVar("Row", bound=Mapping[str, Any])
PENDING: Final = "pending"
_NOT_TAKEN: Final = {"InputRefused": "refused", "InputParked": "parked", "DeadLetter": "dead_letter"}


def effect_of(caused: Sequence[Row]) -> Row | None:
    """The first of the events, shaped {"type", …}. One that was parked and released has its effect after that."""
    settled = (event for event in caused if event["type"] != "InputParked")
    return next(settled, caused[0] if caused else None)


def word(effect: Mapping[str, Any] | None, words: Mapping[str, str], otherwise: str = "applied") -> str:
    """By the event's type in `words`, or refused, parked, dead_letter; pending where nothing came of it yet."""
    if effect is None:
        return PENDING
    kind = effect["type"]
    return words.get(kind) or _NOT_TAKEN.get(kind, otherwise)
