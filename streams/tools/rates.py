"""A rate: so many beginnings in any stretch of a length, exactly.

Pure: times are given, in seconds by a clock that never goes back.
"""

from collections import deque


class Window:
    """The beginnings of the last `per_s` seconds, and what was granted and hasn't begun: that may begin at any
    moment, so it counts all along."""

    __slots__ = ("_begun", "_per_s", "_promised", "count")

    def __init__(self, count: int, per_s: float) -> None:
        self.count = count
        self._per_s = per_s
        self._begun: deque[float] = deque()
        self._promised = 0

    def used(self, now_s: float) -> int:
        """How many of the count are in use."""
        while self._begun and now_s - self._begun[0] >= self._per_s:
            self._begun.popleft()
        return len(self._begun) + self._promised

    def promise(self) -> None:
        """One is granted."""
        self._promised += 1

    def begin(self, now_s: float) -> None:
        """One that was granted begins."""
        self._promised -= 1
        self._begun.append(now_s)

    def give_back(self) -> None:
        """One that was granted never begins."""
        self._promised -= 1

    def later_s(self, now_s: float) -> float | None:
        """How long until one more is free by itself; None if nothing is to be waited for."""
        if self.used(now_s) < self.count or not self._begun:
            return None
        return max(0.0, self._begun[0] + self._per_s - now_s)
