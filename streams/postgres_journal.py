"""The journal in Postgres: one statement a batch, pinned plans, and patience while the database is away."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Final, LiteralString, TypeVar

import psycopg
from psycopg.errors import UniqueViolation

from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres import BROKEN_OFF, connect
from penstock.streams.host import Fenced
from penstock.streams.journal import Adoption, Checkpoint, Commit, Row, Snapshot, TopicPair
from penstock.streams.journal_sql import (
    CHECKPOINT,
    COMMIT,
    CUT,
    DECIDED,
    FORGET,
    INSERT,
    KEEP,
    OWN,
    SETTLE,
    SNAPSHOTS,
    STRETCHES,
    TAKE,
)
from penstock.streams.journal_values import commit_columns, row_values
from penstock.streams.transactions import Stopping

log = logging.getLogger("penstock.streams.journal")
T = TypeVar("T")

RETRY_LONGEST_S: Final = 2.0


class PostgresJournal:
    """One connection, made anew when it breaks. Used by one thread at a time."""

    def __init__(self, database_url: str, noun: str) -> None:
        self._url = database_url
        self._noun = noun
        self._stopping = threading.Event()
        self._connection: psycopg.Connection | None = None

    def checkpoint(self, partition: int) -> Checkpoint | None:
        return self._patiently(lambda connection: self._read_checkpoint(connection, partition))

    def take(self, partition: int, owner: str, fresh: Checkpoint) -> Checkpoint:
        topics = fresh.topics
        values = (
            *(self._noun, partition, owner, fresh.epoch + 1, fresh.position, fresh.published_position),
            *(fresh.events_position, fresh.events_epoch, fresh.failed_in_a_row),
            *(topics.cluster_id, topics.inbox_topic_id, topics.events_topic_id),
        )

        def attempt(connection: psycopg.Connection) -> Checkpoint:
            with connection.transaction():
                connection.execute(TAKE, values)
                taken = self._read_checkpoint(connection, partition)
            assert taken is not None
            return taken

        return self._patiently(attempt)

    def raise_epoch(self, partition: int, held: int, epoch: int) -> None:
        statement = "UPDATE penstock.checkpoint SET epoch = %s WHERE noun = %s AND partition = %s AND epoch IN (%s, %s)"
        # Both epochs are ours: the higher one if the reply to an earlier try was lost.
        values = (epoch, self._noun, partition, held, epoch)
        if self._patiently(lambda connection: connection.execute(statement, values).rowcount) == 0:
            raise Fenced(f"{self._noun} partition {partition} isn't held under epoch {held}")

    def histories(self, entity_ids: Sequence[str]) -> Mapping[str, Sequence[bytes]]:
        statement = (
            "SELECT entity_id::text, value FROM penstock.journal WHERE entity_id = ANY(%s::uuid[])"
            " ORDER BY entity_id, seq"
        )
        return self._values_of(statement, (list(entity_ids),))

    def stretches(self, after: Mapping[str, int], count: int) -> Mapping[str, Sequence[bytes]]:
        values = (list(after), list(after.values()), count)
        return self._values_of(STRETCHES, values)

    def snapshots(self, entity_ids: Sequence[str], fold_version: int) -> Mapping[str, Snapshot]:
        values = (list(entity_ids), fold_version)
        rows = self._patiently(lambda connection: connection.execute(SNAPSHOTS, values).fetchall())
        return {row[0]: Snapshot(*row) for row in rows}

    def keep(self, partition: int, epoch: int, position: int, snapshots: Sequence[Snapshot]) -> None:
        def attempt(connection: psycopg.Connection) -> None:
            with connection.transaction():
                # The lock stands in the way of the next owner, who may replace what these were folded from.
                held = connection.execute(OWN, (self._noun, partition, epoch)).fetchone()
                if held == (position,):
                    for each in snapshots:
                        connection.execute(KEEP, {"noun": self._noun, "partition": partition, **asdict(each)})

        self._patiently(attempt)

    def decided(self, inputs: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:
        values = ([entity_id for entity_id, _ in inputs], [input_id for _, input_id in inputs])
        rows = self._patiently(lambda connection: connection.execute(DECIDED, values).fetchall())
        return [(entity_id, input_id) for entity_id, input_id in rows]

    def commit(self, batches: Sequence[Commit]) -> frozenset[int]:
        values = {"noun": self._noun, **commit_columns(batches)}

        def attempt(connection: psycopg.Connection) -> frozenset[int]:
            moved = {partition for (partition,) in connection.execute(COMMIT, values, binary=True)}
            for batch in batches:
                if batch.partition not in moved and self._is_ours(connection, batch):
                    moved.add(batch.partition)
            return frozenset(moved)

        try:
            return self._patiently(attempt)
        except UniqueViolation:
            # Some partition's rows stand there already, so it isn't as we knew it; which one, a take will say.
            log.warning("the journal has rows of %s already", [batch.partition for batch in batches])
            return frozenset()

    def _is_ours(self, connection: psycopg.Connection, batch: Commit) -> bool:
        """No row moved: either it is somebody else's partition, or our own commit whose reply was lost."""
        held = self._read_checkpoint(connection, batch.partition)
        return held is not None and (held.epoch, held.position) == (batch.epoch, batch.new_position)

    def adopt(self, partition: int, epoch: int, rows: Sequence[Row]) -> Adoption:
        def attempt(connection: psycopg.Connection) -> Adoption:
            with connection.transaction():
                self._own(connection, partition, epoch)
                return self._adopt(connection, partition, rows)

        return self._patiently(attempt)

    def unpublished(self, partition: int, after_position: int) -> Sequence[Row]:
        statement = (
            "SELECT entity_id::text, seq, position, cause_offset, cause_id::text, cause_index, value, mark"
            " FROM penstock.journal WHERE noun = %s AND partition = %s AND position > %s"
            " ORDER BY position, cause_offset, cause_index"
        )
        values = (self._noun, partition, after_position)
        rows = self._patiently(lambda connection: connection.execute(statement, values).fetchall())
        return [Row(*row) for row in rows]

    def last_marked(self, partition: int, mark: str) -> Sequence[str]:
        statement = (
            "SELECT entity_id::text FROM (SELECT DISTINCT ON (entity_id) entity_id, mark FROM penstock.journal"
            " WHERE noun = %s AND partition = %s AND mark IS NOT NULL ORDER BY entity_id, seq DESC) AS last"
            " WHERE mark = %s"
        )
        values = (self._noun, partition, mark)
        rows = self._patiently(lambda connection: connection.execute(statement, values).fetchall())
        return [entity_id for (entity_id,) in rows]

    def settle(self, partition: int, epoch: int, position: int, events_position: int) -> None:
        values = {
            "noun": self._noun,
            "partition": partition,
            "epoch": epoch,
            "position": position,
            "events_position": events_position,
        }
        if self._patiently(lambda connection: connection.execute(SETTLE, values).rowcount) == 0:
            raise Fenced(f"{self._noun} partition {partition} isn't held under epoch {epoch}")

    def stop(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _values_of(
        self, statement: LiteralString, values: tuple[object, ...]
    ) -> Mapping[str, Sequence[bytes]]:
        found: dict[str, list[bytes]] = defaultdict(list)
        for entity, value in self._patiently(
            lambda connection: connection.execute(statement, values).fetchall()
        ):
            found[entity].append(value)
        return found

    def _read_checkpoint(self, connection: psycopg.Connection, partition: int) -> Checkpoint | None:
        row = connection.execute(CHECKPOINT, (self._noun, partition)).fetchone()
        if row is None:
            return None
        epoch, position, published, events, events_epoch, failed, *topics = row
        return Checkpoint(epoch, position, published, events, events_epoch, failed, TopicPair(*topics))

    def _own(self, connection: psycopg.Connection, partition: int, epoch: int) -> None:
        if connection.execute(OWN, (self._noun, partition, epoch)).fetchone() is None:
            raise Fenced(f"{self._noun} partition {partition} isn't held under epoch {epoch}")

    def _adopt(self, connection: psycopg.Connection, partition: int, rows: Sequence[Row]) -> Adoption:
        cursor = connection.cursor()
        cursor.executemany(INSERT, [row_values(self._noun, partition, row) for row in rows])
        added = max(cursor.rowcount, 0)
        stands = {
            (entity, seq): value
            for entity, seq, value in connection.execute(
                "SELECT entity_id::text, seq, value FROM penstock.journal JOIN unnest(%s::uuid[], %s::bigint[])"
                " AS logged(entity_id, seq) USING (entity_id, seq)",
                ([r.entity_id for r in rows], [r.seq for r in rows]),
            )
        }
        logged: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            logged[row.entity_id].append(row.seq)
        replaced, undecided = 0, None
        for row in rows:
            if stands.get((row.entity_id, row.seq)) == row.value:
                continue
            replaced += 1
            place = {"entity": row.entity_id, "seq": row.seq, "cause": row.cause_id, "index": row.cause_index}
            for (offset,) in connection.execute(CUT, {**place, "logged": logged[row.entity_id]}).fetchall():
                undecided = offset if undecided is None else min(undecided, offset)
            connection.execute(FORGET, (row.entity_id,))
            cursor.execute(INSERT, row_values(self._noun, partition, row))
        return Adoption(added, replaced, undecided)

    def _patiently(self, attempt: Callable[[psycopg.Connection], T]) -> T:
        """Try until the database answers. Its absence is nobody's fault and loses nothing (law L5, unavailable)."""
        delay = 0.05
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = connect(self._url)
                    self._connection.execute("SET enable_seqscan = off")
                return attempt(self._connection)
            except (*BROKEN_OFF, psycopg.InterfaceError, DatabaseAway) as error:
                log.warning("the database is away (%s); trying again in %.1f s", str(error).strip(), delay)
                self.close()
                if self._stopping.wait(delay):
                    raise Stopping("closing while the database is away") from error
                delay = min(delay * 2, RETRY_LONGEST_S)
