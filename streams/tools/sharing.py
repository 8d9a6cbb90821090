"""The transaction in which a process renews what it holds of limits over all processes, and takes and gives.

Guarantees: lanes stop using what is given back before that is written; what is new is used only after the commit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from penstock.streams.tools.allotting import Part, allot, fair_parts
from penstock.streams.tools.dividing import Dividing
from penstock.streams.tools.hold_rows import HoldRows
from penstock.streams.tools.holds import Term
from penstock.streams.tools.lanes import Lanes
from penstock.streams.tools.scheduling import Lane, LimitKind
from penstock.streams.tools.share_rows import Holding, ShareRows
from penstock.streams.tools.shared_lane import SharedLane
from penstock.streams.transactions import Session

MARGIN_S: Final = 1.0
# A process that has what it wants renews its lease this often.
RENEW_S: Final = 1.0
# What processes that are gone left of keys is swept once in so many transactions.
SWEEP_EVERY: Final = 300


@dataclass(slots=True)
class Shared:
    """A lane whose limits are shared. `hold_s`: for how long what has begun may go on counting; `lasts_s`: for how long
    also after its process has ended. `has_names`: keys or tenants are limited."""

    lane: str
    totals: Mapping[LimitKind, int]
    hold_s: float
    lasts_s: Mapping[LimitKind, float]
    has_names: bool = False
    demand: int = 0
    demand_before: int = 0
    held: dict[LimitKind, int] = field(default_factory=dict)

    @property
    def lease_s(self) -> float:
        """Long enough for what is left of it at any renewal to cover a call."""
        return self.hold_s + MARGIN_S + 3 * RENEW_S

    def name(self, kind: LimitKind) -> str:
        """The limit's name in the table."""
        return f"{self.lane}/{kind}"


@dataclass(frozen=True, slots=True)
class Row:
    """What is written for a limit: `slots` are held, of which the lane may use `usable`."""

    kind: LimitKind
    slots: int
    usable: int
    wanted: int
    renewed: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a lane may use once the transaction is committed."""

    shared: Shared
    rows: Sequence[Row]
    terms: Sequence[Term]

    @property
    def restless(self) -> bool:
        """Whether something has less than it wants, or holds more than it uses or is its due."""
        return any(row.slots != row.wanted or row.usable < row.slots for row in self.rows) or any(
            term.usable < term.wanted or term.slots > term.in_use for term in self.terms
        )

    def apply(self, lane: Lane, until_s: float) -> None:
        """To the lane, from now until its lease could cover no call any more."""
        for row in self.rows:
            lane.allow(row.kind, row.usable)
        if isinstance(lane, SharedLane):
            lane.settle(self.terms)
        lane.until_s = until_s


class Sharing:
    """Writes what this process holds."""

    def __init__(self, holder: str, rows: ShareRows, hold_rows: HoldRows) -> None:
        self._holder = holder
        self._rows = rows
        self._hold_rows = hold_rows
        self._until_sweep = 0

    def write(
        self, session: Session, lanes: Lanes, shared: Sequence[Shared], *, closing: bool
    ) -> list[Outcome]:
        """The whole transaction."""
        lasts_s = {each.name(kind): each.lasts_s[kind] for each in shared for kind in each.totals}
        self._rows.lock(session, list(lasts_s))
        parts = self._rows.parts(session, lasts_s)
        outcomes = [self._lane(session, lanes, each, parts, closing=closing) for each in shared]
        if any(each.has_names for each in shared):
            self._sweep(session)
        return outcomes

    def _lane(
        self,
        session: Session,
        lanes: Lanes,
        shared: Shared,
        parts: Mapping[str, Sequence[Part]],
        *,
        closing: bool,
    ) -> Outcome:
        awake = {part.holder: part.awake for part in parts[shared.name("concurrency")]}
        if self._holder not in awake:
            lanes.change(shared.lane, lambda lane, _: lane.lapse())
            if shared.has_names:
                self._hold_rows.drop(session, shared.lane)
        rows = [self._row(lanes, shared, kind, parts[shared.name(kind)], closing) for kind in shared.totals]
        terms: list[Term] = []
        if shared.has_names:

            def change(work: Callable[[SharedLane], None]) -> None:
                lanes.change(shared.lane, lambda lane, _: work(_shared(lane)))

            dividing = Dividing(self._hold_rows, self._holder, session, shared.lane, awake, change)
            concurrency, *others = rows
            slots = concurrency.usable if all(row.usable for row in others) else 0
            terms = dividing.divide(slots, closing=closing)
        # The row of the concurrency is the lease of the names too.
        named = any(term.slots or term.wanted for term in terms) or _holds_names(lanes, shared)
        holdings = [
            Holding(shared.name(row.kind), row.slots, row.wanted, shared.lease_s, row.renewed, kept=named)
            for row in rows
        ]
        self._rows.hold(session, holdings)
        return Outcome(shared, rows, terms)

    def _row(
        self, lanes: Lanes, shared: Shared, kind: LimitKind, parts: Sequence[Part], closing: bool
    ) -> Row:
        others = [part for part in parts if part.holder != self._holder]
        before = next((part for part in parts if part.holder == self._holder), Part(self._holder, 0, 0, 0.0))
        total, in_use = shared.totals[kind], _in_use(lanes, shared, kind)
        demand = shared.demand if kind == "concurrency" else shared.demand + in_use
        wanted = 0 if closing else min(total, demand)
        mine = replace(before, wanted=wanted)
        fair = fair_parts(total, [mine, *others])[self._holder]
        # First the lane stops using what it must give back, then what it still uses is counted.
        may = allot(total, mine, others, 0)
        lanes.change(shared.lane, lambda lane, _: lane.allow(kind, min(lane.allowed(kind), may)))
        slots = allot(total, mine, others, _in_use(lanes, shared, kind))
        everybody_has_all = slots >= wanted and all(other.slots >= other.wanted for other in others)
        renewed = slots != before.slots or everybody_has_all
        return Row(kind, slots, min(fair, slots), wanted, renewed)

    def _sweep(self, session: Session) -> None:
        if not self._until_sweep:
            self._hold_rows.forget(session)
        self._until_sweep = (self._until_sweep or SWEEP_EVERY) - 1


def _in_use(lanes: Lanes, shared: Shared, kind: LimitKind) -> int:
    found = 0

    def look(lane: Lane, now_s: float) -> None:
        nonlocal found
        found = lane.in_use(kind, now_s)

    lanes.change(shared.lane, look)
    return found


def _holds_names(lanes: Lanes, shared: Shared) -> bool:
    found = False

    def look(lane: Lane, now_s: float) -> None:
        nonlocal found
        found = isinstance(lane, SharedLane) and lane.holds_names

    lanes.change(shared.lane, look)
    return found


def _shared(lane: Lane) -> SharedLane:
    assert isinstance(lane, SharedLane), "opened before its limits became global"
    return lane
