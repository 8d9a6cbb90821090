"""Signals of one name, inside an execution: those that came and those who wait, whichever there is more of."""

from collections import deque

from penstock.streams.runs.loop import Future


class Signals:
    """First come, first served, on both sides."""

    def __init__(self) -> None:
        self._came: deque[bytes] = deque()
        self._waiting: deque[Future] = deque()

    def came(self, content: bytes) -> None:
        """One more: whoever has waited longest gets it, else it stays for who asks next."""
        while self._waiting:
            first = self._waiting.popleft()
            if not first.forsaken:
                first.settle(content)
                return
        self._came.append(content)

    def taken(self) -> Future:
        """The next one, now or later."""
        future = Future()
        if self._came:
            future.settle(self._came.popleft())
        else:
            self._waiting.append(future)
        return future
