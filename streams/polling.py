"""The poller: one thread that reads one topic as a member of its group, with confluent-kafka.

What one fetch brings, of all partitions, is one delivery. It goes to a Faust agent, and the next follows
when the host is done with it: deliveries then grow with the load by themselves, and nobody waits to fill one.
The group's committed offsets follow the host's positions, for lag tools only; reading starts from those.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from penstock.producers.kafka_ends import Ends
from penstock.producers.kafka_outage import wait_or_raise
from penstock.producers.kafka_reading import record_of
from penstock.producers.log import Record
from penstock.runtime.settings import Settings
from penstock.runtime.stalls import Remedy, Stalls
from penstock.streams.feed import Delivery, Feed
from penstock.streams.fetching import consumer

log = logging.getLogger("penstock.streams.polling")

POLL_S: Final = 0.1
DELIVERIES_AHEAD_MAX: Final = 1
# A host that waits for its database may take long: from then on its poller serves the group alone.
PATIENCE_S: Final = 1.0
COMMIT_EVERY_S: Final = 1.0
JOIN_S: Final = 3.0


class Poller:
    """`deliver` hands a delivery on without waiting for it; whoever is done with one calls `done`."""

    def __init__(
        self,
        feed: Feed,
        settings: Settings,
        name: str | None,
        deliver: Callable[[Delivery], None],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._feed = feed
        self._topic = feed.host.topic
        self._deliver = deliver
        self._on_failure = on_failure
        self._records_max = settings.batch_records_max
        self._make = partial(consumer, feed, settings, name)
        self._consumer = self._make()
        self._ends = Ends(settings.kafka_bootstrap_servers)
        self._stalls = Stalls(self._ends, feed.host.group_id)
        self._assigned: set[int] = set()
        self._read: dict[int, int] = {}
        self._fed: set[int] = set()
        self._slots = threading.Semaphore(DELIVERIES_AHEAD_MAX)
        self._stopping = threading.Event()
        self._committed: dict[int, int] = {}
        self._commit_at_s = time.monotonic() + COMMIT_EVERY_S
        self._thread = threading.Thread(target=self._run, name=f"poll-{self._topic}", daemon=True)

    def start(self) -> None:
        """Join the group and read."""
        self._thread.start()

    def done(self) -> None:
        """One delivery was handled, or dropped."""
        self._slots.release()

    def stop(self) -> None:
        """Read nothing more. Commit what the host has done and leave the group."""
        self._stopping.set()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        try:
            self._join()
            while not self._stopping.is_set():
                self._start_what_may_be_read()
                fetched = self._fetched()
                self._hand_on(self._sorted(fetched))
                self._commit_now_and_then()
                if len(fetched) < self._records_max:
                    self._go_on_where_it_stands_still()
            self._commit(wait=True)
        except Exception as error:  # noqa: BLE001 a poller that died would look alive: the worker ends
            if not self._stopping.is_set():
                self._on_failure(error)
        finally:
            self._ends.close()
            self._consumer.close()

    def _join(self) -> None:
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def _go_on_where_it_stands_still(self) -> None:
        remedy = self._stalls.look({(self._topic, p): position for p, position in self._read.items()})
        if remedy is Remedy.READ_ANEW:
            self._start(dict(self._read))
        elif remedy is Remedy.NEW_CONSUMER:
            self._consumer.close()
            self._consumer = self._make()
            self._join()

    def _fetched(self) -> list[Message]:
        """What is there, waiting only for the first: a consume with a timeout would wait to be full."""
        message = self._consumer.poll(POLL_S)
        if message is None:
            return []
        return [message, *self._consumer.consume(self._records_max - 1, 0)]

    def _sorted(self, messages: Sequence[Message]) -> dict[int, list[Record]]:
        """By partition, what the host hasn't seen yet."""
        positions = self._feed.positions
        found: dict[int, list[Record]] = {}
        for message in messages:
            partition, offset = message.partition(), message.offset()
            is_record = self._is_record(message)
            if partition in self._read and offset is not None:
                # What isn't a record is the end: it may stand behind marks of transactions, which nobody is given.
                self._read[partition] = offset + 1 if is_record else max(offset, self._read[partition])
                if not is_record:
                    continue
                if offset >= positions.get(partition, 0):
                    found.setdefault(partition, []).append(record_of(message, self._topic, partition, offset))
                elif self._feed.is_fed(partition):
                    self._fed.add(partition)
        for partition in self._fed.intersection(self._read):
            # What is fetched of it has been handed over already.
            del self._read[partition]
            self._consumer.pause([self._place(partition)])
        return found

    def _hand_on(self, found: Mapping[int, Sequence[Record]]) -> None:
        if not found:
            return
        delivery = self._feed.delivery(found)
        if not self._slots.acquire(timeout=PATIENCE_S):
            self._serve_the_group_only()
        if not self._stopping.is_set():
            self._deliver(delivery)

    def _serve_the_group_only(self) -> None:
        """Until the host is done with something: rebalances go on, nothing is read."""
        if self._read:
            self._consumer.pause([self._place(partition) for partition in self._read])
        while not self._stopping.is_set() and not self._slots.acquire(blocking=False):
            # A record isn't wanted now and comes again; that this consumer is at its end is said only once.
            self._is_record(self._consumer.poll(POLL_S))
        self._start(dict(self._read))

    def _is_record(self, message: Message | None) -> bool:
        """Whether there is one. Raises what doesn't pass by itself."""
        error = None if message is None else message.error()
        if message is None or error is None:
            return message is not None
        if error.code() != KafkaError._PARTITION_EOF:
            wait_or_raise(error, self._topic, message.partition())
        return False

    def _start_what_may_be_read(self) -> None:
        starts = {p: position for p, position in self._feed.starts().items() if p in self._assigned}
        for partition in self._fed:
            if not self._feed.is_fed(partition) and partition in self._feed.positions:
                starts[partition] = self._feed.positions[partition]
        self._start(starts)

    def _start(self, starts: Mapping[int, int]) -> None:
        """Read these from there, and go on with the rest.

        An assignment says where. A seek after one at the end races with the look-up of that end, and where it
        loses, the records before the end are never read; in a partition that was lost meanwhile it never succeeds.
        """
        if not starts:
            return
        self._read.update(starts)
        self._fed.difference_update(starts)
        places = [self._place(partition, offset) for partition, offset in self._read.items()]
        self._consumer.assign(places)
        self._consumer.resume(places)

    def _on_assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._assigned = {place.partition for place in places}
        self._read.clear()
        self._fed.clear()
        # Nothing is read before its host has said from where.
        consumer.assign([])
        self._feed.assigned(self._assigned)

    def _on_revoke(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._read.clear()
        self._fed.clear()
        self._feed.revoked(place.partition for place in places)
        consumer.unassign()

    def _commit_now_and_then(self) -> None:
        if time.monotonic() >= self._commit_at_s:
            self._commit(wait=False)
            self._commit_at_s = time.monotonic() + COMMIT_EVERY_S

    def _commit(self, *, wait: bool) -> None:
        positions = {p: offset for p, offset in self._feed.positions.items() if p in self._assigned}
        moved = [
            self._place(p, offset) for p, offset in positions.items() if self._committed.get(p) != offset
        ]
        if not moved:
            return
        try:
            if wait:
                self._consumer.commit(offsets=moved, asynchronous=False)
            else:
                self._consumer.commit(offsets=moved, asynchronous=True)
            self._committed.update(positions)
        except KafkaException as error:
            # Only lag tools look at it.
            log.debug("the group's offsets of %s aren't committed: %s", self._topic, error)

    def _place(self, partition: int, offset: int | None = None) -> TopicPartition:
        if offset is None:
            return TopicPartition(self._topic, partition)
        return TopicPartition(self._topic, partition, offset)
