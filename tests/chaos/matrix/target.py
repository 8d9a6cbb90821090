"""The world that the matrix's tools touch: a journal of executions, and keys that it was told to refuse.

PENSTOCK_TEST_TARGET names its directory. A line of the journal is one execution: call key, attempt, run, tool, a
nonce of its own, milliseconds. Executing and voiding exclude each other by a lock on a file, so that "it did not
happen" can be said for certain, whatever a frozen worker still does when it wakes up.
"""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from penstock import Call, Declined

DIRECTORY = "PENSTOCK_TEST_TARGET"
# What its tools do: the one is asked for by people, the other by schedules.
PAY = "pay"
STAMP = "stamp"


@dataclass(frozen=True, slots=True)
class Line:
    """One execution, as the target wrote it down. `time_ms` is since the Unix epoch, by the target's clock."""

    key: str
    attempt: int
    run_id: str
    tool: str
    nonce: str
    time_ms: int


class Target:
    """One directory; as many processes as like may use it."""

    def __init__(self, directory: Path) -> None:
        self._journal = directory / "journal"
        self._voided = directory / "voided"
        self._lock = directory / "lock"

    @classmethod
    def named(cls) -> "Target":
        """The one that the environment names."""
        return cls(Path(os.environ[DIRECTORY]))

    def make(self) -> "Target":
        """Make its directory."""
        self._voided.mkdir(parents=True, exist_ok=True)
        self._journal.touch()
        self._lock.touch()
        return self

    def execute(self, call: Call, tool: str) -> None:
        """Do it, and write it down; one write call, so that a line is there whole or not at all."""
        with self._locked(fcntl.LOCK_SH):
            if (self._voided / f"{call.idempotency_key}.{call.attempt}").exists():
                raise Declined("this attempt was voided")
            # Not time.time(): a skewed worker has another one, and this is the target's clock.
            now_ms = time.clock_gettime_ns(time.CLOCK_REALTIME) // 1_000_000
            line = f"{call.idempotency_key} {call.attempt} {call.run_id} {tool} {uuid.uuid4()} {now_ms}\n"
            descriptor = os.open(self._journal, os.O_WRONLY | os.O_APPEND)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)

    def settle(self, key: str, attempt: int) -> bool | None:
        """Whether that attempt happened; if not it never will. None: somebody is at it, ask again."""
        try:
            with self._locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                if any((line.key, line.attempt) == (key, attempt) for line in self.lines()):
                    return True
                (self._voided / f"{key}.{attempt}").touch()
                return False
        except BlockingIOError:
            return None

    def lines(self) -> list[Line]:
        """Everything that was executed, in order."""
        found = []
        for text in self._journal.read_text().splitlines():
            key, attempt, run_id, tool, nonce, time_ms = text.split()
            found.append(Line(key, int(attempt), run_id, tool, nonce, int(time_ms)))
        return found

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        descriptor = os.open(self._lock, os.O_RDWR)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)
