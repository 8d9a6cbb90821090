"""Shares of limits that hold across processes: leased from Postgres, used in memory.

Reads and writes: penstock.limit_share. Guarantees: what all processes together may begin under a limit never
passes it. A process begins something only while its lease covers the whole time that it may take; a part is
given to others only after the lane has stopped using it, or after the lease has run out. Without the database
a process goes on for as long as its lease allows, then waits.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final
from uuid import uuid4

from penstock.declare.tools import Tool
from penstock.runtime.passport import passport
from penstock.streams.background import Background
from penstock.streams.tools.allotting import Part, allot, fair_parts
from penstock.streams.tools.lanes import Lanes
from penstock.streams.tools.scheduling import Lane, LimitKind
from penstock.streams.tools.share_rows import Holding, ShareRows
from penstock.streams.transactions import AWAY, Session, Transactions

log = logging.getLogger("penstock.streams.tools")

MARGIN_S: Final = 1.0
# A process that has what it wants renews its lease this often, one that waits for more asks this often.
RENEW_S: Final = 1.0
ASK_AGAIN_S: Final = 0.2
CLOSE_S: Final = 2.0


def boot_s() -> float:
    """A clock in seconds that never jumps and that runs while the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


@dataclass(slots=True)
class Shared:
    """A lane whose limits are shared. `hold_s`: for how long what has begun may go on counting; `lasts_s`: for how long
    also after its process has ended."""

    lane: str
    totals: Mapping[LimitKind, int]
    hold_s: float
    lasts_s: Mapping[LimitKind, float]
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

    shared: Shared
    kind: LimitKind
    slots: int
    usable: int
    wanted: int
    renewed: bool

    @property
    def name(self) -> str:
        """The limit's name in the table."""
        return self.shared.name(self.kind)


class Shares:
    """The shares of this process, kept by a thread of its own."""

    def __init__(
        self,
        transactions: Transactions,
        background: Background,
        clock_s: Callable[[], float] = boot_s,
        process: Callable[[], str] = passport,
    ) -> None:
        self.clock_s = clock_s
        self._transactions = transactions
        self._background = background
        self._holder = str(uuid4())
        self._rows = ShareRows(self._holder, process())
        self._lanes: Lanes | None = None
        self._shared: dict[str, Shared] = {}
        self._short = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def serve(self, lanes: Lanes) -> None:
        """Keep the shares of these lanes from now on."""
        self._lanes = lanes

    def share(self, tool: Tool[object]) -> None:
        """The tool's lane begins nothing but what this process has leased. Called when the lane is opened."""
        limits, hold_s = tool.limits, tool.timeout_ms / 1000
        totals: dict[LimitKind, int] = {"concurrency": limits.concurrency}
        lasts_s: dict[LimitKind, float] = {"concurrency": 0.0}
        if limits.rate is not None:
            totals["rate"] = limits.rate.count
            lasts_s["rate"] = limits.rate.per.total_seconds()
            hold_s = max(hold_s, lasts_s["rate"])
        self._shared[tool.name] = Shared(tool.name, totals, hold_s, lasts_s)
        if self._thread is None:
            self._thread = self._background.start("shares", self._keep)

    def short(self) -> None:
        """A lane could use more than it has. Waits for nothing."""
        if not self._short.is_set():
            self._short.set()

    def close(self) -> None:
        """Nothing begins any more: give back what isn't in use. What is counts until its lease runs out."""
        self._closing.set()
        self._short.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            try:
                self._renew(list(self._shared.values()))
            except AWAY as error:
                log.warning("shares of limits run out by themselves, because the database is away: %s", error)
        self._transactions.close()

    def _keep(self) -> None:
        while not self._closing.is_set():
            began_s = self.clock_s()
            self._short.clear()
            try:
                waiting = self._renew([each for each in list(self._shared.values()) if self._is_needed(each)])
            except AWAY as error:
                log.warning("shares of limits aren't renewed: the database is away (%s)", str(error).strip())
                waiting = True
            self._short.wait(ASK_AGAIN_S if waiting else RENEW_S)
            # However often lanes run short, the database isn't asked more often than this.
            self._closing.wait(max(0.0, began_s + ASK_AGAIN_S - self.clock_s()) if waiting else 0)

    def _is_needed(self, shared: Shared) -> bool:
        """What was wanted at the last look counts too, so that calls which come and go keep their share."""
        before, peak = shared.demand_before, 0

        def look(lane: Lane, now_s: float) -> None:
            nonlocal peak
            peak = lane.demand()

        self._on(shared, look)
        shared.demand, shared.demand_before = max(before, peak), peak
        return bool(shared.demand or any(shared.held.values()))

    def _renew(self, shared: Sequence[Shared]) -> bool:
        """One transaction for all; whether something has less than it wants, or more than is its due."""
        if not shared:
            return False
        sent_s, closing = self.clock_s(), self._closing.is_set()
        rows = self._transactions.once(lambda session: self._write(session, shared))
        for row in rows:
            row.shared.held[row.kind] = row.slots
            until_s = sent_s + row.shared.lease_s - row.shared.hold_s - MARGIN_S
            if not closing:
                self._on(row.shared, partial(_allow, row, until_s))
        return any(row.slots != row.wanted or row.usable < row.slots for row in rows)

    def _write(self, session: Session, shared: Sequence[Shared]) -> list[Row]:
        """The whole transaction. Lanes are lowered in it, and raised only after its commit."""
        lasts_s = {each.name(kind): each.lasts_s[kind] for each in shared for kind in each.totals}
        self._rows.lock(session, list(lasts_s))
        parts = self._rows.parts(session, lasts_s)
        for each in shared:
            if all(part.holder != self._holder for part in parts[each.name("concurrency")]):
                self._on(each, lambda lane, _: lane.lapse())
        rows = [self._row(each, kind, parts[each.name(kind)]) for each in shared for kind in each.totals]
        self._rows.hold(
            session,
            [Holding(row.name, row.slots, row.wanted, row.shared.lease_s, row.renewed) for row in rows],
        )
        return rows

    def _row(self, shared: Shared, kind: LimitKind, parts: Sequence[Part]) -> Row:
        others = [part for part in parts if part.holder != self._holder]
        before = next((part for part in parts if part.holder == self._holder), Part(self._holder, 0, 0, 0.0))
        total, in_use = shared.totals[kind], self._in_use(shared, kind)
        demand = shared.demand if kind == "concurrency" else shared.demand + in_use
        wanted = 0 if self._closing.is_set() else min(total, demand)
        mine = replace(before, wanted=wanted)
        fair = fair_parts(total, [mine, *others])[self._holder]
        # First the lane stops using what it must give back, then what it still uses is counted.
        may = allot(total, mine, others, 0)
        self._on(shared, lambda lane, _: lane.allow(kind, min(lane.allowed(kind), may)))
        slots = allot(total, mine, others, self._in_use(shared, kind))
        everybody_has_all = slots >= wanted and all(other.slots >= other.wanted for other in others)
        renewed = slots != before.slots or everybody_has_all
        return Row(shared, kind, slots, min(fair, slots), wanted, renewed)

    def _in_use(self, shared: Shared, kind: LimitKind) -> int:
        found = 0

        def look(lane: Lane, now_s: float) -> None:
            nonlocal found
            found = lane.in_use(kind, now_s)

        self._on(shared, look)
        return found

    def _on(self, shared: Shared, change: Callable[[Lane, float], None]) -> None:
        assert self._lanes is not None
        self._lanes.change(shared.lane, change)


def _allow(row: Row, until_s: float, lane: Lane, now_s: float) -> None:
    lane.allow(row.kind, row.usable)
    lane.until_s = until_s
