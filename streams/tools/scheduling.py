"""Who begins next in a lane: the limits of one tool, and the calls that wait for them.

Pure: no thread, no clock, nothing outside. A lane is work-conserving: `next` gives whoever may begin now. Higher
priorities go first, but of every PATIENCE + 1 grants one goes to the priority that others were preferred to most
often, so that nothing waits for ever. Inside a priority tenants take turns; of a tenant the first that came is
the first.
"""

from bisect import insort
from collections.abc import Iterable
from math import inf
from typing import Final, Literal

from penstock.declare.limits import Limits
from penstock.streams.tools.keys import Keys
from penstock.streams.tools.rates import Window
from penstock.streams.tools.turns import Ask, Standing, Turns

LimitKind = Literal["concurrency", "rate"]
PATIENCE: Final = 8
# Above any run's priority: what stands started on the log and waits for nothing but a slot.
STARTED: Final = 1_000_000


class Lane:
    """The queue of one tool.

    `slots`, `rate.count` and `until_s`, the end of both by the clock of the caller, may be changed at any time: they
    are read at each grant. A lane whose limits are shared with other processes starts with nothing.
    """

    def __init__(self, limits: Limits) -> None:
        self.shared = limits.scope == "global"
        self.slots = 0 if self.shared else limits.concurrency
        self.until_s = inf
        self.rate: Window | None = None
        if limits.rate is not None:
            count = 0 if self.shared else limits.rate.count
            self.rate = Window(count, limits.rate.per.total_seconds())
        self.running = 0
        self.waiting = 0
        self._per_tenant = limits.tenant_concurrency
        self._of_tenant: dict[str, int] = {}
        self._keys = Keys(limits.concurrency_per_key) if limits.concurrency_key is not None else None
        self._priorities: dict[int, Turns] = {}
        # Descending by priority: kept as negated numbers, ascending.
        self._order: list[int] = []
        self._preferred_in_a_row = 0
        self._seq = 0
        self._peak = 0
        self._life = 0

    def ask(self, ask: Ask) -> None:
        """Wait for a slot from now on."""
        self._seq += 1
        ask.seq = self._seq
        self.waiting += 1
        self._peak = max(self._peak, self.running + self.waiting)
        if self._keys is None or self._keys.arrive(ask):
            self._queue(ask)

    def withdraw(self, ask: Ask) -> None:
        """Wait no more. Only for an ask that waits; whoever was granted a slot releases it."""
        if ask.standing not in (Standing.QUEUED, Standing.HELD_BY_KEY):
            return
        self.waiting -= 1
        queued, ask.standing = ask.standing is Standing.QUEUED, Standing.GONE
        following = None if self._keys is None else self._keys.withdrawn(ask, queued=queued)
        if queued:
            self._priorities[ask.priority].withdrawn()
        if following is not None:
            self._queue(following)

    def next(self, now_s: float) -> Ask | None:
        """Grant a slot to whoever is next, if anybody may begin now. It is given back with `release`."""
        if not self.waiting or self.running >= self.slots or now_s >= self.until_s:
            return None
        if self.rate is not None and self.rate.used(now_s) >= self.rate.count:
            return None
        for priority in self._preferred():
            ask = self._priorities[priority].pop(self._is_full, self._admit)
            if ask is not None:
                self._grant(ask)
                return ask
        return None

    def begin(self, ask: Ask, now_s: float) -> bool:
        """What was granted begins now. False if the right to it has run out meanwhile, and it must not."""
        if now_s >= self.until_s or (ask.life != self._life and not ask.begun):
            return False
        if self.rate is not None and not ask.begun:
            self.rate.begin(now_s)
        ask.begun = True
        return True

    def release(self, ask: Ask) -> None:
        """A slot comes back: the call is over, or never began."""
        if self.rate is not None and not ask.begun:
            self.rate.give_back()
        self.running -= 1
        if self._per_tenant is not None:
            self._of_tenant[ask.tenant] -= 1
            if not self._of_tenant[ask.tenant]:
                del self._of_tenant[ask.tenant]
            for turns in self._priorities.values():
                turns.back(ask.tenant)
        if self._keys is not None:
            following = self._keys.released(ask)
            if following is not None:
                self._queue(following)

    def lapse(self) -> None:
        """The right to all that was granted here has run out: what hasn't begun never does, whatever is allowed from
        now on, because others may have taken its place meanwhile."""
        self._life += 1

    def later_s(self, now_s: float) -> float | None:
        """When `next` is worth asking again though nothing comes back: seconds from now, or None."""
        return self.rate.later_s(now_s) if self.waiting and self.rate is not None else None

    def demand(self) -> int:
        """The most calls that ran and waited at once since this was last asked."""
        peak, self._peak = self._peak, self.running + self.waiting
        return peak

    def in_use(self, kind: LimitKind, now_s: float) -> int:
        """How much of a limit can't be given back now."""
        if kind == "concurrency":
            return self.running
        return 0 if self.rate is None else self.rate.used(now_s)

    def allow(self, kind: LimitKind, count: int) -> None:
        """So much of a limit may be used from now on. What is in use above that goes on."""
        if kind == "concurrency":
            self.slots = count
        elif self.rate is not None:
            self.rate.count = count

    def allowed(self, kind: LimitKind) -> int:
        """How much of a limit may be used."""
        return self.slots if kind == "concurrency" else 0 if self.rate is None else self.rate.count

    def kept(self) -> int:
        """How many asks are kept here, withdrawn ones that aren't swept yet included."""
        held = 0 if self._keys is None else self._keys.kept()
        return held + sum(turns.kept for turns in self._priorities.values())

    def _queue(self, ask: Ask) -> None:
        ask.standing = Standing.QUEUED
        turns = self._priorities.get(ask.priority)
        if turns is None:
            turns = self._priorities[ask.priority] = Turns()
            insort(self._order, -ask.priority)
        turns.push(ask)

    def _preferred(self) -> Iterable[int]:
        """Priorities in the order in which they are asked now; those in which nobody waits are forgotten."""
        if len(self._order) == 1:
            return (-self._order[0],)
        for negated in [each for each in self._order if self._priorities[-each].empty]:
            self._order.remove(negated)
            del self._priorities[-negated]
        order = [-negated for negated in self._order]
        if self._preferred_in_a_row >= PATIENCE and order and order[0] != STARTED:
            ready = [priority for priority in order if self._priorities[priority].ready]
            longest = max(ready, key=lambda priority: self._priorities[priority].overtaken, default=order[0])
            order.remove(longest)
            order.insert(0, longest)
        return order

    def _grant(self, ask: Ask) -> None:
        ask.standing = Standing.GRANTED
        ask.life = self._life
        self.waiting -= 1
        self.running += 1
        if self.rate is not None:
            self.rate.promise()
        if self._per_tenant is not None:
            self._of_tenant[ask.tenant] = self._of_tenant.get(ask.tenant, 0) + 1
        if len(self._order) > 1 and ask.priority != STARTED:
            self._count_overtaking(ask.priority)

    def _count_overtaking(self, served: int) -> None:
        self._preferred_in_a_row = 0 if self._priorities[served].overtaken else self._preferred_in_a_row + 1
        self._priorities[served].overtaken = 0
        for priority, turns in self._priorities.items():
            if priority < served and turns.ready:
                turns.overtaken += 1

    def _is_full(self, tenant: str) -> bool:
        return self._per_tenant is not None and self._of_tenant.get(tenant, 0) >= self._per_tenant

    def _admit(self, ask: Ask) -> bool:
        return self._keys is None or self._keys.admit(ask)
