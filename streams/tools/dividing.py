"""Sharing out the keys and tenants of a lane among processes, in the transaction that renews its lease.

Guarantees: over all rows whose holders' leases last, no more of a key or tenant is held than there is. A lane stops
using what it must give back before that is written, and uses what is new only after the commit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from penstock.streams.tools.allotting import Part
from penstock.streams.tools.hold_rows import HoldRows
from penstock.streams.tools.holds import Name, Term, Use, may_use
from penstock.streams.tools.shared_lane import SharedLane
from penstock.streams.transactions import Session

Change = Callable[[Callable[[SharedLane], None]], None]


class Dividing:
    """One transaction of one lane. `change`: looks at the lane, or changes it, while nobody else does. `awake`: who
    has a lease of it, and whether it renewed it lately."""

    def __init__(
        self,
        rows: HoldRows,
        holder: str,
        session: Session,
        lane: str,
        awake: Mapping[str, bool],
        change: Change,
    ) -> None:
        self._rows = rows
        self._holder = holder
        self._session = session
        self._lane = lane
        self._awake = awake
        self._change = change
        self._closing = False

    def divide(self, slots: int, *, closing: bool) -> list[Term]:
        """What this process holds from the commit on, given so many slots of the lane. `closing`: what is in use."""
        self._closing = closing
        tenants = self._terms(self._look(lambda lane: lane.look_at_tenants(slots)))
        decided = {term.name.tenant: term.usable for term in tenants}
        keys = self._terms(self._look(lambda lane: lane.look_at_keys(slots, decided)))
        return [*tenants, *keys]

    def _terms(self, uses: Sequence[Use]) -> list[Term]:
        held = self._rows.read(self._session, self._lane, [use.name for use in uses])
        before, may = [], []
        for use, parts in zip(uses, held, strict=True):
            mine = Part(self._holder, 0, 0, 0.0)
            others: list[Part] = []
            for part in parts:
                if part.holder == self._holder:
                    mine = part
                elif part.holder in self._awake:
                    others.append(part if self._awake[part.holder] else _asleep(part))
            before.append(mine)
            may.append((use.name, may_use(use, mine, others)))
        in_use = self._lower(may)
        terms = [
            Term(use.name, usable, max(usable, used), use.wanted, used)
            for use, (_, usable), used in zip(uses, may, in_use, strict=True)
        ]
        changed = [
            term
            for term, mine in zip(terms, before, strict=True)
            if (term.slots, term.wanted) != (mine.slots, mine.wanted)
        ]
        self._rows.write(self._session, self._lane, changed)
        return terms

    def _look(self, look: Callable[[SharedLane], list[Use]]) -> list[Use]:
        found: list[Use] = []
        self._change(lambda lane: found.extend(look(lane)))
        if self._closing:
            return [replace(use, wanted=use.in_use, lately=use.in_use) for use in found]
        return found

    def _lower(self, may: Sequence[tuple[Name, int]]) -> list[int]:
        found: list[int] = []
        self._change(lambda lane: found.extend(lane.lower(may)))
        return found


def _asleep(part: Part) -> Part:
    return replace(part, wanted=min(part.wanted, part.slots))
