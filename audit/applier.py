"""Applies batches of records to the views: one transaction a batch, rows and positions together.

Reads nothing from Kafka itself: the projector, or a test, hands it records in the order of their partitions.
What it holds between batches (the rows of runs that are still going on) is true as long as every position is
where it left it, which each transaction checks.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.audit import projection, schedule_rows, store
from penstock.audit.changes import Changes, Written
from penstock.audit.projection import Batch, RunRows
from penstock.audit.statements import LIVE
from penstock.audit.store import Fenced, Move
from penstock.audit.views import dead_letter
from penstock.producers.log import Log, Record
from penstock.producers.signing import LOCAL_TENANT, Keyring
from penstock.runtime.epochs import EpochFilter
from penstock.runtime.errors import SetupError
from penstock.schemas.codec import Codec
from penstock.schemas.topics import VIEWS_GROUP

log = logging.getLogger("penstock.audit.views")

# Some 2.5 KB each: rows of runs, calls and approvals, of the runs that were spoken of last.
ROWS_KEPT_MAX: Final = 40_000
# What Postgres says of content that it can't hold, as opposed to being away or out of order.
_UNPROJECTABLE: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)

Partition = tuple[str, int]


class PositionRefused(SetupError):
    """The views were made from another log than this one: type `penstock rebuild-views` to make them anew."""


class Applier:
    """The only writer of the views while it goes on; not to be shared between threads."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        codec: Codec,
        keyring: Keyring | None = None,
        deployment: str = LOCAL_TENANT,
        schema: str = LIVE,
    ) -> None:
        """`keyring` says which of the operators' actions a door vouches for, none without it. `deployment` is the
        tenant whose the dead letters are that prove no other. `schema` has the tables: the views', or a shadow's."""
        self._connection = connection
        self._schema = schema
        self._deployment = deployment
        self._keyring = keyring or Keyring(())
        self._codec = codec
        self._partitions: dict[str, int] = {}
        self._positions: dict[Partition, int] = {}
        self._epochs: dict[Partition, int] = {}
        self._generations: dict[Partition, int] = {}
        self._runs: dict[str, RunRows] = {}
        self._rows = 0

    def take(self, partitions: Iterable[Partition], kept: Log) -> dict[Partition, int]:
        """Begin with these partitions, and no others; where to read each from.

        Raises PositionRefused if the views are of another log, psycopg.OperationalError if Postgres is away.
        """
        self.forget()
        wanted = sorted(set(partitions))
        known = store.places(self._connection, {topic for topic, _ in wanted}, self._schema)
        self._partitions = {topic: kept.partitions(topic) for topic, _ in wanted}
        for topic, partition in wanted:
            first, end = kept.bounds(topic, partition)
            identity = kept.identity(topic)
            place = known.get((topic, partition))
            if place is None:
                store.begin(self._connection, topic, partition, first, identity, self._schema)
                place = store.Place(first, 0, identity)
            _check(f"{topic} partition {partition}", place, store.Place(first, 0, identity), end)
            self._positions[topic, partition] = place.position
            self._epochs[topic, partition] = place.epoch
            self._generations[topic, partition] = place.generation
        return dict(self._positions)

    @property
    def positions(self) -> Mapping[Partition, int]:
        """Where each partition that was taken is read next."""
        return dict(self._positions)

    def forget(self) -> None:
        """Let go of all partitions and rows: they may have another writer now."""
        self._positions.clear()
        self._epochs.clear()
        self._generations.clear()
        self._forget_rows()

    def handle(self, records: Sequence[Record]) -> int:
        """Project what hasn't been projected of these records; how many that were.

        Raises Fenced if the views were moved by somebody else, psycopg.OperationalError if Postgres is away.
        In both cases nothing was written and everything is forgotten: take the partitions anew.
        """
        fresh = [
            record
            for record in records
            if record.offset >= self._positions.get((record.topic, record.partition), record.offset + 1)
        ]
        self._apply(fresh)
        return len(fresh)

    def _apply(self, fresh: Sequence[Record]) -> None:
        try:
            self._isolating(fresh)
        except (Fenced, psycopg.Error):
            self.forget()
            raise

    def _isolating(self, records: Sequence[Record]) -> None:
        """Project them; where Postgres can't hold the content of one, find it, set it aside and go on."""
        if not records:
            return
        try:
            self._project(records)
        except _UNPROJECTABLE as error:
            self._forget_rows()
            if len(records) == 1:
                log.error("%s set aside: %s", _place(records[0]), error)
                self._set_aside(records[0], error)
                return
            middle = len(records) // 2
            self._isolating(records[:middle])
            self._isolating(records[middle:])

    def _project(self, records: Sequence[Record]) -> None:
        epochs = EpochFilter(self._epochs)
        known = (self._codec, self._keyring, self._deployment, self._partitions)
        batch = projection.read(records, epochs, *known)
        unknown = batch.runs() - self._runs.keys()
        if unknown:
            self._runs |= store.load(self._connection, unknown, self._schema)
        changes = projection.fold(batch, self._runs, self._deployment)
        if batch.schedules:
            ids = {each.meta.entity_id for each in batch.schedules}
            rows = store.load_schedules(self._connection, ids, self._schema)
            changes = schedule_rows.fold(batch.schedules, rows, changes, self._deployment)
        self._write(records, epochs, changes)
        self._keep(batch)

    def _set_aside(self, record: Record, error: Exception) -> None:
        epochs = EpochFilter(self._epochs)
        epochs.admit(record)
        row = dead_letter.unprojectable(record, VIEWS_GROUP, error, self._deployment)
        self._write([record], epochs, Changes(Written(), Written(), Written(), (), (row,)))

    def _write(self, records: Sequence[Record], epochs: EpochFilter, changes: Changes) -> None:
        ends = {(record.topic, record.partition): record.offset + 1 for record in records}
        seen = epochs.state()
        moves = [
            Move(*place, self._positions[place], end, seen.get(place, 0), self._generations[place])
            for place, end in sorted(ends.items())
        ]
        store.write(self._connection, moves, changes, self._schema)
        self._positions |= ends
        self._epochs |= seen

    def _keep(self, batch: Batch) -> None:
        """Keep the rows of runs that go on, up to a limit; the views have the others."""
        for run_id in batch.runs():
            rows = self._runs.pop(run_id)
            self._rows -= rows.counted
            rows.written()
            if not rows.ended:
                self._runs[run_id] = rows
                self._rows += rows.counted
        # One run may have more than the limit by itself: it is kept, or each of its events would read them all.
        while self._rows > ROWS_KEPT_MAX and len(self._runs) > 1:
            self._rows -= self._runs.pop(next(iter(self._runs))).counted

    def _forget_rows(self) -> None:
        self._runs.clear()
        self._rows = 0


def catch_up(applier: Applier, kept: Log, topics: Iterable[str], batch_records_max: int = 500) -> int:
    """Project all that stands on these topics now; how many records that were. For tests and small logs."""
    places = [(topic, partition) for topic in topics for partition in range(kept.partitions(topic))]
    done = 0
    for (topic, partition), position in applier.take(places, kept).items():
        end = kept.bounds(topic, partition)[1]
        records = list(kept.read(topic, partition, position, end))
        for start in range(0, len(records), batch_records_max):
            done += applier.handle(records[start : start + batch_records_max])
    return done


def _check(name: str, place: store.Place, first: store.Place, end: int) -> None:
    mend = "if that is meant, `penstock rebuild-views` makes the views anew from the log that is there"
    if place.identity != first.identity:
        raise PositionRefused(f"the views were made from another log's {name} than the broker's now: {mend}")
    if place.position > end:
        raise PositionRefused(f"the views are at {place.position} of {name}, which ends at {end}: {mend}")
    if place.position < first.position:
        raise PositionRefused(
            f"the views are at {place.position} of {name}, which now begins at {first.position}: records "
            f"were removed that the views haven't seen; {mend}"
        )


def _place(record: Record) -> str:
    return f"{record.topic} partition {record.partition} offset {record.offset}"
