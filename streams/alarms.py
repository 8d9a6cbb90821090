"""Alarms: one thread that calls back when a time has come. For back-off, timeouts and timers."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Final

from penstock.streams.background import Background

# Cancelled alarms stay in the heap until it is swept; below this size sweeping isn't worth it.
SWEEP_MIN: Final = 1_000
LOOK_AGAIN_S: Final = 3_600.0


class Alarm:
    """One pending callback."""

    __slots__ = ("_alarms", "ring")

    def __init__(self, alarms: "Alarms", ring: Callable[[], None]) -> None:
        self._alarms = alarms
        self.ring: Callable[[], None] | None = ring

    def cancel(self) -> None:
        """It doesn't ring any more, unless it is ringing just now. Cancelling twice is harmless."""
        if self.ring is not None:
            self.ring = None
            self._alarms.cancelled()


class Alarms:
    """Rings in one daemon thread, in the order of the times. A callback must not block."""

    def __init__(self, background: Background) -> None:
        self._background = background
        self._heap: list[tuple[float, int, Alarm]] = []
        self._count = itertools.count()
        self._cancelled = 0
        self._changed = threading.Condition()
        self._closed = False
        background.start("alarms", self._run)

    def after(self, delay_s: float, ring: Callable[[], None]) -> Alarm:
        """Call `ring` once, `delay_s` seconds from now."""
        alarm = Alarm(self, ring)
        entry = (time.monotonic() + max(0.0, delay_s), next(self._count), alarm)
        with self._changed:
            heapq.heappush(self._heap, entry)
            if self._heap[0] is entry:
                self._changed.notify()
        return alarm

    def cancelled(self) -> None:
        """Note that an alarm of the heap won't ring; sweeps when most won't."""
        with self._changed:
            self._cancelled += 1
            if self._cancelled > SWEEP_MIN and self._cancelled * 2 > len(self._heap):
                self._heap = [entry for entry in self._heap if entry[2].ring is not None]
                heapq.heapify(self._heap)
                self._cancelled = 0

    def close(self) -> None:
        """Nothing rings any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                due = self._next()
                if self._closed:
                    return
            if due is not None and due.ring is not None:
                ring, due.ring = due.ring, None
                self._background.guarded(ring)

    def _next(self) -> Alarm | None:
        """Wait for the first alarm's time, or for a change; the alarm if its time has come."""
        if not self._heap:
            self._changed.wait()
            return None
        # A thread can't wait for longer than some centuries at once, and events may name any time.
        wait_s = min(self._heap[0][0] - time.monotonic(), LOOK_AGAIN_S)
        if wait_s > 0:
            self._changed.wait(wait_s)
            return None
        return heapq.heappop(self._heap)[2]
