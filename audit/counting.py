"""Counts what the projector does, for OpenTelemetry: an `Applier` that counts each batch once it is written.

The same metrics as those of the workers' hosts, under the group of the views, and the rows that were written. What
each means: `runtime/metric_names.py`.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.audit.applier import Applier, Partition
from penstock.audit.changes import Changes
from penstock.audit.store import Fenced
from penstock.producers.log import Log, Record
from penstock.producers.signing import LOCAL_TENANT, Keyring
from penstock.runtime import metric_names as names
from penstock.runtime.epochs import EpochFilter
from penstock.runtime.meters import PROCESS, Meters
from penstock.runtime.postgres import BROKEN_OFF
from penstock.schemas.codec import Codec
from penstock.schemas.topics import VIEWS_GROUP


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class CountedApplier(Applier):
    """The applier, counted. What was written and rolled back, or had been projected before, counts for nothing."""

    def __init__(
        self,
        connection: Connection[TupleRow],
        codec: Codec,
        meters: Meters = PROCESS,
        now_ms: Callable[[], int] = _now_ms,
        keyring: Keyring | None = None,
        deployment: str = LOCAL_TENANT,
    ) -> None:
        super().__init__(connection, codec, keyring, deployment)
        self._now_ms = now_ms
        self._counted: list[Partition] = []
        self._consumed = meters.total(names.CONSUMED)
        self._written = meters.total(names.VIEW_ROWS)
        self._failures = meters.total(names.BATCH_FAILURES)
        self._held = meters.total(names.PARTITIONS_HELD)
        self._lost = meters.total(names.PARTITIONS_LOST)
        self._seconds = meters.spread(names.PROCESS_SECONDS)
        self._records = meters.spread(names.BATCH_RECORDS)
        self._age = meters.spread(names.RECORD_AGE)
        self._takes = meters.spread(names.TAKE_SECONDS)

    def take(self, partitions: Iterable[Partition], kept: Log) -> dict[Partition, int]:
        began_s = time.perf_counter()
        positions = super().take(partitions, kept)
        # All partitions are taken in one go: each took as long as all of them.
        self._counted = list(positions)
        for topic, _ in positions:
            self._held.add(1, VIEWS_GROUP, topic)
            self._takes.record(time.perf_counter() - began_s, VIEWS_GROUP, topic)
        return positions

    def forget(self) -> None:
        counted, self._counted = self._counted, []
        for topic, _ in counted:
            self._held.add(-1, VIEWS_GROUP, topic)
        super().forget()

    def _apply(self, fresh: Sequence[Record]) -> None:
        began_s = time.perf_counter()
        try:
            super()._apply(fresh)
        except Fenced:
            for topic, _ in {(record.topic, record.partition) for record in fresh}:
                self._lost.add(1, VIEWS_GROUP, topic)
            raise
        except BROKEN_OFF:
            # The database is away: nobody's fault, and the batch comes again.
            raise
        except Exception as error:
            self._failures.add(1, VIEWS_GROUP, type(error).__name__)
            raise
        if fresh:
            self._count(fresh, time.perf_counter() - began_s)

    def _count(self, records: Sequence[Record], seconds: float) -> None:
        places = Counter((record.topic, record.partition) for record in records)
        for (topic, partition), count in places.items():
            self._consumed.add(count, VIEWS_GROUP, topic, str(partition))
        self._records.record(len(records), VIEWS_GROUP)
        now_ms = self._now_ms()
        for topic in {topic for topic, _ in places}:
            oldest_ms = min(record.time_ms for record in records if record.topic == topic)
            self._seconds.record(seconds, VIEWS_GROUP, topic)
            self._age.record(max(0, now_ms - oldest_ms) / 1000, VIEWS_GROUP, topic)

    def _write(self, records: Sequence[Record], epochs: EpochFilter, changes: Changes) -> None:
        super()._write(records, epochs, changes)
        for view, rows in (
            ("run", len(changes.runs.new) + len(changes.runs.changed)),
            ("tool_call", len(changes.calls.new) + len(changes.calls.changed)),
            ("approval", len(changes.approvals.new) + len(changes.approvals.changed)),
            ("run_event", len(changes.run_events)),
            ("schedule", len(changes.schedules.new) + len(changes.schedules.changed)),
            ("schedule_event", len(changes.schedule_events)),
            ("dead_letter", len(changes.dead_letters)),
            ("operator_action", len(changes.actions)),
            ("feedback", len(changes.feedback)),
        ):
            if rows:
                self._written.add(rows, view)
