"""Calls that take longer than they may, found by one thread that sleeps until the first of them could.

A call costs a comparison here, no entry in a heap and no thread's waking: calls whose time is no shorter than that
of any before begin after the thread's next look anyway.
"""

import threading
import time
from collections.abc import Callable, Iterable
from math import inf
from typing import Final, Protocol, TypeVar

from penstock.streams.background import Background

LOOK_AGAIN_S: Final = 3_600.0


class Timed(Protocol):
    """Something that runs. `due_s`: when it has had its time, infinity for never."""

    due_s: float
    overrun: bool


T = TypeVar("T", bound=Timed)


class Overruns:
    """Calls `ring` once for each of `running()` that is over its time."""

    def __init__(
        self, background: Background, running: Callable[[], Iterable[T]], ring: Callable[[T], None]
    ) -> None:
        self._look: Callable[[], float] = lambda: _look(running, ring)
        self._changed = threading.Condition()
        self._next_look_s = inf
        self._shortest_s = inf
        self._begun = False
        self._closed = False
        background.start("overruns", self._watch)

    def expect(self, due_s: float, within_s: float) -> None:
        """Something that runs is due then, `within_s` seconds from now."""
        self._begun = True
        if within_s < self._shortest_s:
            self._shortest_s = within_s
        if due_s < self._next_look_s:
            with self._changed:
                self._next_look_s = min(self._next_look_s, due_s)
                self._changed.notify()

    def close(self) -> None:
        """Look no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        while True:
            with self._changed:
                left_s = self._next_look_s - time.monotonic()
                if left_s > 0 and not self._closed:
                    # An event may name any time, and a thread can't wait for longer than some centuries at once.
                    self._changed.wait(min(left_s, LOOK_AGAIN_S))
                    continue
                if self._closed:
                    return
                # Where something began since the last look more will: they needn't wake this thread.
                self._next_look_s = time.monotonic() + self._shortest_s if self._begun else inf
                self._begun = False
            first_s = self._look()
            with self._changed:
                self._next_look_s = min(self._next_look_s, first_s)


def _look(running: Callable[[], Iterable[T]], ring: Callable[[T], None]) -> float:
    """When the first of the others will have had its time."""
    now_s, first_s = time.monotonic(), inf
    for each in list(running()):
        if each.overrun:
            continue
        if each.due_s <= now_s:
            ring(each)
        else:
            first_s = min(first_s, each.due_s)
    return first_s
