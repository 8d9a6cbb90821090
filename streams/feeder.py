"""Hands a partition's batches to its host in one thread, and says which partitions may be fetched and from where.

Faust decides which partitions are ours; where to read is ours to say (laws L3, L4): a partition is fetched only
after its host has taken it, outside the rebalance callback, and from the host's own position. Each taking has a
number, and a batch fetched under an older number is dropped here: the records come again.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from penstock.producers.log import Record
from penstock.runtime.points import reach
from penstock.streams.host import Fenced, PartitionHost

log = logging.getLogger("penstock.streams.feeder")

# One delivery in the host's hands and one behind it: what is fetched meanwhile makes the next one larger.
DELIVERIES_AHEAD_MAX: Final = 2
FENCED_PAUSE_S: Final = 3.0

R = TypeVar("R")
Seek = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was fetched of one partition at once, under the taking of that number."""

    number: int
    records: Sequence[Record]


# What was fetched at once, by partition: one Faust event.
Delivery = Mapping[int, Batch]


class Feeder:
    """Lives on the worker's event loop; everything of the host runs in the one thread that it keeps."""

    def __init__(self, host: PartitionHost, on_failure: Callable[[BaseException], None]) -> None:
        self.host = host
        self.positions: dict[int, int] = {}
        self._on_failure = on_failure
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="host")
        self._numbers: Counter[int] = Counter()
        self._ready: set[int] = set()
        self._ahead = 0
        self._openings: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._stopped = False

    def fetchable(self) -> set[int]:
        """Partitions that are taken; none while the host is behind."""
        return set(self._ready) if self._ahead < DELIVERIES_AHEAD_MAX else set()

    async def changed(self, timeout_s: float) -> None:
        """Until `fetchable` may answer differently, at most so long."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), timeout_s)

    def revoked(self, partitions: Iterable[int]) -> None:
        """A rebalance begins: nothing more is fetched of these. What the host has in hand it may finish."""
        for partition in partitions:
            self._ready.discard(partition)
            self._numbers[partition] += 1

    def assigned(self, partitions: Iterable[int], seek: Seek) -> None:
        """The rebalance is over: take what is new, go on with what stayed, let go of the rest."""
        kept = set(partitions)
        # A rebalance empties the agent's queue: what was on its way won't arrive.
        self._ahead = 0
        for partition in set(self.positions) - kept:
            del self.positions[partition]
            self._thread.submit(self.host.drop, partition)
        for partition in kept:
            self._open(partition, seek, again=False)

    def delivery(self, fetched: Mapping[int, Sequence[Record]]) -> Delivery:
        """Mark records that were just fetched."""
        self._ahead += 1
        return {p: Batch(self._numbers[p], records) for p, records in fetched.items() if p in self._ready}

    async def handle(self, delivery: Delivery, seek: Seek) -> None:
        """Have the host do it all. Never raises: no exception may leave a Faust agent, which would lose it."""
        try:
            await self._handle(delivery, seek)
        except Exception as error:  # noqa: BLE001 whatever it is, the worker ends and the input stays unacknowledged
            self._fail(error)
        finally:
            self.forget(1)

    def forget(self, deliveries: int) -> None:
        """So many deliveries are done, or were dropped on their way."""
        self._ahead = max(0, self._ahead - deliveries)
        self._changed.set()

    async def _handle(self, delivery: Delivery, seek: Seek) -> None:
        current = {p: batch.records for p, batch in delivery.items() if batch.number == self._numbers[p]}
        if self._stopped or not current:
            return
        lost = await self._in_thread(self.host.handle_all, current)
        for partition, records in current.items():
            if partition not in lost:
                self.positions[partition] = records[-1].offset + 1
        reach("before-ack")
        for partition in lost:
            log.warning("%s/%d was fenced", self.host.topic, partition)
            if delivery[partition].number == self._numbers[partition]:
                self._open(partition, seek, again=True)

    async def close(self) -> None:
        """Finish the batch in hand, then close the host."""
        self._stopped = True
        self._ready.clear()
        for opening in self._openings:
            opening.cancel()
        await self._in_thread(self.host.close)
        self._thread.shutdown(wait=False)

    def _open(self, partition: int, seek: Seek, *, again: bool) -> None:
        self._ready.discard(partition)
        self._numbers[partition] += 1
        if again:
            self.positions.pop(partition, None)
        opening = asyncio.ensure_future(self._take(partition, self._numbers[partition], seek, again))
        self._openings.add(opening)
        opening.add_done_callback(self._openings.discard)

    async def _take(self, partition: int, number: int, seek: Seek, again: bool) -> None:
        try:
            if again:
                # If another process owns the partition now, the rebalance that says so is on its way.
                await asyncio.sleep(FENCED_PAUSE_S)
            if self._stopped or number != self._numbers[partition]:
                return
            position = await self._in_thread(self._position, partition)
            if number == self._numbers[partition]:
                await seek(partition, position)
                self._ready.add(partition)
                self._changed.set()
        except Fenced as error:
            log.warning("%s/%d was fenced while taking it: %s", self.host.topic, partition, error)
            if number == self._numbers[partition]:
                self._open(partition, seek, again=True)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 a partition that can't be taken ends the worker, with the reason
            if number == self._numbers[partition]:
                self._fail(error)

    def _position(self, partition: int) -> int:
        """In the host's thread, so after any batch that it has in hand."""
        if partition not in self.positions:
            self.positions[partition] = self.host.take(partition)
        return self.positions[partition]

    async def _in_thread(self, step: Callable[..., R], *args: object) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, step, *args)

    def _fail(self, error: BaseException) -> None:
        if not self._stopped:
            self._stopped = True
            self._ready.clear()
            self._on_failure(error)
