"""Shares of limits that hold across processes: leased from Postgres, used in memory.

Reads and writes: penstock.limit_share. Guarantees: what all processes together may begin under a limit never
passes it. A process begins something only while its lease covers the whole time that it may take; a part is
given to others only after the lane has stopped using it, or after the lease has run out. Without the database
a process goes on for as long as its lease allows, then waits.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Final, TypeAlias
from uuid import uuid4

from penstock.declare.tools import Tool
from penstock.runtime.passport import passport
from penstock.streams.background import Background
from penstock.streams.tools.hold_rows import HoldRows
from penstock.streams.tools.lanes import Lanes
from penstock.streams.tools.scheduling import Lane, LimitKind
from penstock.streams.tools.share_rows import ShareRows
from penstock.streams.tools.shared_lane import SharedLane
from penstock.streams.tools.sharing import MARGIN_S, RENEW_S, Outcome, Shared, Sharing
from penstock.streams.transactions import AWAY, Transactions

log = logging.getLogger("penstock.streams.tools")

# A process that waits for more asks this often.
ASK_AGAIN_S: Final = 0.2
CLOSE_S: Final = 2.0

Tables: TypeAlias = Callable[[str, str], tuple[ShareRows, HoldRows]]


def boot_s() -> float:
    """A clock in seconds that never jumps and that runs while the machine is suspended."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def tables(holder: str, process: str) -> tuple[ShareRows, HoldRows]:
    """Those of Postgres."""
    return ShareRows(holder, process), HoldRows(holder)


class Shares:
    """The shares of this process, kept by a thread of its own."""

    def __init__(
        self,
        transactions: Transactions,
        background: Background,
        clock_s: Callable[[], float] = boot_s,
        process: Callable[[], str] = passport,
        made_tables: Tables = tables,
    ) -> None:
        self.clock_s = clock_s
        self._transactions = transactions
        self._background = background
        holder = str(uuid4())
        self._sharing = Sharing(holder, *made_tables(holder, process()))
        self._lanes: Lanes | None = None
        self._shared: dict[str, Shared] = {}
        self._short = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        # When the last transaction was begun.
        self._asked_s = -inf

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
        named = limits.concurrency_key is not None or limits.tenant_concurrency is not None
        self._shared[tool.name] = Shared(tool.name, totals, hold_s, lasts_s, named)
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
            self._short.clear()
            waiting = self.keep_up()
            self._short.wait(ASK_AGAIN_S if waiting else RENEW_S)
            # However often lanes run short, the database isn't asked more often than this.
            often = waiting or any(each.has_names for each in list(self._shared.values()))
            self._closing.wait(max(0.0, self._asked_s + ASK_AGAIN_S - self.clock_s()) if often else 0)

    def keep_up(self) -> bool:
        """One transaction for all lanes that need one; whether the next should follow soon."""
        try:
            return self._renew([each for each in list(self._shared.values()) if self._is_needed(each)])
        except AWAY as error:
            log.warning("shares of limits aren't renewed: the database is away (%s)", str(error).strip())
            return True

    def _is_needed(self, shared: Shared) -> bool:
        """What was wanted at the last look counts too, so that calls which come and go keep their share."""
        before, peak, named = shared.demand_before, 0, False

        def look(lane: Lane, now_s: float) -> None:
            nonlocal peak, named
            peak = lane.demand()
            named = isinstance(lane, SharedLane) and lane.holds_names

        assert self._lanes is not None
        self._lanes.change(shared.lane, look)
        shared.demand, shared.demand_before = max(before, peak), peak
        return bool(shared.demand or named or any(shared.held.values()))

    def _renew(self, shared: Sequence[Shared]) -> bool:
        if not shared:
            return False
        lanes = self._lanes
        assert lanes is not None
        sent_s, closing = self.clock_s(), self._closing.is_set()
        self._asked_s = sent_s
        outcomes: list[Outcome] = self._transactions.once(
            lambda session: self._sharing.write(session, lanes, shared, closing=closing)
        )
        for outcome in outcomes:
            each = outcome.shared
            each.held = {row.kind: row.slots for row in outcome.rows}
            until_s = sent_s + each.lease_s - each.hold_s - MARGIN_S
            if not closing:
                lanes.change(each.lane, partial(_apply, outcome, until_s))
        return any(outcome.restless for outcome in outcomes)


def _apply(outcome: Outcome, until_s: float, lane: Lane, now_s: float) -> None:
    outcome.apply(lane, until_s)
