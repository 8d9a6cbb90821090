"""Between a topic's poller and its host: which partitions are ours, where each stands, and what comes next.

Records come from two sides. The poller fetches them, through a Faust agent; or a host of this same process has
just appended them and hands them over in memory. An acknowledged record that is handed over counts only if its
offset is the very next one that its partition expects; its fetched copy is dropped later, and what was handed
over too early is fetched. So the log decides the order, whichever way a record came.

The group decides which partitions are ours; where to read is ours to say (laws L3, L4): a partition is read only
after its host has taken it, outside the rebalance callback, and from the host's own position. Each taking has a
number, and what was fetched under an older number is dropped here: the records come again.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

from penstock.producers.log import Record
from penstock.runtime.points import reach
from penstock.streams.host import Fenced, PartitionHost
from penstock.streams.pace import Pace

log = logging.getLogger("penstock.streams.feed")

FENCED_PAUSE_S: Final = 3.0
# A partition whose records are handed over needn't be fetched; after so long without any it is fetched again.
FED_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Batch:
    """What was fetched of one partition at once, under the taking of that number."""

    number: int
    records: Sequence[Record]


# What was fetched at once, by partition: one Faust event.
Delivery = Mapping[int, Batch]


class Feed:
    """One host's. The hosts of a process share `thread`: one turn ends before the next, which takes all there is."""

    def __init__(
        self, host: PartitionHost, thread: ThreadPoolExecutor, on_failure: Callable[[BaseException], None]
    ) -> None:
        self.host = host
        # The offset that each partition taken expects next. Written in the host's thread, read by anyone.
        self.positions: dict[int, int] = {}
        self._thread = thread
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._numbers: Counter[int] = Counter()
        self._owned: frozenset[int] = frozenset()
        self._fetched: list[tuple[Delivery, Callable[[], object]]] = []
        self._handed: dict[int, list[Record]] = {}
        self._fed_at_s: dict[int, float] = {}
        self._turn_is_due = False
        self._starts: dict[int, int] = {}
        # Under which taking the poller reads: until it is told of a new one, what it fetches has the old number.
        self._reading: dict[int, int] = {}
        self._again: dict[int, tuple[int, float]] = {}
        self._stopped = False
        self._pace = Pace(host.pace_s)

    # What follows is called by the poller.

    def revoked(self, partitions: Iterable[int]) -> None:
        """A rebalance begins: nothing more is read of these. What the host has in hand it may finish."""
        with self._lock:
            for partition in partitions:
                self._renumber(partition)

    def assigned(self, partitions: Iterable[int]) -> None:
        """The rebalance is over: take what is new, go on with what stayed, let go of the rest."""
        with self._lock:
            owned, self._owned = self._owned, frozenset(partitions)
            for partition in owned - self._owned:
                self._renumber(partition)
                self._thread.submit(self._drop, partition)
            for partition in self._owned:
                self._thread.submit(self._take, partition, self._renumber(partition))

    def starts(self) -> Mapping[int, int]:
        """Partitions that may be read from now on, and from where; each is said once. Takes again what is due."""
        now_s = time.monotonic()
        with self._lock:
            for partition, (number, at_s) in list(self._again.items()):
                if now_s >= at_s:
                    del self._again[partition]
                    self._thread.submit(self._take, partition, number)
            starts, self._starts = self._starts, {}
            self._reading.update({partition: self._numbers[partition] for partition in starts})
        return starts

    def delivery(self, fetched: Mapping[int, Sequence[Record]]) -> Delivery:
        """Mark records that were just fetched."""
        return {p: Batch(self._reading.get(p, 0), some) for p, some in fetched.items()}

    def is_fed(self, partition: int) -> bool:
        """Whether all its records have lately been handed over, so that fetching them is a waste."""
        at_s = self._fed_at_s.get(partition)
        return at_s is not None and time.monotonic() - at_s < FED_S

    # What follows is called by the agent, on the event loop, and by hosts that append.

    async def handle(self, delivery: Delivery) -> None:
        """Have the host do it all. Never raises: no exception may leave a Faust agent, which would lose it."""
        loop = asyncio.get_running_loop()
        handled = loop.create_future()

        def settle() -> None:
            if not handled.done():
                handled.set_result(None)

        with self._lock:
            if self._stopped:
                return
            self._fetched.append((delivery, partial(loop.call_soon_threadsafe, settle)))
            self._plan_a_turn()
        await handled

    def hand(self, records: Sequence[Record], *, all_of_them: bool) -> None:
        """Records that this process has appended to the host's topic, acknowledged, in order. `all_of_them`:
        nobody else writes there while this process owns the partition."""
        now_s = time.monotonic()
        with self._lock:
            for record in records:
                if record.partition in self.positions:
                    self._handed.setdefault(record.partition, []).append(record)
                    if all_of_them:
                        self._fed_at_s[record.partition] = now_s
            if self._handed and not self._stopped:
                self._plan_a_turn()

    def stop(self) -> None:
        """Begin nothing more."""
        with self._lock:
            self._stopped = True
            waiting, self._fetched = self._fetched, []
        for _, done in waiting:
            done()

    # What follows runs in the host's thread.

    def _turn(self) -> None:
        self._pace.wait()
        with self._lock:
            self._turn_is_due = False
            fetched, self._fetched = self._fetched, []
            handed, self._handed = self._handed, {}
        try:
            batches = self._due([delivery for delivery, _ in fetched], handed)
            if batches and not self._stopped:
                self._handle(batches)
        except Exception as error:  # noqa: BLE001 whatever it is, the worker ends and the input stays unacknowledged
            self._fail(error)
        finally:
            for _, done in fetched:
                done()

    def _due(
        self, deliveries: Sequence[Delivery], handed: Mapping[int, Sequence[Record]]
    ) -> dict[int, list[Record]]:
        """By partition, what comes next there, each record once and in the order of the log."""
        due: dict[int, list[Record]] = {}
        ends = dict(self.positions)
        for delivery in deliveries:
            for partition, batch in delivery.items():
                if batch.number == self._numbers[partition] and partition in ends:
                    new = [record for record in batch.records if record.offset >= ends[partition]]
                    if new:
                        due.setdefault(partition, []).extend(new)
                        ends[partition] = new[-1].offset + 1
        for partition, records in handed.items():
            for record in records:
                if record.offset == ends.get(partition):
                    due.setdefault(partition, []).append(record)
                    ends[partition] += 1
                elif record.offset > ends.get(partition, record.offset):
                    # Somebody else's record stands between: fetching brings it, and this one behind it.
                    self._fed_at_s.pop(partition, None)
                    break
        return due

    def _handle(self, batches: Mapping[int, Sequence[Record]]) -> None:
        self._pace.note(sum(len(records) for records in batches.values()))
        lost = self.host.handle_all(batches)
        for partition, records in batches.items():
            if partition not in lost:
                self.positions[partition] = records[-1].offset + 1
        reach("before-ack")
        for partition in lost:
            log.warning("%s/%d was fenced", self.host.topic, partition)
            self._take_again(partition)

    def _take(self, partition: int, number: int) -> None:
        if self._stopped or number != self._numbers[partition]:
            return
        try:
            if partition not in self.positions:
                self.positions[partition] = self.host.take(partition)
        except Fenced as error:
            log.warning("%s/%d was fenced while taking it: %s", self.host.topic, partition, error)
            self._take_again(partition)
            return
        except Exception as error:  # noqa: BLE001 a partition that can't be taken ends the worker, with the reason
            if number == self._numbers[partition]:
                self._fail(error)
            return
        with self._lock:
            if number == self._numbers[partition]:
                self._starts[partition] = self.positions[partition]

    def _take_again(self, partition: int) -> None:
        """After a pause: if another process owns it now, the rebalance that says so is on its way."""
        self.positions.pop(partition, None)
        with self._lock:
            if partition in self._owned:
                self._again[partition] = (self._renumber(partition), time.monotonic() + FENCED_PAUSE_S)

    def _drop(self, partition: int) -> None:
        self.positions.pop(partition, None)
        self.host.drop(partition)

    def _fail(self, error: BaseException) -> None:
        if not self._stopped:
            self.stop()
            self._on_failure(error)

    # With the lock held.

    def _renumber(self, partition: int) -> int:
        self._numbers[partition] += 1
        self._starts.pop(partition, None)
        self._again.pop(partition, None)
        self._fed_at_s.pop(partition, None)
        return self._numbers[partition]

    def _plan_a_turn(self) -> None:
        if not self._turn_is_due:
            self._turn_is_due = True
            self._thread.submit(self._turn)
