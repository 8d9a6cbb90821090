"""Millions of records and rows quickly: onto partition 0 of topics, and into an empty journal.

Writes: the topics that it is told, `penstock.journal`. The journal's indexes are dropped and made again by the very
definitions that the migrations gave them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, LiteralString, Self, TypeAlias, cast

import psycopg
from confluent_kafka import Producer

from bench.failing import BenchFailed

# As confluent-kafka wants them.
Headers: TypeAlias = list[tuple[str, str | bytes | None]]

_ROUND: Final = 2_000
_FLUSH_S: Final = 120.0
# COPY's signature, no flags, no header; and the count of fields that means the end.
_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_COLUMNS: Final = (
    "entity_id, seq, noun, partition, position, cause_offset, cause_id, cause_index, value, mark"
)
_CONSTRAINTS: Final = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = 'penstock.journal'::regclass AND contype IN ('p', 'u') ORDER BY contype
"""
_INDEXES: Final = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'penstock' AND tablename = 'journal'"
)


class Bulk:
    """A producer that waits for nothing but room. Leaving the block waits for the broker."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "client.id": "bench-bulk",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 20,
                "batch.size": 1_000_000,
                "queue.buffering.max.messages": 500_000,
                "queue.buffering.max.kbytes": 512 * 1024,
            }
        )
        self._count = 0

    def add(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """One record for partition 0, behind the last."""
        self._count += 1
        if self._count % _ROUND == 0:
            self._producer.poll(0)
        while True:
            try:
                self._producer.produce(topic, value, key, 0, headers=headers)
            except BufferError:
                self._producer.poll(0.1)
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._producer.flush(_FLUSH_S):
            raise BenchFailed(f"the broker didn't take {len(self._producer)} records in {_FLUSH_S:.0f} s")


@contextmanager
def loading(connection: psycopg.Connection) -> Iterator[psycopg.Copy]:
    """COPY into the empty journal without its indexes, then make them; everything is committed at the end."""
    constraints = _definitions(connection, _CONSTRAINTS)
    for name, _ in constraints:
        connection.execute(f"ALTER TABLE penstock.journal DROP CONSTRAINT {name}")
    indexes = _definitions(connection, _INDEXES)
    for name, _ in indexes:
        connection.execute(f"DROP INDEX penstock.{name}")
    # Emptied in the same transaction, so that rows may come in frozen, as an old table's are.
    connection.execute("TRUNCATE penstock.journal")
    with connection.cursor().copy(
        f"COPY penstock.journal ({_COLUMNS}) FROM STDIN (FORMAT BINARY, FREEZE)"
    ) as copy:
        copy.write(_BEGIN)
        yield copy
        copy.write(_END)
    connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    for name, definition in constraints:
        connection.execute(f"ALTER TABLE penstock.journal ADD CONSTRAINT {name} {definition}")
    for _, definition in indexes:
        connection.execute(definition)
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM (ANALYZE) penstock.journal")
    connection.autocommit = False


def _definitions(
    connection: psycopg.Connection, statement: LiteralString
) -> list[tuple[LiteralString, LiteralString]]:
    """(name, definition) of each; they come from the database's own catalogue, so they are no stranger's text."""
    return cast("list[tuple[LiteralString, LiteralString]]", connection.execute(statement).fetchall())
