"""A target that counts for itself who is there, and processes that call it."""

import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf


@dataclass
class Target:
    """Counts connections: who is there now, when each came, which key it says and since when it may. A process that is
    killed is gone at once; one that began longer than `patience_s` ago is waited for no more, also if it was stopped
    between its permission and its coming: no lease reaches there."""

    patience_s: float = inf
    here: int = 0
    most: int = 0
    most_of_key: int = 0
    came_s: list[float] = field(default_factory=list)
    keys: list[tuple[str, float]] = field(default_factory=list)

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
        said: dict[int, tuple[str, float]] = {}
        while not self._stopped:
            ready = [number for number, _ in poll.poll(100)]
            for number in [number for number in ready if number in known]:
                words, over = _heard(known[number])
                if words:
                    key, _, began_s = words.decode().partition(" ")
                    said[number] = (key, float(began_s))
                    self.keys.append(said[number])
                if over:
                    poll.unregister(number)
                    known.pop(number).close()
                    said.pop(number, None)
            # Who has left was seen before who comes: the order inside one look is nobody's.
            if self.listening.fileno() in ready:
                connection, _ = self.listening.accept()
                self.came_s.append(time.monotonic())
                known[connection.fileno()] = connection
                poll.register(connection, select.POLLIN)
            self.here = len(known)
            self.most = max(self.most, self.here)
            waited_for_s = time.monotonic() - self.patience_s
            of_keys = Counter(key for key, since_s in said.values() if since_s > waited_for_s)
            self.most_of_key = max(self.most_of_key, *of_keys.values(), 0)

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


def _heard(connection: socket.socket) -> tuple[bytes, bool]:
    """What came, and whether that was all: both may be there at one look."""
    words = connection.recv(100)
    with suppress(BlockingIOError):
        return words, not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    return words, False


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
