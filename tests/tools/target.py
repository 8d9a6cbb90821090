"""A target that counts for itself who is there, and processes that call it."""

import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Target:
    """Counts connections: who is there now, and when each came. A process that is killed is gone at once."""

    here: int = 0
    most: int = 0
    came_s: list[float] = field(default_factory=list)
    over: int = 0

    def __post_init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=1_000)
        self.port = self.listening.getsockname()[1]
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        poll = select.poll()
        poll.register(self.listening, select.POLLIN)
        known: dict[int, socket.socket] = {}
        while not self._stopped:
            ready = poll.poll(100)
            # Who has left is seen before who comes: the order inside one look is nobody's.
            for number, _ in sorted(ready, key=lambda each: each[0] == self.listening.fileno()):
                if number != self.listening.fileno():
                    poll.unregister(number)
                    known.pop(number).close()
                    continue
                connection, _ = self.listening.accept()
                self.came_s.append(time.monotonic())
                known[connection.fileno()] = connection
                poll.register(connection, select.POLLIN)
            self.here = len(known)
            self.most = max(self.most, self.here)

    def stop(self) -> None:
        self._stopped = True
        self._thread.join(2)
        self.listening.close()

    def most_within(self, seconds: float) -> int:
        """The most that came in any stretch of that length."""
        most, first = 0, 0
        for last, came_s in enumerate(self.came_s):
            while came_s - self.came_s[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


@contextmanager
def processes(
    count: int, url: str, target: Target, limit: str, call_ms: int, where: str = "here"
) -> Iterator[list[subprocess.Popen[bytes]]]:
    words = [
        sys.executable,
        "-m",
        "tests.tools.share_process",
        url,
        str(target.port),
        limit,
        str(call_ms),
        where,
    ]
    started = [subprocess.Popen(words) for _ in range(count)]
    try:
        yield started
        assert [each.poll() for each in started if each.poll() not in (None, -signal.SIGKILL)] == []
    finally:
        for each in started:
            with suppress(ProcessLookupError):
                each.kill()
            each.wait()
