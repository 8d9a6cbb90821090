"""Who begins next in a lane: the limits of one tool, and the calls that wait for them.

Pure: no thread, no clock, nothing outside. A lane is work-conserving: `next` gives whoever may begin now, in the order
of priorities.py; of a tenant the first that came is the first.
"""

from math import inf
from typing import Literal

from penstock.declare.limits import Limits
from penstock.streams.tools.keys import Keys
from penstock.streams.tools.priorities import Priorities
from penstock.streams.tools.rates import Window
from penstock.streams.tools.tenants import Tenants
from penstock.streams.tools.turns import Ask, Standing

LimitKind = Literal["concurrency", "rate"]


class Lane:
    """The queue of one tool.

    `slots`, `rate.count` and `until_s`, the end of both by the clock of the caller, may be changed at any time: they
    are read at each grant. A lane whose limits are shared with other processes starts with nothing.
    """

    def __init__(self, limits: Limits) -> None:
        self.shared = limits.scope == "global"
        # Whether keys or tenants are counted over all processes.
        self.has_names = False
        self.slots = 0 if self.shared else limits.concurrency
        self.until_s = inf
        self.rate: Window | None = None
        if limits.rate is not None:
            count = 0 if self.shared else limits.rate.count
            self.rate = Window(count, limits.rate.per.total_seconds())
        self.running = 0
        self.waiting = 0
        self._ready = Priorities()
        self._keys = self._made_keys(limits)
        self._tenants = self._made_tenants(limits)
        self._seq = 0
        self._peak = 0
        self._life = 0

    def ask(self, ask: Ask) -> None:
        """Wait for a slot from now on."""
        self._seq += 1
        ask.seq = self._seq
        self.waiting += 1
        if self._keys is None or self._keys.arrive(ask):
            self._queue(ask)
        self._peak = max(self._peak, self._load())

    def withdraw(self, ask: Ask) -> None:
        """Wait no more. Only for an ask that waits; whoever was granted a slot releases it."""
        stood = ask.standing
        if stood not in (Standing.QUEUED, Standing.WANTS_KEY, Standing.HELD_BY_KEY):
            return
        self.waiting -= 1
        ask.standing = Standing.GONE
        queued = stood is not Standing.HELD_BY_KEY
        following = None if self._keys is None else self._keys.withdrawn(ask, queued=queued)
        if queued:
            self._order_of(stood).withdrawn(ask)
            self._leave(ask, stood)
        if following is not None:
            self._queue(following)

    def next(self, now_s: float) -> Ask | None:
        """Grant a slot to whoever is next, if anybody may begin now. It is given back with `release`."""
        if not self.waiting or self.running >= self.slots or now_s >= self.until_s:
            return None
        if self.rate is not None and self.rate.used(now_s) >= self.rate.count:
            return None
        ask = self._ready.pop(self._is_full, self._admit)
        if ask is not None:
            self._grant(ask)
        return ask

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
        if self._tenants is not None:
            self._tenants.left(ask.tenant)
            self._ready.back(ask.tenant)
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
        peak, self._peak = self._peak, self._load()
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
        return held + self._ready.kept

    def _made_keys(self, limits: Limits) -> Keys | None:
        return None if limits.concurrency_key is None else Keys(limits.concurrency_per_key)

    def _made_tenants(self, limits: Limits) -> Tenants | None:
        return None if limits.tenant_concurrency is None else Tenants(limits.tenant_concurrency)

    def _load(self) -> int:
        return self.running + self.waiting

    def _order_of(self, standing: Standing) -> Priorities:
        return self._ready

    def _queue(self, ask: Ask) -> None:
        ask.standing = Standing.QUEUED
        self._ready.push(ask)

    def _leave(self, ask: Ask, stood: Standing) -> None:
        """It waits in the queue no more."""

    def _grant(self, ask: Ask) -> None:
        self._leave(ask, ask.standing)
        ask.standing = Standing.GRANTED
        ask.life = self._life
        self.waiting -= 1
        self.running += 1
        if self.rate is not None:
            self.rate.promise()
        if self._tenants is not None:
            self._tenants.took(ask.tenant)

    def _is_full(self, tenant: str) -> bool:
        return self._tenants is not None and self._tenants.full(tenant)

    def _admit(self, ask: Ask) -> bool:
        if self._keys is None or self._keys.admit(ask):
            return True
        self._leave(ask, Standing.QUEUED)
        return False
