"""Slots by key, where keys are counted over all processes: a call waits until this process holds its key.

Pure. A key isn't asked for at first: one of its asks stands in an order, to have it asked for when it is its turn. From
then on it is held or not, until nothing here waits for it or runs with it. While others have it its asks wait here.
"""

from collections.abc import Iterator
from itertools import islice

from penstock.streams.tools.holds import Hold
from penstock.streams.tools.keys import Key, Keys
from penstock.streams.tools.turns import Ask


class SharedKeys(Keys):
    """All keys of a lane. `pending`: how many were asked for and never answered."""

    def __init__(self, per_key: int) -> None:
        super().__init__(per_key)
        self.holds: dict[tuple[str, str], Hold] = {}
        self.pending = 0

    def is_asked(self, ask: Ask) -> bool:
        """Whether its key, if it has one, was asked for or is held."""
        return ask.key is None or (ask.tenant, ask.key) in self.holds

    def admit(self, ask: Ask) -> bool:
        admitted = super().admit(ask)
        if admitted and ask.key is not None:
            name = (ask.tenant, ask.key)
            self.holds[name].used(self._keys[name].running)
        return admitted

    def claim(self, ask: Ask) -> bool:
        """It's its turn to have its key asked for, and it waits here for the answer. False if it was asked for."""
        assert ask.key is not None
        name = (ask.tenant, ask.key)
        key = self._keys[name]
        key.count_down(ask.priority)
        key.hold(ask)
        if name in self.holds:
            return False
        self.holds[name] = Hold(self.per_key)
        self.pending += 1
        return True

    def following(self, name: tuple[str, str]) -> Iterator[Ask]:
        """Those held here that may stand in the queue by now."""
        key = self._keys.get(name)
        while key is not None and (ask := self._unhold(name, key)) is not None:
            yield ask

    def look(self, count: int) -> Iterator[tuple[tuple[str, str], Hold, int, int]]:
        """The first so many with their holds, what runs and what waits; next time the others come first."""
        for name in list(islice(self.holds, count)):
            hold = self.holds[name] = self.holds.pop(name)
            key = self._keys.get(name)
            yield name, hold, 0 if key is None else key.running, 0 if key is None else key.waiting

    def running(self, name: tuple[str, str]) -> int:
        """How many calls run with it."""
        key = self._keys.get(name)
        return 0 if key is None else key.running

    def is_idle(self, name: tuple[str, str]) -> bool:
        """Whether nothing here runs or waits with it."""
        return name not in self._keys

    def _slots(self, name: tuple[str, str]) -> int:
        hold = self.holds.get(name)
        return 1 if hold is None else hold.allowed

    def _has_room(self, name: tuple[str, str], key: Key, priority: int) -> bool:
        hold = self.holds.get(name)
        if hold is not None and not hold.allowed:
            return False
        return super()._has_room(name, key, priority)
