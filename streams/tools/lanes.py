"""Lanes: a queue for each tool, shared by threads. What may begin is told to who asked.

Slots are held for as long as a call is really there, also when it overran its timeout: what protects the target
is the number of calls that it has to do with. A lane knows nothing of the others, so a slow tool is nobody's
trouble but its own.
"""

import threading
import time
from collections.abc import Callable
from functools import partial

from penstock.declare.limits import Limits
from penstock.streams.alarms import Alarms
from penstock.streams.tools.scheduling import Lane
from penstock.streams.tools.shared_lane import SharedLane
from penstock.streams.tools.turns import Ask


def _nothing() -> None:
    """Nobody shares limits here."""


class Wish(Ask):
    """A place in the queue of a lane, and what to call when it is granted."""

    __slots__ = ("_lane", "_lanes", "granted")

    def __init__(
        self,
        lanes: "Lanes",
        lane: str,
        granted: Callable[["Slot"], None],
        tenant: str = "",
        key: str | None = None,
        priority: int = 0,
    ) -> None:
        super().__init__(tenant, key, priority)
        self._lanes = lanes
        self._lane = lane
        self.granted: Callable[[Slot], None] | None = granted

    def ask(self) -> None:
        """Be granted a slot when it is its turn, perhaps at once."""
        self._lanes.ask(self._lane, self)

    def withdraw(self) -> None:
        """It isn't wanted any more. Harmless if it was granted."""
        self._lanes.withdraw(self._lane, self)


class Slot:
    """The right to make one call now. Releasing it twice is harmless."""

    __slots__ = ("_ask", "_lane", "_lanes")

    def __init__(self, lanes: "Lanes", lane: str, ask: Ask) -> None:
        self._lanes = lanes
        self._lane = lane
        self._ask: Ask | None = ask

    def begin(self) -> bool:
        """The call goes to the target now. False if it must not: the right to it has run out."""
        return self._ask is not None and self._lanes.begin(self._lane, self._ask)

    def release(self) -> None:
        """Let the next one in."""
        ask, self._ask = self._ask, None
        if ask is not None:
            self._lanes.release(self._lane, ask)


class Lanes:
    """All lanes of a process. Slots are granted outside the lock and never one inside another, so a callback may
    ask for more or release at once."""

    def __init__(
        self,
        alarms: Alarms,
        clock_s: Callable[[], float] = time.monotonic,
        short: Callable[[], None] = _nothing,
    ) -> None:
        self._alarms = alarms
        self._clock_s = clock_s
        # Told when calls wait in a lane whose limits are shared.
        self._short = short
        self._lock = threading.Lock()
        self._lanes: dict[str, Lane] = {}
        # Lanes in which somebody may have become next, each once, while a thread is granting.
        self._stirred: dict[str, None] = {}
        self._granting = False
        self._timed: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether that lane is open."""
        return name in self._lanes

    def open(self, name: str, limits: Limits) -> None:
        """Make the lane if it isn't there. The limits of one that is stay what they are."""
        with self._lock:
            if name not in self._lanes:
                shared = limits.scope == "global"
                self._lanes[name] = SharedLane(limits) if shared else Lane(limits)

    def ask(self, name: str, wish: Wish) -> None:
        """As Wish.ask."""
        with self._lock:
            self._lanes[name].ask(wish)
            following = self._stir(name)
        self._grant(following)

    def withdraw(self, name: str, wish: Wish) -> None:
        """As Wish.withdraw."""
        with self._lock:
            wish.granted = None
            self._lanes[name].withdraw(wish)
            following = self._stir(name)
        self._grant(following)

    def begin(self, name: str, ask: Ask) -> bool:
        """As Slot.begin."""
        with self._lock:
            return self._lanes[name].begin(ask, self._clock_s())

    def release(self, name: str, ask: Ask) -> None:
        """As Slot.release."""
        with self._lock:
            lane = self._lanes[name]
            lane.release(ask)
            following = self._stir(name)
        self._grant(following)
        if lane.has_names:
            # Somebody elsewhere may wait for its key.
            self._short()

    def change(self, name: str, change: Callable[[Lane, float], None]) -> None:
        """Change or look at a lane, with the time, while nobody else does."""
        with self._lock:
            change(self._lanes[name], self._clock_s())
            following = self._stir(name)
        self._grant(following)

    def _stir(self, name: str) -> tuple[str, Wish] | None:
        """Somebody may be next in that lane. What is to be granted, and then the caller grants. Under the lock."""
        if not self._lanes[name].waiting:
            return None
        self._stirred[name] = None
        if self._granting:
            # Whoever is granting looks again before it stops.
            return None
        self._granting = True
        return self._next()

    def _grant(self, following: tuple[str, Wish] | None) -> None:
        try:
            while following is not None:
                name, wish = following
                granted = wish.granted
                if granted is not None:
                    granted(Slot(self, name, wish))
                with self._lock:
                    if granted is None:
                        self._lanes[name].release(wish)
                    following = self._next()
        except BaseException:
            with self._lock:
                self._granting = False
            raise

    def _next(self) -> tuple[str, Wish] | None:
        """Under the lock, by who is granting."""
        while self._stirred:
            name = next(iter(self._stirred))
            lane, now_s = self._lanes[name], self._clock_s()
            wish = lane.next(now_s)
            if wish is not None:
                assert isinstance(wish, Wish)
                return name, wish
            del self._stirred[name]
            self._look_later(name, lane, now_s)
            if lane.shared and lane.waiting:
                self._short()
        self._granting = False
        return None

    def _look_later(self, name: str, lane: Lane, now_s: float) -> None:
        later_s = lane.later_s(now_s)
        if later_s is not None and name not in self._timed:
            self._timed.add(name)
            self._alarms.after(later_s, partial(self._look_again, name))

    def _look_again(self, name: str) -> None:
        with self._lock:
            self._timed.discard(name)
            following = self._stir(name)
        self._grant(following)
