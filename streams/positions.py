"""Effectors' positions in Postgres, each with the snapshot of open work that belongs to it.

The row is the fence: who takes a partition raises the epoch, and every later transaction of another epoch, or
from another position, finds no row to move and is rolled back.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from penstock.producers.log import LogIdentity
from penstock.streams.host import TakeRefused
from penstock.streams.open_work import Rows, Work
from penstock.streams.transactions import Session, Transactions

log = logging.getLogger("penstock.streams.positions")
W = TypeVar("W", bound=Work)

RESET: Final = "type `penstock reset-derived` to drop what was derived from the other log, then `penstock up`"

_TAKE: Final = """
INSERT INTO penstock.effect_position
    (group_id, topic, partition, position, epoch, seen_epoch, cluster_id, topic_id)
VALUES (%s, %s, %s, 0, 1, 0, %s, %s)
ON CONFLICT (group_id, topic, partition) DO UPDATE SET epoch = effect_position.epoch + 1
RETURNING position, epoch, seen_epoch, cluster_id, topic_id, xmax = 0
"""
_MOVE: Final = """
UPDATE penstock.effect_position SET position = %s, seen_epoch = %s
WHERE group_id = %s AND topic = %s AND partition = %s AND epoch = %s AND position = %s
"""
_STANDS: Final = """
SELECT epoch, position FROM penstock.effect_position WHERE group_id = %s AND topic = %s AND partition = %s
"""


@dataclass(frozen=True, slots=True)
class Standing(Generic[W]):
    """Where a partition stood when it was taken."""

    position: int
    epoch: int
    seen_epoch: int
    works: Sequence[W]


@dataclass(frozen=True, slots=True)
class Move(Generic[W]):
    """One step of a snapshot: from a position to the next, with the work that changed between them."""

    partition: int
    epoch: int
    old_position: int
    new_position: int
    seen_epoch: int
    works: Mapping[str, W | None]


class Positions(Generic[W]):
    """The positions of one group on one topic."""

    def __init__(self, transactions: Transactions, group_id: str, topic: str, rows: Rows[W]) -> None:
        self._transactions = transactions
        self._group_id = group_id
        self._topic = topic
        self._rows = rows

    def take(
        self, partition: int, log_is: LogIdentity, read_bounds: Callable[[], tuple[int, int]]
    ) -> Standing[W]:
        """Become the owner. Waits while the database is away. Raises TakeRefused, Stopping.

        The log's bounds are read after the epoch was raised: before, the last owner might still move on.
        """
        values = (self._group_id, self._topic, partition, log_is.cluster_id, log_is.topic_id)

        def attempt(session: Session) -> Standing[W]:
            row = session.execute(_TAKE, values).fetchone()
            assert row is not None
            position, epoch, seen_epoch, cluster_id, topic_id, fresh = row
            bounds = read_bounds()
            self._check(partition, position, LogIdentity(cluster_id, topic_id), log_is, bounds)
            if not fresh:
                return Standing(position, epoch, seen_epoch, self._rows.load(session, partition))
            self._rows.clear(session, partition)
            if bounds[1]:
                log.warning(
                    "%s: the database knows nothing of %s/%d: folding its %d records anew",
                    *(self._group_id, self._topic, partition, bounds[1]),
                )
            return Standing(position, epoch, seen_epoch, ())

        return self._transactions.patiently(attempt)

    def move(self, steps: Sequence[Move[W]]) -> set[int]:
        """Save steps of several partitions, in one transaction; those partitions that aren't ours to save.
        Raises one of AWAY if the database is away: whether it was done isn't known then."""

        def attempt(session: Session) -> set[int]:
            return {step.partition for step in steps if not self._moved(session, step)}

        return self._transactions.once(attempt)

    def _moved(self, session: Session, step: Move[W]) -> bool:
        place = (self._group_id, self._topic, step.partition)
        values = (step.new_position, step.seen_epoch, *place, step.epoch, step.old_position)
        if session.execute(_MOVE, values).rowcount == 1:
            self._rows.save(session, step.partition, step.works)
            return True
        stands = session.execute(_STANDS, place).fetchone()
        # Under our own epoch the row can only be ahead because the reply to this commit was lost.
        if stands == (step.epoch, step.new_position):
            return True
        log.warning(
            "%s: %s/%d isn't at %d under epoch %d but at %s: another process took it, or it is another database",
            *(self._group_id, self._topic, step.partition, step.old_position, step.epoch, stands),
        )
        return False

    def close(self) -> None:
        """Let go of the connection."""
        self._transactions.close()

    def _check(
        self, partition: int, position: int, known: LogIdentity, log_is: LogIdentity, bounds: tuple[int, int]
    ) -> None:
        if known != log_is:
            raise TakeRefused(
                f"the database was derived from another log (cluster {known.cluster_id}, this one is"
                f" {log_is.cluster_id}; or {self._topic} was made anew). Point KAFKA_BOOTSTRAP_SERVERS or"
                f" DATABASE_URL back; or, if that log is gone for good, {RESET}."
            )
        start, end = bounds
        if not start <= position <= end:
            raise TakeRefused(
                f"{self._group_id} stands at offset {position} of {self._topic}/{partition}, which holds"
                f" {start} to {end}: the log lost records, or they were deleted. Restore the log; or {RESET}."
            )
