"""Slots by tenant: so many calls of one tenant at once, in this process or in all."""

from collections.abc import Iterator
from itertools import islice

from penstock.streams.tools.holds import Hold, Name, Use


class Tenants:
    """The calls of each tenant that run here."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.running: dict[str, int] = {}

    def full(self, tenant: str) -> bool:
        """Whether no more of it may begin."""
        return self.running.get(tenant, 0) >= self.limit

    def took(self, tenant: str) -> None:
        """One of its calls has a slot."""
        self.running[tenant] = self.running.get(tenant, 0) + 1

    def left(self, tenant: str) -> None:
        """One of its calls gave its slot back."""
        self.running[tenant] -= 1
        if not self.running[tenant]:
            del self.running[tenant]


class SharedTenants(Tenants):
    """Tenants that are counted over all processes: each begins with nothing.

    `ahead` are those asks of a tenant that only wait for a slot or for the answer about their key, `behind` those whose
    key wasn't asked for yet. Asks whose key others have don't count.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.holds: dict[str, Hold] = {}
        self._ahead: dict[str, int] = {}
        self._behind: dict[str, int] = {}
        self._granted: dict[str, int] = {}
        self._granted_before: dict[str, int] = {}

    def full(self, tenant: str) -> bool:
        """Whether no more of it may begin here."""
        hold = self.holds.get(tenant)
        return hold is None or self.running.get(tenant, 0) >= hold.allowed

    def took(self, tenant: str) -> None:
        super().took(tenant)
        self.holds[tenant].used(self.running[tenant])
        self._granted[tenant] = self._granted.get(tenant, 0) + 1

    def waits(self, tenant: str, change: int, *, ahead: bool) -> None:
        """So many asks more, or less, wait."""
        if tenant not in self.holds:
            self.holds[tenant] = Hold(self.limit)
        counts = self._ahead if ahead else self._behind
        counts[tenant] = counts.get(tenant, 0) + change
        if not counts[tenant]:
            del counts[tenant]

    def has_enough(self, tenant: str, allowed: int) -> bool:
        """Whether as many keys were asked for as it can begin calls until the next look, going by the last."""
        ahead = self.running.get(tenant, 0) + self._ahead.get(tenant, 0)
        return ahead >= allowed + 2 * self._granted_before.get(tenant, 0)

    def demand(self) -> int:
        """How many calls could run if only there were slots."""
        return sum(
            min(self._wanted(tenant), hold.allowed if hold.short else self.limit)
            for tenant, hold in self.holds.items()
        )

    def look(self, count: int, *, usable: bool) -> Iterator[Use]:
        """How the first so many are used, where something is to be done; next time the others come first."""
        self._granted, self._granted_before = {}, self._granted
        for tenant in list(islice(self.holds, count)):
            hold = self.holds[tenant] = self.holds.pop(tenant)
            running = self.running.get(tenant, 0)
            use = hold.look(Name(tenant, None), running, self._wanted(tenant) - running, usable=usable)
            if not hold.is_quiet(use):
                yield use

    def is_idle(self, tenant: str) -> bool:
        """Whether nothing runs or waits."""
        return not self._wanted(tenant)

    def _wanted(self, tenant: str) -> int:
        counts = (self.running, self._ahead, self._behind)
        return sum(count.get(tenant, 0) for count in counts)
