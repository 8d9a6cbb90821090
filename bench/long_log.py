"""A partition with millions of records behind it, and a database that stands shortly before its end.

Writes: the inbox and events of runs of `bench.load_application`, the journal, its checkpoint, and the effectors'
positions with what was open there. What lies behind the checkpoint are copies of one run that ended, each under an
id of its own: valid records, which nobody should read. The end is decided by today's decider, run by run.
"""

import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import psycopg

from bench.bulk import Bulk, Headers, loading
from bench.failing import BenchFailed
from bench.standing import Standing
from bench.telling import EPOCH, EVENTS_A_RUN, INPUTS_A_RUN, Author, Told
from penstock.producers.kafka import KafkaLog
from penstock.schemas.codec import pinned_codec
from penstock.schemas.headers import CE_SUBJECT
from penstock.schemas.run.records import RunResumed, RunStalled
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, TIMERS_GROUP, TOOLS_GROUP
from penstock.streams.journal import Row
from penstock.streams.open_work import Fold, OpenWork, Rows, W
from penstock.streams.timers.effect import TimerFold
from penstock.streams.timers.ports import TimerRows
from penstock.streams.tools.fold import CallFold
from penstock.streams.tools.ports import CallRows

NOUN: Final = "run"
# One run in so many was stalled once: that is marked in the journal, and looked up by whoever takes the partition.
STALLED_ONE_IN: Final = 100
_RUNS_AT_ONCE: Final = 1_000
# Topic, key, value and headers.
Ready: TypeAlias = tuple[str, bytes, bytes, Headers]

_CHECKPOINT: Final = """
INSERT INTO penstock.checkpoint (noun, partition, owner, epoch, position, published_position, events_position,
    events_epoch, cluster_id, inbox_topic_id, events_topic_id)
VALUES (%s, 0, 'bench', %s, %s, %s, %s, %s, %s, %s, %s)
"""
_POSITION: Final = """
INSERT INTO penstock.effect_position (group_id, topic, partition, position, epoch, seen_epoch, cluster_id, topic_id)
VALUES (%s, %s, 0, %s, 1, %s, %s, %s)
"""
_INSERT: Final = """
INSERT INTO penstock.journal (entity_id, seq, noun, partition, position, cause_offset, cause_id, cause_index, value)
VALUES (%s, %s, 'run', 0, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True, slots=True)
class End:
    """Runs at the end of the log, each with an open call, by what the database knows of them."""

    open: int = 1_000  # everything; the effectors have their calls in their snapshots
    unread: int = 1_500  # on the log behind the checkpoint, and of every second one the journal has nothing
    unpublished: int = 1_000  # committed, not on the log


class Copies:
    """One told run again and again under other ids, as bytes."""

    def __init__(self, told: Told) -> None:
        self._ascii, self._raw = told.run_id.encode(), bytes.fromhex(told.run_id.replace("-", ""))
        self._records = [*told.inputs, *told.events]
        self._headers: list[tuple[Headers, bytes]] = [
            ([pair for pair in one.headers if pair[0] != CE_SUBJECT], one.value or b"")
            for one in self._records
        ]
        marks = (None,) * (EVENTS_A_RUN - 2) + (RunStalled.__name__, RunResumed.__name__)
        self._plain = _binary([(row, None) for row in told.rows])
        self._stalled = _binary(list(zip(told.rows, marks, strict=True)))

    def make(self, number: int, offset: int) -> tuple[list[Ready], bytes]:
        """(records for the log, rows in COPY's binary format) of the n-th copy, its first input at that offset."""
        raw = os.urandom(16)
        text = raw.hex()
        key = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode()
        records: list[Ready] = [
            (one.topic, key, value.replace(self._ascii, key), [*headers, (CE_SUBJECT, key)])
            for one, (headers, value) in zip(self._records, self._headers, strict=True)
        ]
        block, places = self._stalled if number % STALLED_ONE_IN == 0 else self._plain
        rows = bytearray(block.replace(self._ascii, key).replace(self._raw, raw))
        for place, index in places:
            # position, then cause_offset: two bigints, each behind its length.
            struct.pack_into(">qiq", rows, place, offset + index + 1, 8, offset + index)
        return records, bytes(rows)


def _binary(rows: Sequence[tuple[Row, str | None]]) -> tuple[bytes, list[tuple[int, int]]]:
    """COPY's binary form of rows, and for each where its position stands and which input it came from."""
    first = rows[0][0].cause_offset
    block, places = b"", []
    for row, mark in rows:
        entity, cause = (bytes.fromhex(each.replace("-", "")) for each in (row.entity_id, row.cause_id))
        head = b"".join(
            (
                struct.pack(">h", 10),
                *_fields(entity, struct.pack(">q", row.seq), NOUN.encode(), struct.pack(">i", 0)),
            )
        )
        places.append((len(block) + len(head) + 4, row.cause_offset - first))
        numbers = _fields(struct.pack(">q", row.position), struct.pack(">q", row.cause_offset))
        rest = _fields(cause, struct.pack(">i", row.cause_index), row.value)
        last = struct.pack(">i", -1) if mark is None else b"".join(_fields(mark.encode()))
        block += b"".join((head, *numbers, *rest, last))
    return block, places


def _fields(*values: bytes) -> Iterator[bytes]:
    for value in values:
        yield struct.pack(">i", len(value)) + value


def build(at: Standing, events: int, end: End, tell: Callable[[str], None]) -> list[bytes]:
    """Make all of it; the keys of the runs whose calls are open. Raises BenchFailed."""
    author, log = Author(), KafkaLog(at.bootstrap_servers, "bench")
    copies = events // EVENTS_A_RUN
    began_s = time.monotonic()
    with psycopg.connect(at.database_url, application_name="bench") as connection:
        with Bulk(at.bootstrap_servers) as bulk, loading(connection) as copy:
            made = Copies(author.tell("template", INPUTS_A_RUN, 0))
            for first in range(0, copies, _RUNS_AT_ONCE):
                blocks = []
                for number in range(first, min(first + _RUNS_AT_ONCE, copies)):
                    records, rows = made.make(number, number * INPUTS_A_RUN)
                    blocks.append(rows)
                    for record in records:
                        bulk.add(*record)
                copy.write(b"".join(blocks))
                if first % 250_000 == 0:
                    tell(f"{first * EVENTS_A_RUN} events after {time.monotonic() - began_s:.0f} s")
        inbox, on_log = copies * INPUTS_A_RUN, copies * EVENTS_A_RUN
        keys = _the_end(connection, log, author, end, (inbox, on_log))
    log.close()
    tell(f"made {on_log} events and as many rows in {time.monotonic() - began_s:.0f} s")
    return keys


def _the_end(
    connection: psycopg.Connection, log: KafkaLog, author: Author, end: End, behind: tuple[int, int]
) -> list[bytes]:
    inbox, on_log = behind
    for topic, count in ((RUN_INBOX, inbox), (RUN_EVENTS, on_log)):
        if log.bounds(topic, 0) != (0, count):
            raise BenchFailed(f"{topic} holds {log.bounds(topic, 0)}, not {count} records")
    count = end.open + end.unread + end.unpublished
    told = [author.tell(f"end-{number}", 1, inbox + number) for number in range(count)]
    known, unread = told[: end.open], told[end.open : end.open + end.unread]
    published = [*known, *unread]
    log.append([record for run in told for record in run.inputs])
    log.append([record for run in published for record in run.events])
    in_journal = [*known, *unread[::2], *told[len(published) :]]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_INSERT, [_row(row) for run in in_journal for row in run.rows])
        topics = (log.identity(RUN_INBOX), log.identity(RUN_EVENTS))
        stands = on_log + sum(len(run.events) for run in known)
        place = (inbox + count, inbox + len(published), stands, EPOCH)
        ids = (topics[0].cluster_id, topics[0].topic_id, topics[1].topic_id)
        cursor.execute(_CHECKPOINT, (NOUN, EPOCH, *place, *ids))
        codec = pinned_codec()
        _snapshot(
            connection, TOOLS_GROUP, CallFold(), CallRows(codec), known, (stands, EPOCH, ids[0], ids[2])
        )
        _snapshot(connection, TIMERS_GROUP, TimerFold(), TimerRows(), known, (stands, EPOCH, ids[0], ids[2]))
    return [run.run_id.encode() for run in told]


def _snapshot(
    connection: psycopg.Connection,
    group: str,
    fold: Fold[W],
    rows: Rows[W],
    runs: Sequence[Told],
    place: tuple[int, int, str, str],
) -> None:
    open_work: OpenWork[W] = OpenWork()
    for run in runs:
        for seen in run.seen:
            if seen.meta.type in fold.types:
                fold.evolve(open_work, seen)
    connection.execute(_POSITION, (group, RUN_EVENTS, *place))
    rows.save(connection, 0, {work.key: work for work in open_work})


def _row(row: Row) -> tuple[object, ...]:
    return (row.entity_id, row.seq, row.position, row.cause_offset, row.cause_id, row.cause_index, row.value)
