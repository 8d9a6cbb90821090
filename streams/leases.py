"""The lease under which a process begins unsafe calls (law L7).

A row with an expiry by the database's clock, renewed by a heartbeat, tells others whether this process may
still act. For itself a process trusts the boot clock alone: a lease holds until the instant before its last
heartbeat was sent, plus its length. That instant is never later than what the database says, also after
SIGSTOP, a suspended machine or a slow network. An expired lease is never renewed: the process makes a new
incarnation, and what it had not begun under the old one it never begins.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Final
from uuid import uuid4

from penstock.runtime.passport import has_ended, passport
from penstock.streams.background import Background
from penstock.streams.observing import NOBODY, CallObserver
from penstock.streams.transactions import AWAY, Session, Transactions

log = logging.getLogger("penstock.streams.leases")

MARGIN_MS: Final = 1_000
HEARTBEAT_MS_MAX: Final = 2_000

_RENEW: Final = """
UPDATE penstock.worker_lease SET expires_at = clock_timestamp() + %s * interval '1 millisecond'
WHERE incarnation = %s AND expires_at > clock_timestamp()
"""
_MAKE: Final = """
INSERT INTO penstock.worker_lease (incarnation, group_id, worker, process, expires_at)
VALUES (%s, %s, %s, %s, clock_timestamp() + %s * interval '1 millisecond')
"""
_FORGET: Final = "DELETE FROM penstock.worker_lease WHERE expires_at < clock_timestamp() - interval '1 hour'"
_STATES: Final = """
SELECT incarnation::text, process, expires_at + %s * interval '1 millisecond' > clock_timestamp()
FROM penstock.worker_lease WHERE incarnation::text = ANY(%s)
"""


def boot_ms() -> int:
    """A clock that never jumps and that runs while the machine is suspended."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000


def lease_ms_for(wanted_ms: int, longest_timeout_ms: int) -> int:
    """How long a lease must be for what is left of it at any time to cover the longest unsafe call."""
    return max(wanted_ms, longest_timeout_ms + MARGIN_MS + 2 * HEARTBEAT_MS_MAX)


class Leases:
    """The incarnations of this process. A lease id, `<incarnation>:<call>:<attempt>`, belongs to a claim."""

    def __init__(
        self,
        transactions: Transactions,
        background: Background,
        group_id: str,
        worker: str,
        lease_ms: int,
        clock_ms: Callable[[], int] = boot_ms,
        observer: CallObserver = NOBODY,
    ) -> None:
        self._observer = observer
        self.lease_ms = lease_ms
        self.heartbeat_ms = min(HEARTBEAT_MS_MAX, lease_ms // 5)
        self.worker = worker
        self._transactions = transactions
        self._background = background
        self._group_id = group_id
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._incarnation = ""
        self._until_ms = 0
        self._ours: set[str] = set()
        self._released = threading.Event()
        self._heart: threading.Thread | None = None

    def start(self) -> None:
        """Beat from now on until `release`. Unsafe calls wait until the first heartbeat has arrived."""
        self._heart = self._background.start("heartbeat", self._beat_until_released)

    def lease_id(self, call_id: str, attempt: int) -> str:
        """The lease of a claim made now."""
        return f"{self._incarnation}:{call_id}:{attempt}"

    def ours(self, lease_id: str) -> bool:
        """Whether this process, as it is now or as it was before, asked under that lease."""
        return incarnation_of(lease_id) in self._ours

    def covers(self, lease_id: str, need_ms: int) -> bool:
        """Whether the lease surely holds for that long and a margin more, so that its call may begin."""
        with self._lock:
            left_ms = self._until_ms - self._clock_ms()
            return incarnation_of(lease_id) == self._incarnation and left_ms >= need_ms + MARGIN_MS

    def could_cover(self, need_ms: int) -> bool:
        """Whether a lease that was just renewed would do."""
        return self.lease_ms >= need_ms + MARGIN_MS + 2 * self.heartbeat_ms

    def states(self, incarnations: Collection[str]) -> Mapping[str, bool]:
        """Which of them still hold, by the database's clock and a margin; those without a row are left out. One
        whose process has ended on this machine holds no more, whatever is left of it.

        Waits while the database is away. Raises Stopping.
        """
        values = (MARGIN_MS, list(incarnations))
        rows = self._transactions.patiently(lambda session: session.execute(_STATES, values).fetchall())
        return {incarnation: bool(lasts) and not has_ended(process) for incarnation, process, lasts in rows}

    def beat(self) -> None:
        """Renew the lease, or make the next incarnation if it expired."""
        sent_ms = self._clock_ms()
        if sent_ms >= self._until_ms or not self._transactions.once(self._renew):
            self._make(sent_ms)
            return
        with self._lock:
            self._until_ms = sent_ms + self.lease_ms

    def release(self) -> None:
        """Nothing begins any more and nothing runs: let others know now rather than at the expiry."""
        self._stop_beating()
        with self._lock:
            incarnation, self._incarnation, self._until_ms = self._incarnation, "", 0
        if not incarnation:
            return
        self._observer.lease_released()
        statement = "DELETE FROM penstock.worker_lease WHERE incarnation = %s"
        try:
            self._transactions.once(lambda session: session.execute(statement, (incarnation,)))
        except AWAY as error:
            log.warning("the lease runs out by itself, because the database is away: %s", error)

    def close(self) -> None:
        """Stop beating and let go of the connection. A lease that wasn't released runs out by itself."""
        self._stop_beating()
        self._transactions.close()

    def _stop_beating(self) -> None:
        self._released.set()
        if self._heart is not None:
            self._heart.join(timeout=1.0)

    def _renew(self, session: Session) -> bool:
        return session.execute(_RENEW, (self.lease_ms, self._incarnation)).rowcount == 1

    def _make(self, sent_ms: int) -> None:
        incarnation = str(uuid4())
        values = (incarnation, self._group_id, self.worker, passport(), self.lease_ms)

        def attempt(session: Session) -> None:
            session.execute(_FORGET)
            session.execute(_MAKE, values)

        self._transactions.once(attempt)
        with self._lock:
            if self._incarnation:
                self._observer.lease_lost()
                log.warning(
                    "the lease expired before it was renewed: what wasn't begun under it never begins"
                )
            self._ours.add(incarnation)
            self._incarnation = incarnation
            self._until_ms = sent_ms + self.lease_ms
        self._observer.lease_held()

    def _beat_until_released(self) -> None:
        while True:
            try:
                self.beat()
            except AWAY as error:
                log.warning("no heartbeat: the database is away (%s)", str(error).strip())
            if self._released.wait(self.heartbeat_ms / 1000):
                return


def incarnation_of(lease_id: str) -> str:
    """The process, and its life, that a lease belongs to."""
    return lease_id.partition(":")[0]
