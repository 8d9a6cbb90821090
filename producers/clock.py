"""Where the time comes from, so that tests own it."""

import threading
import time
from datetime import timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time in ms since the Unix epoch."""

    def now_ms(self) -> int:
        """The time now, ms since the Unix epoch."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """The machine's time, ms since the Unix epoch."""
        return time.time_ns() // 1_000_000


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now_ms: int = 1_750_000_000_000) -> None:
        self._now_ms = now_ms
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        """Where the test put it, ms since the Unix epoch."""
        return self._now_ms

    def advance(self, by: timedelta) -> int:
        """Move on, and return the new time in ms. Time never goes back."""
        if by < timedelta(0):
            raise ValueError(f"a clock can't go back by {-by}")
        with self._lock:
            self._now_ms += by // timedelta(milliseconds=1)
            return self._now_ms
