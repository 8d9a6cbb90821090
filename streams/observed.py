"""Counts what a host does, for OpenTelemetry: a `PartitionHost` around any other, and an observer of its calls.

Everything is counted once a batch or once a call; a record costs a look at its headers. What is counted, and what
it means: `runtime/metric_names.py`.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Final

from penstock.producers.log import Record
from penstock.runtime import metric_names as names
from penstock.runtime.meters import PROCESS, Meters
from penstock.schemas.headers import CE_TYPE
from penstock.schemas.topics import TOOLS_GROUP
from penstock.streams.host import PartitionHost
from penstock.streams.observing import COMPLETED, staged
from penstock.streams.spans import CallSpan, of_run, processing, sampled

PARKED: Final = "InputParked"
# Where Penstock's own writers put the type: right behind ce_specversion and ce_id.
_CE_TYPE_AT: Final = 2


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Observed:
    """The host inside, counted and traced. A `PartitionHost`."""

    def __init__(
        self, host: PartitionHost, meters: Meters = PROCESS, now_ms: Callable[[], int] = _now_ms
    ) -> None:
        self.topic = host.topic
        self.group_id = host.group_id
        self.appends_to = host.appends_to
        self.appends_alone = host.appends_alone
        self.appended = host.appended
        self.fetch_min_bytes = host.fetch_min_bytes
        self.pace_s = host.pace_s
        self._host = host
        self._now_ms = now_ms
        self._held: set[int] = set()
        self._consumed = meters.total(names.CONSUMED)
        self._sent = meters.total(names.SENT)
        self._parked = meters.total(names.PARKED)
        self._failures = meters.total(names.BATCH_FAILURES)
        self._partitions = meters.total(names.PARTITIONS_HELD)
        self._lost = meters.total(names.PARTITIONS_LOST)
        self._seconds = meters.spread(names.PROCESS_SECONDS)
        self._stages = meters.spread(names.STAGE_SECONDS)
        self._records = meters.spread(names.BATCH_RECORDS)
        self._age = meters.spread(names.RECORD_AGE)
        self._takes = meters.spread(names.TAKE_SECONDS)
        host.appended.listeners.append(self._count_sent)

    @property
    def fault(self) -> BaseException | None:
        return self._host.fault

    def take(self, partition: int) -> int:
        began_s = time.perf_counter()
        position = self._host.take(partition)
        self._takes.record(time.perf_counter() - began_s, self.group_id, self.topic)
        if partition not in self._held:
            self._held.add(partition)
            self._partitions.add(1, self.group_id, self.topic)
        return position

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        traced = [
            (record, traceparent)
            for records in batches.values()
            for record in records
            if (traceparent := sampled(record)) is not None
        ]
        began_s = time.perf_counter()
        try:
            with staged() as seconds:
                if traced:
                    with processing(self.group_id, traced):
                        lost = self._host.handle_all(batches)
                else:
                    lost = self._host.handle_all(batches)
        except BaseException as error:
            self._failures.add(1, self.group_id, type(error).__name__)
            raise
        self._count(batches, lost, time.perf_counter() - began_s, seconds)
        return lost

    def drop(self, partition: int) -> None:
        self._host.drop(partition)
        self._let_go(partition)

    def stop(self) -> None:
        self._host.stop()

    def close(self) -> None:
        try:
            self._host.close()
        finally:
            for partition in tuple(self._held):
                self._let_go(partition)

    def _let_go(self, partition: int) -> None:
        if partition in self._held:
            self._held.discard(partition)
            self._partitions.add(-1, self.group_id, self.topic)

    def _count(
        self,
        batches: Mapping[int, Sequence[Record]],
        lost: frozenset[int],
        seconds: float,
        stages: Mapping[str, float],
    ) -> None:
        oldest_ms, count = None, 0
        for partition, records in batches.items():
            if partition in lost:
                self._lost.add(1, self.group_id, self.topic)
                self._let_go(partition)
            elif records:
                count += len(records)
                self._consumed.add(len(records), self.group_id, self.topic, str(partition))
                # A partition's records are in the order of the log: the first one is the oldest.
                first_ms = records[0].time_ms
                oldest_ms = first_ms if oldest_ms is None else min(oldest_ms, first_ms)
        if oldest_ms is None:
            return
        self._seconds.record(seconds, self.group_id, self.topic)
        self._records.record(count, self.group_id)
        self._age.record(max(0, self._now_ms() - oldest_ms) / 1000, self.group_id, self.topic)
        if stages:
            self._stages.record(max(0.0, seconds - sum(stages.values())), self.group_id, "decide")
            for stage, spent_s in stages.items():
                self._stages.record(spent_s, self.group_id, stage)

    def _count_sent(self, records: Sequence[Record]) -> None:
        for (topic, kind), count in Counter((record.topic, _type(record)) for record in records).items():
            self._sent.add(count, self.group_id, topic, kind)
            if kind == PARKED:
                self._parked.add(count, self.group_id)


# A call's thread or asyncio task has a context of its own, and in it one call at a time.
_SPAN: Final[ContextVar[CallSpan | None]] = ContextVar("penstock.call", default=None)


class CountedCalls:
    """The observer of tools, counting. A `CallObserver`."""

    def __init__(self, meters: Meters = PROCESS, group_id: str = TOOLS_GROUP) -> None:
        self._group_id = group_id
        self._tenant = meters.tenant
        self._calls = meters.total(names.CALLS)
        self._active = meters.total(names.CALLS_ACTIVE)
        self._seconds = meters.spread(names.CALL_SECONDS)
        self._retries = meters.total(names.RETRIES)
        self._leases = meters.total(names.LEASES_HELD)
        self._leases_lost = meters.total(names.LEASES_LOST)

    def call_began(self, tool: str, tenant: str, attempt: int, run_id: str) -> None:
        self._active.add(1, tool)
        if attempt > 1:
            self._retries.add(1, tool)
        traceparent = of_run(run_id)
        if traceparent is not None:
            _SPAN.set(CallSpan(self._group_id, tool, attempt, traceparent))

    def call_ended(self, tool: str, tenant: str, outcome: str, duration_s: float) -> None:
        self._active.add(-1, tool)
        self._calls.add(1, tool, self._tenant(tenant), outcome)
        self._seconds.record(duration_s, tool)
        span = _SPAN.get()
        if span is not None:
            _SPAN.set(None)
            span.end(outcome, well=outcome == COMPLETED)

    def lease_held(self) -> None:
        self._leases.add(1)

    def lease_lost(self) -> None:
        self._leases.add(-1)
        self._leases_lost.add(1)

    def lease_released(self) -> None:
        self._leases.add(-1)


def count_dead_letter(group_id: str, topic: str, meters: Meters = PROCESS) -> None:
    """A record of that topic was put aside."""
    meters.total(names.DEAD_LETTERS).add(1, group_id, topic)


def _type(record: Record) -> str:
    headers = record.headers
    if len(headers) > _CE_TYPE_AT and headers[_CE_TYPE_AT][0] == CE_TYPE:
        return headers[_CE_TYPE_AT][1].decode("ascii", "replace")
    return (record.header(CE_TYPE) or b"").decode("ascii", "replace")
