"""Says what is open when its time has come, and again after a while, until the log shows that it was heard.

A time is due by log time. This process's clock is only an estimate of it: who fired early waits a little longer the
next time, so that a clock that is ahead costs a few events, not a flood of them.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from penstock.producers.clock import Clock
from penstock.streams.alarms import Alarm, Alarms

AGAIN_FIRST_S: Final = 10.0
AGAIN_LONGEST_S: Final = 300.0
EARLY_FIRST_S: Final = 0.05
EARLY_LONGEST_S: Final = 5.0


class Keyed(Protocol):
    """Open work, known by its key."""

    @property
    def key(self) -> str: ...


W = TypeVar("W", bound=Keyed)


@dataclass(slots=True, eq=False)
class _Pending(Generic[W]):
    """What is open in a partition that this process owns, and the alarm that it waits for."""

    partition: int
    work: W
    alarm: Alarm | None = None


class Reminders(Generic[W]):
    """What waits, by key. `say` is called in a thread of the alarms."""

    def __init__(self, alarms: Alarms, clock: Clock, say: Callable[[W], None], again_s: float) -> None:
        self._alarms = alarms
        self._clock = clock
        self._say = say
        self._again_s = again_s
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending[W]] = {}

    def delay_s(self, due_ms: int, early: int) -> float:
        """How long to wait for a time that was fired too early `early` times, in s; not positive if it is over."""
        delay_s = (due_ms - self._clock.now_ms()) / 1000
        if early:
            delay_s = max(delay_s, min(EARLY_FIRST_S * 2 ** min(early - 1, 16), EARLY_LONGEST_S))
        return delay_s

    def open(self, partition: int, work: W, delay_s: float) -> None:
        """Say it after so long, in the place of what stood under its key."""
        with self._lock:
            self._let_go(work.key)
            pending = self._pending[work.key] = _Pending(partition, work)
            pending.alarm = self._alarms.after(delay_s, partial(self._fire, pending, self._again_s))

    def settled(self, key: str) -> None:
        """It needn't be said any more."""
        with self._lock:
            self._let_go(key)

    def drop(self, partition: int) -> None:
        """The partition isn't ours any more."""
        with self._lock:
            for key in [key for key, pending in self._pending.items() if pending.partition == partition]:
                self._let_go(key)

    def close(self) -> None:
        """Say nothing more."""
        self._alarms.close()

    def _fire(self, pending: _Pending[W], again_s: float) -> None:
        """Say it, and again after a while if the log shows no answer by then."""
        with self._lock:
            if self._pending.get(pending.work.key) is not pending:
                return
            following_s = min(again_s * 2, AGAIN_LONGEST_S)
            pending.alarm = self._alarms.after(again_s, partial(self._fire, pending, following_s))
        self._say(pending.work)

    def _let_go(self, key: str) -> None:
        pending = self._pending.pop(key, None)
        if pending is not None and pending.alarm is not None:
            pending.alarm.cancel()
