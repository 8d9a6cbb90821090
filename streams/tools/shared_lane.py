"""A lane whose limits hold over all processes: what may be used of them is told from outside, nothing to begin with.

Pure. Slots and beginnings are shares. Tenants and keys are names: those that a call could begin with are asked for, in
the order in which their calls would begin, and no more of them than could begin until the next look: a key that waits
here for a slot is a key that nobody else can use.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from penstock.declare.limits import Limits
from penstock.streams.tools.holds import Hold, Name, Term, Use
from penstock.streams.tools.keys import Keys
from penstock.streams.tools.priorities import Priorities
from penstock.streams.tools.scheduling import Lane
from penstock.streams.tools.shared_keys import SharedKeys
from penstock.streams.tools.tenants import SharedTenants, Tenants
from penstock.streams.tools.turns import Ask, Standing

# So many names of each kind are looked at in one transaction; if there are more they take turns. Each costs some 30 us.
NAMES_MAX: Final = 500


class SharedLane(Lane):
    """The queue of one tool with `scope="global"`."""

    def __init__(self, limits: Limits) -> None:
        self._asked_for = Priorities()
        self._ready_count = 0
        self._behind_count = 0
        self._granted_lately = 0
        super().__init__(limits)
        self.has_names = self._keys is not None or self._tenants is not None

    @property
    def holds_names(self) -> bool:
        """Whether rows of this process may be there."""
        return any(True for _ in self._holds())

    def demand(self) -> int:
        peak = super().demand()
        if isinstance(self._tenants, SharedTenants):
            return max(peak, self._tenants.demand())
        return peak

    def kept(self) -> int:
        return super().kept() + self._asked_for.kept

    def lapse(self) -> None:
        super().lapse()
        for hold in self._holds():
            hold.allowed, hold.told = 0, (0, 0)

    def look_at_tenants(self, slots: int) -> list[Use]:
        """How the tenants are used of which something may change, given so many slots."""
        if not isinstance(self._tenants, SharedTenants):
            return []
        return list(self._tenants.look(NAMES_MAX, usable=slots > 0))

    def look_at_keys(self, slots: int, tenants: Mapping[str, int]) -> list[Use]:
        """The same of the keys, those included whose turn it is to be asked for. `tenants`: what has just been decided
        that each may use."""
        keys = self._keys
        if not isinstance(keys, SharedKeys):
            return []
        self._ask_for_keys(keys, slots, tenants)
        uses: list[Use] = []
        for name, hold, running, waiting in keys.look(NAMES_MAX):
            usable = slots > 0 and self._of_tenant(name[0], tenants) > 0
            use = hold.look(Name(*name), running, waiting, usable=usable)
            if not hold.is_quiet(use):
                uses.append(use)
        return uses

    def lower(self, may: Sequence[tuple[Name, int]]) -> list[int]:
        """Use no more of these than that from now on. How much of each is in use and can't be given back."""
        for name, count in may:
            hold = self._hold(name)
            hold.allowed = min(hold.allowed, count)
        return [self._running(name) for name, _ in may]

    def settle(self, terms: Iterable[Term]) -> None:
        """That is held from now on."""
        for term in terms:
            hold = self._hold(term.name)
            hold.allowed, hold.told = term.usable, (term.slots, term.wanted)
            if term.name.key is None:
                self._settle_tenant(term.name.tenant, hold)
            else:
                self._settle_key((term.name.tenant, term.name.key), hold)

    def _settle_tenant(self, tenant: str, hold: Hold) -> None:
        assert isinstance(self._tenants, SharedTenants)
        hold.pending = False
        self._ready.back(tenant)
        if hold.told == (0, 0) and not hold.allowed and self._tenants.is_idle(tenant):
            del self._tenants.holds[tenant]

    def _settle_key(self, name: tuple[str, str], hold: Hold) -> None:
        keys = self._keys
        assert isinstance(keys, SharedKeys)
        if hold.pending:
            hold.pending = False
            keys.pending -= 1
            self._wait(name[0], -1, ahead=True)
        for ask in keys.following(name):
            self._queue(ask)
        if hold.told == (0, 0) and not hold.allowed and keys.is_idle(name):
            del keys.holds[name]

    def _ask_for_keys(self, keys: SharedKeys, slots: int, tenants: Mapping[str, int]) -> None:
        """As many more as could begin by the next look, if as many begin as since the last."""
        ahead = self.running + self._ready_count + keys.pending
        room = min(NAMES_MAX, slots + 2 * self._granted_lately - ahead) if slots else 0
        self._granted_lately = 0
        self._asked_for.all_back()
        known: list[tuple[str, str]] = []
        for _ in range(room):
            full = partial(self._has_enough, tenants)
            if self._asked_for.pop(full, partial(self._claim, keys, known)) is None:
                break
        for name in known:
            for ask in keys.following(name):
                self._queue(ask)

    def _claim(self, keys: SharedKeys, known: list[tuple[str, str]], ask: Ask) -> bool:
        assert ask.key is not None
        self._leave(ask, Standing.WANTS_KEY)
        claimed = keys.claim(ask)
        if claimed:
            self._wait(ask.tenant, 1, ahead=True)
        else:
            known.append((ask.tenant, ask.key))
        return claimed

    def _has_enough(self, tenants: Mapping[str, int], tenant: str) -> bool:
        if not isinstance(self._tenants, SharedTenants):
            return False
        allowed = self._of_tenant(tenant, tenants)
        return not allowed or self._tenants.has_enough(tenant, allowed)

    def _of_tenant(self, tenant: str, decided: Mapping[str, int]) -> int:
        if not isinstance(self._tenants, SharedTenants):
            return 1
        hold = self._tenants.holds.get(tenant)
        return decided.get(tenant, 0 if hold is None else hold.allowed)

    def _made_keys(self, limits: Limits) -> Keys | None:
        return None if limits.concurrency_key is None else SharedKeys(limits.concurrency_per_key)

    def _made_tenants(self, limits: Limits) -> Tenants | None:
        return None if limits.tenant_concurrency is None else SharedTenants(limits.tenant_concurrency)

    def _load(self) -> int:
        if isinstance(self._tenants, SharedTenants):
            return self.running
        if isinstance(self._keys, SharedKeys):
            return self.running + self._ready_count + self._behind_count + self._keys.pending
        return super()._load()

    def _order_of(self, standing: Standing) -> Priorities:
        return self._asked_for if standing is Standing.WANTS_KEY else super()._order_of(standing)

    def _queue(self, ask: Ask) -> None:
        ahead = not isinstance(self._keys, SharedKeys) or self._keys.is_asked(ask)
        self._count(ask.tenant, 1, ahead=ahead)
        if ahead:
            super()._queue(ask)
        else:
            ask.standing = Standing.WANTS_KEY
            self._asked_for.push(ask)

    def _leave(self, ask: Ask, stood: Standing) -> None:
        self._count(ask.tenant, -1, ahead=stood is Standing.QUEUED)

    def _count(self, tenant: str, change: int, *, ahead: bool) -> None:
        if ahead:
            self._ready_count += change
        else:
            self._behind_count += change
        self._wait(tenant, change, ahead=ahead)

    def _wait(self, tenant: str, change: int, *, ahead: bool) -> None:
        if isinstance(self._tenants, SharedTenants):
            self._tenants.waits(tenant, change, ahead=ahead)

    def _grant(self, ask: Ask) -> None:
        super()._grant(ask)
        self._granted_lately += 1
        self._peak = max(self._peak, self.running)

    def _holds(self) -> Iterator[Hold]:
        if isinstance(self._tenants, SharedTenants):
            yield from self._tenants.holds.values()
        if isinstance(self._keys, SharedKeys):
            yield from self._keys.holds.values()

    def _hold(self, name: Name) -> Hold:
        if name.key is None:
            assert isinstance(self._tenants, SharedTenants)
            return self._tenants.holds[name.tenant]
        assert isinstance(self._keys, SharedKeys)
        return self._keys.holds[name.tenant, name.key]

    def _running(self, name: Name) -> int:
        if name.key is None:
            assert self._tenants is not None
            return self._tenants.running.get(name.tenant, 0)
        assert isinstance(self._keys, SharedKeys)
        return self._keys.running((name.tenant, name.key))
