"""What a process has of a key or of a tenant, where these are counted over all processes.

Pure. A name is taken when a call could begin with it and given back when it wasn't used since the last look, at once if
others want it. Among those who want more than there is it is shared out fairly, and goes round (allotting.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from penstock.streams.tools.allotting import Part, allot

# What can't be used for want of a slot or the tenant's part is kept for so many looks though others wait: longer than
# these need to give back what they can't use for want of the key, or all would pass by each other for ever.
STUCK_LOOKS: Final = 8


class Name(NamedTuple):
    """A tenant, or one of its keys. `key` None: the tenant."""

    tenant: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Use:
    """How a name is used at a look: `in_use` by calls, `wanted` with those that wait, `lately` the most since
    the last. `stuck`: what is held couldn't be used for several looks, for want of something else."""

    name: Name
    total: int
    in_use: int
    wanted: int
    lately: int
    stuck: bool


@dataclass(frozen=True, slots=True)
class Term:
    """What a process holds of a name from a transaction on, of which its lane may use `usable`."""

    name: Name
    usable: int
    slots: int
    wanted: int
    in_use: int


class Hold:
    """What a lane may use of a name. `pending`: it was never answered; `told`: slots and wanted, as last written."""

    __slots__ = ("_most", "_unusable", "_waiting", "allowed", "pending", "told", "total")

    def __init__(self, total: int) -> None:
        self.total = total
        self.allowed = 0
        self.pending = True
        self.told: tuple[int, int] = (0, 0)
        self._most = 0
        self._unusable = 0
        self._waiting = False

    @property
    def short(self) -> bool:
        """Others have what is wanted besides."""
        return not self.pending and self.allowed < self.told[1]

    def used(self, count: int) -> None:
        """So much is in use now."""
        if count > self._most:
            self._most = count

    def look(self, name: Name, in_use: int, waiting: int, *, usable: bool) -> Use:
        """How it is used now."""
        self._waiting = waiting > 0
        wanted = min(self.total, in_use + waiting)
        most, self._most = max(self._most, wanted), in_use
        self._unusable = self._unusable + 1 if self.allowed > in_use and not usable else 0
        stuck = self._unusable > STUCK_LOOKS
        return Use(name, self.total, in_use, wanted, min(self.total, most), stuck)

    def is_quiet(self, use: Use) -> bool:
        """All that is held is in use, nothing waits, and the row says so: nothing is to be done. What isn't in use is
        never quiet: a commit whose reply was lost may have left a row, which must go."""
        return (
            use.in_use > 0
            and not self._waiting
            and self.told == (use.in_use, use.wanted)
            and use.in_use == use.wanted == use.lately == self.allowed
        )


def may_use(use: Use, before: Part, others: Sequence[Part]) -> int:
    """How much of a name a process may use beside the others. `before`: what it had; it keeps what it doesn't use
    only if nobody else is there, and what it can't use only if nobody else wants it."""
    wanted = use.in_use if use.stuck else use.wanted
    mine = Part(before.holder, before.slots, wanted if others else use.lately, before.for_s)
    return allot(use.total, mine, others, 0)
