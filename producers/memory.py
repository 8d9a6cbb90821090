"""A log in memory that ships with the package, so that users test their code in milliseconds.

It keeps the contract of `producers.log`: murmur2 placement, offsets without gaps, headers, append times by
the log's clock, the size limit, an identity. And it fails on request, as a broker or a process would.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from penstock.producers.clock import Clock, SystemClock
from penstock.producers.errors import LogError, LogRefused, OwnerLost, UnknownTopic
from penstock.producers.log import LogIdentity, OnDone, Outgoing, Record
from penstock.producers.size import check_size
from penstock.schemas.ids import partition_of
from penstock.schemas.topics import ALL_TOPICS, Topic

_Partitions = dict[str, tuple[list[Record], ...]]


@dataclass(slots=True)
class _Broker:
    """What stands on the log; shared by the clients of one broker."""

    counts: Mapping[str, int]
    changed: threading.Condition = field(default_factory=threading.Condition)
    away: bool = False
    cluster_id: str = ""
    topic_ids: dict[str, str] = field(default_factory=dict)
    records: _Partitions = field(default_factory=dict)
    waiting: list[Callable[[], Callable[[], None]]] = field(default_factory=list)

    def wipe(self) -> None:
        self.cluster_id = f"memory-{uuid.uuid4()}"
        self.topic_ids = {topic: str(uuid.uuid4()) for topic in self.counts}
        self.records = {topic: tuple([] for _ in range(count)) for topic, count in self.counts.items()}


class MemoryLog:
    """A log in memory, and one client of it. Thread-safe."""

    def __init__(
        self,
        topics: Mapping[str, int] | tuple[Topic, ...] = ALL_TOPICS,
        clock: Clock | None = None,
        record_bytes_max: int | None = None,
    ) -> None:
        """`topics`: partition counts by topic name, or topics of the catalogue (the default: all of them).

        `clock` tells the append times. `record_bytes_max` replaces each topic's own limit.
        """
        if isinstance(topics, tuple):
            topics = {topic.name: topic.partitions for topic in topics}
        self._broker = _Broker(topics)
        self._broker.wipe()
        self._clock = clock or SystemClock()
        self._limit = record_bytes_max
        self._refusal: LogRefused | None = None
        self._next_failure: Exception | None = None
        self._survivors: int | None = None

    # The contract

    def append(self, records: Sequence[Outgoing]) -> Sequence[Record]:
        """As `Log.append`; waits while the broker is away."""
        with self._broker.changed:
            self._check(records)
            self._broker.changed.wait_for(lambda: not self._broker.away or self._refusal is not None)
            return self._arrive(records)

    def append_soon(self, record: Outgoing, on_done: OnDone) -> None:
        """As `SoonLog.append_soon`; `on_done` is called by this thread, or by `come_back`'s caller."""
        with self._broker.changed:
            self._check([record])
            if self._broker.away:
                self._broker.waiting.append(lambda: self._outcome(record, on_done))
                return
            answer = self._outcome(record, on_done)
        answer()

    def read(self, topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
        """As `Log.read`."""
        with self._broker.changed:
            kept = self._partition(topic, partition)[max(start, 0) : max(end, 0)]
        yield from kept

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """As `Log.bounds`; the first is always 0."""
        with self._broker.changed:
            return 0, len(self._partition(topic, partition))

    def partitions(self, topic: str) -> int:
        """As `Log.partitions`."""
        if topic not in self._broker.counts:
            raise UnknownTopic(topic)
        return self._broker.counts[topic]

    def identity(self, topic: str) -> LogIdentity:
        """As `Log.identity`."""
        self.partitions(topic)
        return LogIdentity(self._broker.cluster_id, self._broker.topic_ids[topic])

    def give_up_after(self, seconds: float) -> None:
        """As `Log.give_up_after`."""
        timer = threading.Timer(seconds, self.close)
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """This client appends no more; the records stay, for `another_client`."""
        with self._broker.changed:
            self._refusal = self._refusal or LogRefused("the log is closed: make a new one")
            self._broker.changed.notify_all()

    # What a test does to it

    def deliver(
        self, topic: str, partition: int, from_offset: int, records_max: int = 500, wait_s: float = 0
    ) -> tuple[Record, ...]:
        """The records from that offset on, as a fetch would bring them; waits up to `wait_s` for the first.

        Asking again from an earlier offset is a redelivery.
        """
        with self._broker.changed:
            self._broker.changed.wait_for(
                lambda: len(self._partition(topic, partition)) > from_offset, timeout=wait_s
            )
            return tuple(self._partition(topic, partition)[from_offset : from_offset + records_max])

    def fail_next_append(self, error: LogError) -> None:
        """The next append raises this before anything arrives. After a LogRefused this client is unusable,
        as Kafka's is; `another_client` is the new one to make.
        """
        with self._broker.changed:
            self._next_failure = error

    def lose_after(self, records: int) -> None:
        """Of the next append only so many records arrive; then it raises OwnerLost, as if the process had
        died in the middle of publishing. This client stays usable, for the owner that comes after.
        """
        with self._broker.changed:
            self._survivors = records

    def go_away(self) -> None:
        """The broker is away: appends wait, records handed over aren't acknowledged."""
        with self._broker.changed:
            self._broker.away = True

    def come_back(self) -> None:
        """The broker is back: what waited is appended, in order."""
        with self._broker.changed:
            self._broker.away = False
            answers = [arrive() for arrive in self._broker.waiting]
            self._broker.waiting.clear()
            self._broker.changed.notify_all()
        for answer in answers:
            answer()

    def wipe(self) -> None:
        """The broker loses everything and comes back as another: every topic empty, with a new identity."""
        with self._broker.changed:
            self._broker.wipe()
            self._broker.changed.notify_all()

    def another_client(self) -> "MemoryLog":
        """A client of the same broker: another process, or this one's after a LogRefused."""
        other = MemoryLog({}, self._clock, self._limit)
        other._broker = self._broker
        return other

    # How it is done

    def _check(self, records: Sequence[Outgoing]) -> None:
        if self._refusal is not None:
            raise self._refusal
        for record in records:
            check_size(record, self._limit)
            count = self.partitions(record.topic)
            if record.partition is not None and not 0 <= record.partition < count:
                raise UnknownTopic(record.topic, record.partition)

    def _arrive(self, records: Sequence[Outgoing]) -> list[Record]:
        if self._refusal is not None:
            raise self._refusal
        failure, self._next_failure = self._next_failure, None
        if failure is not None:
            if isinstance(failure, LogRefused):
                self._refusal = failure
            raise failure
        survivors, self._survivors = self._survivors, None
        stored = [self._store(record) for record in records[:survivors]]
        self._broker.changed.notify_all()
        if survivors is not None:
            raise OwnerLost(f"{len(stored)} of {len(records)} records arrived")
        return stored

    def _outcome(self, record: Outgoing, on_done: OnDone) -> Callable[[], None]:
        """Let it arrive under the lock, which keeps the order; the answer is given outside the lock."""
        outcome: Record | LogError
        try:
            outcome = self._arrive([record])[0]
        except LogError as error:
            outcome = error
        return partial(on_done, outcome)

    def _store(self, outgoing: Outgoing) -> Record:
        partition = outgoing.partition
        if partition is None:
            # Kafka places a record without a key anywhere; tests want it at the same place each time.
            count = self._broker.counts[outgoing.topic]
            partition = 0 if outgoing.key is None else partition_of(outgoing.key, count)
        kept = self._partition(outgoing.topic, partition)
        stored = Record(
            topic=outgoing.topic,
            partition=partition,
            offset=len(kept),
            time_ms=self._clock.now_ms(),
            key=outgoing.key,
            value=outgoing.value,
            headers=tuple(outgoing.headers),
        )
        kept.append(stored)
        return stored if outgoing.said is None else replace(stored, said=outgoing.said)

    def _partition(self, topic: str, partition: int) -> list[Record]:
        if not 0 <= partition < self.partitions(topic):
            raise UnknownTopic(topic, partition)
        return self._broker.records[topic][partition]
