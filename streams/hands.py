"""Who may begin now, and the threads that do it: so many slots for each tool, first come, first served.

Slots are held for as long as the thread is busy, also by a call that overran its timeout: what protects the
target is the number of calls that are really there.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from penstock.streams.background import Background

Job: TypeAlias = Callable[[], None]


class Slot:
    """The right to make one call now. Releasing it twice is harmless."""

    __slots__ = ("_held", "_lane", "_lanes")

    def __init__(self, lanes: "Lanes", lane: str) -> None:
        self._lanes = lanes
        self._lane = lane
        self._held = True

    def release(self) -> None:
        """Let the next one in."""
        if self._held:
            self._held = False
            self._lanes.released(self._lane)


class Wish:
    """A place in the queue of a lane."""

    __slots__ = ("granted",)

    def __init__(self, granted: Callable[[Slot], None]) -> None:
        self.granted: Callable[[Slot], None] | None = granted

    def withdraw(self) -> None:
        """It isn't wanted any more."""
        self.granted = None


class Lanes:
    """One queue a tool. Slots are granted outside the lock and never one inside another, so a callback may
    ask for more or release at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: dict[str, int] = {}
        self._free: dict[str, int] = {}
        self._queues: dict[str, deque[Wish]] = {}
        self._granting = False

    def open(self, lane: str, slots: int) -> None:
        """A lane of that many slots; opening it again with more widens it."""
        with self._lock:
            self._free[lane] = self._free.get(lane, 0) + max(0, slots - self._limits.get(lane, 0))
            self._limits[lane] = max(slots, self._limits.get(lane, 0))
            self._queues.setdefault(lane, deque())

    def ask(self, lane: str, wish: Wish, *, first: bool = False) -> None:
        """Grant the wish a slot when it is its turn, perhaps at once; `first`: ahead of all that wait."""
        with self._lock:
            if first:
                self._queues[lane].appendleft(wish)
            else:
                self._queues[lane].append(wish)
        self._grant()

    def released(self, lane: str) -> None:
        """A slot came back."""
        with self._lock:
            self._free[lane] += 1
        self._grant()

    def _grant(self) -> None:
        with self._lock:
            if self._granting:
                # Whoever is granting looks again before it stops.
                return
            self._granting = True
        try:
            while True:
                with self._lock:
                    following = self._next()
                    if following is None:
                        self._granting = False
                        return
                granted, slot = following
                granted(slot)
        except BaseException:
            with self._lock:
                self._granting = False
            raise

    def _next(self) -> tuple[Callable[[Slot], None], Slot] | None:
        for lane, waiting in self._queues.items():
            while waiting and self._free[lane]:
                granted = waiting.popleft().granted
                if granted is not None:
                    self._free[lane] -= 1
                    return granted, Slot(self, lane)
        return None


class Hands:
    """Daemon threads made when none is idle: a tool that never returns can't keep the process from ending."""

    def __init__(self, background: Background, name: str) -> None:
        self._background = background
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._threads = 0

    def submit(self, job: Job) -> None:
        """Run the job soon. How many run at once is bounded by the slots that callers hold."""
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                self._threads += 1
                self._background.start(f"{self._name}-{self._threads}", self._work)
        self._jobs.put(job)

    def close(self) -> None:
        """Idle threads end; busy ones when their job is done."""
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            if job is None:
                return
            self._background.guarded(job)
            with self._lock:
                self._idle += 1
