"""Asks by their priority, and inside one tenants in turn.

Pure. Higher priorities go first, but of every PATIENCE + 1 that are taken one is of the priority that others were
preferred to most often, so that nothing waits for ever.
"""

from bisect import insort
from collections.abc import Callable, Iterable
from typing import Final

from penstock.streams.tools.turns import Ask, Turns

PATIENCE: Final = 8
# Above any run's priority: what stands started on the log and waits for nothing but a slot.
STARTED: Final = 1_000_000


class Priorities:
    """All that wait in one order."""

    __slots__ = ("_order", "_preferred_in_a_row", "_turns")

    def __init__(self) -> None:
        self._turns: dict[int, Turns] = {}
        # Descending by priority: kept as negated numbers, ascending.
        self._order: list[int] = []
        self._preferred_in_a_row = 0

    @property
    def kept(self) -> int:
        """How many asks are kept here, withdrawn ones that aren't swept yet included."""
        return sum(turns.kept for turns in self._turns.values())

    def push(self, ask: Ask) -> None:
        """Wait here."""
        turns = self._turns.get(ask.priority)
        if turns is None:
            turns = self._turns[ask.priority] = Turns()
            insort(self._order, -ask.priority)
        turns.push(ask)

    def pop(self, full: Callable[[str], bool], admit: Callable[[Ask], bool]) -> Ask | None:
        """The next ask that `admit` takes, of a tenant that isn't `full`; what `admit` refuses leaves the order."""
        for priority in self._preferred():
            ask = self._turns[priority].pop(full, admit)
            if ask is not None:
                if len(self._order) > 1 and priority != STARTED:
                    self._count_overtaking(priority)
                return ask
        return None

    def back(self, tenant: str) -> None:
        """The tenant may be served again."""
        for turns in self._turns.values():
            turns.back(tenant)

    def all_back(self) -> None:
        """Whoever was full may be served again."""
        for turns in self._turns.values():
            turns.all_back()

    def withdrawn(self, ask: Ask) -> None:
        """An ask that waits here is gone."""
        self._turns[ask.priority].withdrawn()

    def _preferred(self) -> Iterable[int]:
        """Priorities in the order in which they are asked now; those in which nobody waits are forgotten."""
        if len(self._order) == 1:
            return (-self._order[0],)
        for negated in [each for each in self._order if self._turns[-each].empty]:
            self._order.remove(negated)
            del self._turns[-negated]
        order = [-negated for negated in self._order]
        if self._preferred_in_a_row >= PATIENCE and order and order[0] != STARTED:
            ready = [priority for priority in order if self._turns[priority].ready]
            longest = max(ready, key=lambda priority: self._turns[priority].overtaken, default=order[0])
            order.remove(longest)
            order.insert(0, longest)
        return order

    def _count_overtaking(self, served: int) -> None:
        self._preferred_in_a_row = 0 if self._turns[served].overtaken else self._preferred_in_a_row + 1
        self._turns[served].overtaken = 0
        for priority, turns in self._turns.items():
            if priority < served and turns.ready:
                turns.overtaken += 1
