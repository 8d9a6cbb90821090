"""Slots by key: so many calls with the same key at once.

Pure. Only as many asks of a key stand in the queue as it has free slots, and besides one of each higher priority
than those: the others are held here, so that a lane with 100,000 calls of one key doesn't look at each of them.
"""

from heapq import heapify, heappop, heappush
from typing import Final

from penstock.streams.tools.turns import SWEEP_MIN, Ask, Standing

_NO_PRIORITY: Final = -(10**9)


class Key:
    """`queued` counts by priority those that stand in the queue; `held` are the others."""

    __slots__ = ("held", "live", "queued", "running")

    def __init__(self) -> None:
        self.running = 0
        self.queued: dict[int, int] = {}
        self.held: list[tuple[int, int, Ask]] = []
        self.live = 0

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits with it."""
        return not (self.running or self.queued or self.live)

    @property
    def waiting(self) -> int:
        """How many wait with it, wherever they stand."""
        return self.live + sum(self.queued.values())

    def count_down(self, priority: int) -> None:
        """One less of that priority stands in the queue."""
        left = self.queued[priority] - 1
        if left:
            self.queued[priority] = left
        else:
            del self.queued[priority]

    def hold(self, ask: Ask) -> None:
        """It waits here, not in the queue."""
        ask.standing = Standing.HELD_BY_KEY
        self.live += 1
        heappush(self.held, (-ask.priority, ask.seq, ask))


class Keys:
    """All keys of a lane. `admit` and `arrive` tell whether the ask goes on; if not, it is held here."""

    def __init__(self, per_key: int) -> None:
        self.per_key = per_key
        self._keys: dict[tuple[str, str], Key] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def kept(self) -> int:
        """How many asks are held, withdrawn ones that aren't swept yet included."""
        return sum(len(key.held) for key in self._keys.values())

    def arrive(self, ask: Ask) -> bool:
        """Whether it may stand in the queue."""
        if ask.key is None:
            return True
        name = (ask.tenant, ask.key)
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = Key()
        if not self._has_room(name, key, ask.priority):
            key.hold(ask)
            return False
        key.queued[ask.priority] = key.queued.get(ask.priority, 0) + 1
        return True

    def admit(self, ask: Ask) -> bool:
        """It has its turn: whether its key has a slot, which it then takes."""
        if ask.key is None:
            return True
        name = (ask.tenant, ask.key)
        key = self._keys[name]
        key.count_down(ask.priority)
        if key.running >= self._slots(name):
            key.hold(ask)
            return False
        key.running += 1
        return True

    def released(self, ask: Ask) -> Ask | None:
        """It gave its slot back; who may stand in the queue now."""
        return self._left(ask, running=1)

    def withdrawn(self, ask: Ask, *, queued: bool) -> Ask | None:
        """It is gone, from the queue or from here; who may stand in the queue in its place."""
        if ask.key is None:
            return None
        key = self._keys[ask.tenant, ask.key]
        if queued:
            key.count_down(ask.priority)
        else:
            key.live -= 1
            if len(key.held) > SWEEP_MIN + 2 * key.live:
                key.held = [entry for entry in key.held if entry[2].standing is not Standing.GONE]
                heapify(key.held)
        return self._left(ask, running=0)

    def _left(self, ask: Ask, running: int) -> Ask | None:
        if ask.key is None:
            return None
        name = (ask.tenant, ask.key)
        key = self._keys[name]
        key.running -= running
        following = self._unhold(name, key)
        if key.idle:
            del self._keys[name]
        return following

    def _slots(self, name: tuple[str, str]) -> int:
        return self.per_key

    def _has_room(self, name: tuple[str, str], key: Key, priority: int) -> bool:
        waiting = sum(key.queued.values())
        return key.running + waiting < self._slots(name) or priority > max(key.queued, default=_NO_PRIORITY)

    def _unhold(self, name: tuple[str, str], key: Key) -> Ask | None:
        while key.held and key.held[0][2].standing is Standing.GONE:
            heappop(key.held)
        if not key.held or key.running >= self._slots(name) or not self._has_room(name, key, -key.held[0][0]):
            return None
        ask = heappop(key.held)[2]
        key.live -= 1
        key.queued[ask.priority] = key.queued.get(ask.priority, 0) + 1
        return ask
