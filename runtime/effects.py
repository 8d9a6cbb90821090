"""What came of an input: which of the events that it caused says so, and that in one word."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

Row = TypeVar("Row", bound=Mapping[str, Any])
PENDING: Final = "pending"
_NOT_TAKEN: Final = {
    "InputRefused": "refused",
    "InputParked": "parked",
    "InputDiscarded": "discarded",
    "DeadLetter": "dead_letter",
}
# What became of an input that was parked, once somebody has looked after it: what followed from its release stands
# behind that, caused by it; a discard is all there is. Formatted with a view of events and the name of its entity's id.
FREED: Final = """
SELECT e.seq, e.type, e.event FROM {events} AS f JOIN {events} AS e
  ON e.{entity} = f.{entity} AND e.seq = f.seq + CASE f.type WHEN 'InputReleased' THEN 1 ELSE 0 END
WHERE f.{entity} = %(entity)s AND f.seq > %(parked_seq)s AND f.type IN ('InputReleased', 'InputDiscarded')
  AND f.event ->> 'parked_input_id' = %(input_id)s
ORDER BY f.seq LIMIT 1"""


def effect_of(caused: Sequence[Row]) -> Row | None:
    """The first of the events, shaped {"type", …}."""
    return caused[0] if caused else None


def word(effect: Mapping[str, Any] | None, words: Mapping[str, str], otherwise: str = "applied") -> str:
    """By the event's type in `words`, or refused, parked, dead_letter; pending where nothing came of it yet."""
    if effect is None:
        return PENDING
    kind = effect["type"]
    return words.get(kind) or _NOT_TAKEN.get(kind, otherwise)
