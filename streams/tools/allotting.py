"""How the slots of a limit are shared out among processes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# Who has one of the slots that can't be divided keeps it for so long before it goes round.
TENURE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """What a process holds of a limit and what it could use. `for_s`: how long ago what it holds last changed, or all
    processes last had all that they could use. `awake`: it renewed its lease lately."""

    holder: str
    slots: int
    wanted: int
    for_s: float
    awake: bool = True


def fair_parts(total: int, parts: Sequence[Part]) -> Mapping[str, int]:
    """What each should come to hold. Nobody gets more than it wants, nobody less than another who wants as much; what
    can't be divided goes round."""
    found = {part.holder: 0 for part in parts}
    left = sorted((part for part in parts if part.wanted > 0), key=lambda part: part.wanted)
    while left:
        share = total // len(left)
        if left[0].wanted > share:
            break
        smallest = left.pop(0)
        found[smallest.holder] = smallest.wanted
        total -= smallest.wanted
    if left:
        share, rest = divmod(total, len(left))
        for place, part in enumerate(sorted(left, key=lambda part: _round(part, share))):
            found[part.holder] = share + (place < rest)
    return found


def allot(total: int, mine: Part, others: Sequence[Part], in_use: int) -> int:
    """What `mine` may hold beside the others, who keep what they hold until they give it back themselves. What is
    in use can't be given back."""
    fair = fair_parts(total, [mine, *others])[mine.holder]
    free = total - sum(other.slots for other in others)
    return max(in_use, min(fair, free))


def _round(part: Part, share: int) -> tuple[int, float, str]:
    """Who has just got one of the rest keeps it, then come those who have waited, the longest first."""
    if part.slots > share:
        return (0 if part.for_s < TENURE_S else 2, part.for_s, part.holder)
    return (1, -part.for_s, part.holder)
