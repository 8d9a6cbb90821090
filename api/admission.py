"""How many runs may be open, and what a start is told when there is no room.

Reads: the count of open runs in the views, at most once a second and only while runs are started; beside it stand
the starts of this process that the views don't show yet. Guarantees: a start that fits waits for no query, but for
the first ones of a process; nobody is refused by a count that is due to be made again; what is remembered is bounded.
Other processes' starts are known when the views show them, so that several together may go over a limit by what they
take in meanwhile.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from penstock.api.problems import Problem, unavailable
from penstock.producers.log import Record
from penstock.runtime.settings import Settings

RETRY_AFTER_S: Final = 5
BEHIND: Final = "views-behind"
COUNT_EVERY_S: Final = 1.0
# How many groups of unseen starts are told apart.
GROUPS_MAX: Final = 500
# Counting is never more than a twentieth of a connection's time, however much there is to count.
_PAUSE_FACTOR: Final = 20
_AGAIN: Final = "then send the same again with the same Idempotency-Key: nothing was started by this request."


class OpenRuns(Protocol):
    """What the views are asked."""

    async def shown(self, run_ids: Collection[str]) -> Collection[str]:
        """Those of the runs that have a row."""
        ...

    async def open_by_tenant(self) -> Mapping[str, int]:
        """How many runs haven't ended."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How many runs may be open, and for how long the views may not show what was started."""

    tenant_max: int
    total_max: int
    views_lag_max_s: float

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """What the settings say."""
        return cls(settings.open_runs_tenant_max, settings.open_runs_total_max, settings.views_lag_max_s)


@dataclass(slots=True)
class _Started:
    """Starts that stand on one partition between two counts. A partition is decided and shown in order, so when
    the last of them is shown, all are."""

    partition: int
    began_s: float
    last_offset: int = -1
    last_run: str = ""
    tenants: Counter[str] = field(default_factory=Counter)


class Place:
    """Room for one run, taken while its start is on its way."""

    def __init__(self, admission: "Admission", tenant: str) -> None:
        self._admission = admission
        self._tenant = tenant

    def taken(self, run_id: str, record: Record) -> None:
        """Its start stands on the log: it counts until the views show it, and from then on as theirs."""
        self._admission.note(self._tenant, run_id, record)


class Admission:
    """For the one event loop of the API's process."""

    def __init__(
        self, views: OpenRuns, limits: Limits, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._views = views
        self._limits = limits
        self._clock_s = clock_s
        self._shown: Mapping[str, int] = {}
        self._shown_total = 0
        self._counted_s = clock_s()
        self._due_s = -math.inf
        self._counting: asyncio.Task[None] | None = None
        self._fresh: dict[int, _Started] = {}
        self._waiting: list[_Started] = []
        # Since when a tenant has starts that the views didn't show at the last count.
        self._behind_since_s: dict[str, float] = {}
        # On their way, or on the log and not shown yet.
        self._unseen: Counter[str] = Counter()
        self._let_through_s = -math.inf

    @asynccontextmanager
    async def place(self, tenant: str) -> AsyncIterator[Place]:
        """Room for one more run of the tenant's while its start is said. Raises a 429 or 503 problem."""
        await self._admit(tenant)
        self._unseen[tenant] += 1
        try:
            yield Place(self, tenant)
        finally:
            self._unseen[tenant] -= 1

    def note(self, tenant: str, run_id: str, record: Record) -> None:
        """As Place.taken."""
        started = self._fresh.get(record.partition)
        if started is None:
            started = self._fresh[record.partition] = _Started(record.partition, self._clock_s())
        started.tenants[tenant] += 1
        if record.offset > started.last_offset:
            started.last_offset, started.last_run = record.offset, run_id
        self._unseen[tenant] += 1

    async def _admit(self, tenant: str) -> None:
        now_s = self._clock_s()
        if now_s >= self._due_s and self._counting is None:
            self._counting = asyncio.create_task(self._count())
        counting = self._counting
        # At first nothing is known, and what is known may be too old to refuse by: then the count is waited for.
        if counting is not None and (self._due_s == -math.inf or self._refusal(tenant) is not None):
            await asyncio.shield(counting)
        refusal = self._refusal(tenant)
        if refusal is None:
            return
        if refusal.slug != BEHIND or self._clock_s() - self._let_through_s < RETRY_AFTER_S:
            raise refusal
        # One now and then, so that a start whose row never comes (a dead letter) can't close the door for good.
        self._let_through_s = self._clock_s()

    def _refusal(self, tenant: str) -> Problem | None:
        limits = self._limits
        if self._shown.get(tenant, 0) + self._unseen[tenant] >= limits.tenant_max:
            return _tenant_full(tenant, limits.tenant_max)
        if self._shown_total + self._unseen.total() >= limits.total_max:
            return _all_full(limits.total_max)
        lag_s = self._clock_s() - min(self._counted_s, self._behind_since_s.get(tenant, math.inf))
        return _behind(lag_s, limits.views_lag_max_s) if lag_s > limits.views_lag_max_s else None

    async def _count(self) -> None:
        began_s = self._clock_s()
        try:
            self._put_away()
            # In this order a start may be counted twice for a moment, and never not at all.
            shown = await self._views.shown([started.last_run for started in self._waiting])
            counts = await self._views.open_by_tenant()
            self._forget(set(shown))
            self._shown, self._shown_total = counts, sum(counts.values())
            self._counted_s = began_s
        except Problem:
            # The database is away: what was known gets old, and is good for as long as views may be behind.
            pass
        finally:
            took_s = self._clock_s() - began_s
            self._due_s = began_s + max(COUNT_EVERY_S, _PAUSE_FACTOR * took_s)
            self._counting = None

    def _put_away(self) -> None:
        """What was started since the last count waits to be shown; where much does, as part of an earlier group."""
        for started in self._fresh.values():
            same = [each for each in self._waiting if each.partition == started.partition]
            if same and len(self._waiting) >= GROUPS_MAX:
                same[-1].tenants += started.tenants
                same[-1].last_offset, same[-1].last_run = started.last_offset, started.last_run
            else:
                self._waiting.append(started)
        self._fresh = {}

    def _forget(self, shown: Collection[str]) -> None:
        up_to = {
            started.partition: at for at, started in enumerate(self._waiting) if started.last_run in shown
        }
        left: list[_Started] = []
        for at, started in enumerate(self._waiting):
            if at <= up_to.get(started.partition, -1):
                self._unseen -= started.tenants
            else:
                left.append(started)
        self._waiting = left
        self._behind_since_s = {}
        for started in left:
            for tenant in started.tenants:
                self._behind_since_s.setdefault(tenant, started.began_s)


def _tenant_full(tenant: str, runs_max: int) -> Problem:
    return Problem(
        429,
        "too-many-open-runs",
        "Too many open runs",
        f"The tenant {tenant} has as many open runs as it may have, {runs_max} "
        f"(PENSTOCK_OPEN_RUNS_TENANT_MAX). Let some end, or cancel some, {_AGAIN}",
        headers={"Retry-After": str(RETRY_AFTER_S)},
        more={"limit": "open_runs_tenant_max", "open_runs_max": runs_max},
    )


def _all_full(runs_max: int) -> Problem:
    detail = (
        f"All tenants together have as many open runs as this installation takes, {runs_max} "
        f"(PENSTOCK_OPEN_RUNS_TOTAL_MAX). Let some end, {_AGAIN}"
    )
    return unavailable("installation-full", "Installation full", detail, RETRY_AFTER_S)


def _behind(lag_s: float, lag_max_s: float) -> Problem:
    detail = (
        f"What was started {lag_s:.0f} s ago isn't in the views yet, and {lag_max_s:g} s are the most "
        "(PENSTOCK_VIEWS_LAG_MAX_S): the workers for runs or views are behind or stopped, or the database is away, "
        f"so nobody knows how much is open. Let them catch up, {_AGAIN}"
    )
    return unavailable(BEHIND, "Views behind", detail, RETRY_AFTER_S)
