"""How a dead letter stands: a fold of what operators said of it on the log (penstock.operator.actions)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.schemas.ids import derived_id

# In this order: what is to be put back is said first, and that it was put back, and where, afterwards.
REDRIVE: Final = "dead-letter.redrive"
PUT_BACK: Final = "dead-letter.put-back"
DISCARD: Final = "dead-letter.discard"


@dataclass(frozen=True, slots=True)
class Said:
    """One action of an operator's; `detail` is what the one who acted wrote beside it."""

    action_id: str
    action: str
    detail: Mapping[str, Any]


@dataclass(slots=True)
class Standing:
    """`unfinished`: a redrive that was said and isn't known to be done. `put_back`: by the redrive's id where the
    record stands now. `rounds`: how many redrives are done."""

    state: str = "open"
    unfinished: Said | None = None
    put_back: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    discards: set[str] = field(default_factory=set)

    @property
    def rounds(self) -> int:
        """How often it was put back."""
        return len(self.put_back)


def standing(said: Iterable[Said]) -> Standing:
    """Fold what was said of one dead letter, in the log's order."""
    now = Standing()
    for one in said:
        if one.action == REDRIVE:
            now.state, now.unfinished = "redriving", one
        elif one.action == PUT_BACK:
            now.state, now.unfinished = "redriven", None
            now.put_back[str(one.detail["redrive"])] = one.detail
        elif one.action == DISCARD:
            now.state, now.unfinished = "discarded", None
            now.discards.add(one.action_id)
    return now


def put_back_id(redrive_id: str) -> str:
    """Id of the action that says that a redrive is done: said twice, it counts once."""
    return derived_id(redrive_id, "put-back")


def mended_id(dead_letter_id: str, rounds: int) -> str:
    """Id of the input that stands in for a dead letter: one a round, so that of two the decider takes one."""
    return derived_id(dead_letter_id, f"redrive:{rounds}")
