"""The log on Kafka, as `producers.log` says it.

An append has a producer to itself and waits in its own flush, so that appends of several threads don't wait
for each other: the flush of a shared producer would wait for everybody's records. Records handed over by
`append_soon` share one producer, whose thread hears the answers.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from penstock.producers.errors import LogRefused, UnknownTopic
from penstock.producers.kafka_outage import QUIET, wait_or_raise
from penstock.producers.kafka_patience import Stop
from penstock.producers.kafka_reading import Readers
from penstock.producers.kafka_sending import Sender, SoonSender
from penstock.producers.log import LogIdentity, OnDone, Outgoing, Record
from penstock.producers.size import check_size

T = TypeVar("T")

CLOSE_S_DEFAULT: Final = 10.0
_ASK_S: Final = 5
# A question whose broker goes away may be lost inside librdkafka (2.16), past its own timeout: it is asked again.
_LOST_S: Final = _ASK_S + 1.0
_RETRY_S: Final = 0.1
_UNKNOWN_S: Final = 0.5


class KafkaLog:
    """A Kafka cluster as a log. Thread-safe; one for a process is enough."""

    def __init__(
        self,
        bootstrap_servers: str,
        client_id: str,
        *,
        record_bytes_max: int | None = None,
        close_s: float = CLOSE_S_DEFAULT,
    ) -> None:
        """Connects when first used. `record_bytes_max` replaces each topic's own limit in bytes; `close_s` is
        how long `close` waits for acknowledgements that are under way, in seconds.
        """
        self._settings = {"bootstrap.servers": bootstrap_servers, "client.id": client_id}
        self._limit = record_bytes_max
        self._close_s = close_s
        self._lock = threading.Condition()
        self._stop = Stop()
        self._refusal: LogRefused | None = None
        self._idle: list[Sender] = []
        self._busy = 0
        self._soon: SoonSender | None = None
        self._counts: dict[str, int] = {}
        self._readers = Readers(self._settings, self._stop, self.partitions)
        self._admin = AdminClient({**self._settings, "log_level": QUIET})

    def append(self, records: Sequence[Outgoing]) -> Sequence[Record]:
        """As `Log.append`. Also raises UnknownTopic, before anything is sent."""
        self._check(records)
        if not records:
            return []
        sender = self._borrow()
        try:
            stored = sender.send(records)
        except BaseException as error:
            # The producer may still hold records of this append; nobody else may flush them.
            self._settle(None, error)
            sender.close()
            raise
        self._settle(sender, None)
        return stored

    def append_soon(self, record: Outgoing, on_done: OnDone) -> None:
        """As `SoonLog.append_soon`; `on_done` is called by a thread of the log's."""
        self._check([record])
        with self._lock:
            self._refuse_if_closed()
            if self._soon is None:
                self._soon = SoonSender(self._settings, self._stop)
        self._soon.send(record, on_done)

    def read(self, topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
        """As `Log.read`. An `end` past the partition's end is cut to that of the reading's beginning."""
        return self._readers.read(topic, partition, start, end)

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """As `Log.bounds`, asked of the broker."""
        return self._readers.bounds(topic, partition)

    def partitions(self, topic: str) -> int:
        """As `Log.partitions`, asked of the broker."""
        return self._described(topic)[1]

    def identity(self, topic: str) -> LogIdentity:
        """As `Log.identity`, asked of the broker: it may be another since the last time."""
        topic_id, _ = self._described(topic)
        cluster = self._patiently(
            topic, lambda: self._admin.describe_cluster(request_timeout=_ASK_S).result(_LOST_S)
        )
        return LogIdentity(cluster_id=str(cluster.cluster_id), topic_id=topic_id)

    def give_up_after(self, seconds: float) -> None:
        """As `Log.give_up_after`; a question that is under way then may take its 5 s."""
        self._stop.after(seconds)

    def close(self) -> None:
        """Take no more, wait up to `close_s` for what is under way, let go. Calling it again does nothing."""
        with self._lock:
            self._refusal = self._refusal or LogRefused("the log is closed: make a new one")
            self._stop.after(self._close_s)
            self._lock.wait_for(lambda: not self._busy)
            idle, self._idle = self._idle, []
            soon, self._soon = self._soon, None
        for sender in idle:
            sender.close()
        if soon is not None:
            soon.close()
        self._readers.close()

    def _check(self, records: Sequence[Outgoing]) -> None:
        self._refuse_if_closed()
        for record in records:
            check_size(record, self._limit)
            count = self._counts.get(record.topic)
            if count is None:
                count = self._counts[record.topic] = self.partitions(record.topic)
            if record.partition is not None and not 0 <= record.partition < count:
                raise UnknownTopic(record.topic, record.partition)

    def _borrow(self) -> Sender:
        with self._lock:
            self._refuse_if_closed()
            sender = self._idle.pop() if self._idle else Sender(self._settings, self._stop)
            self._busy += 1
            return sender

    def _settle(self, sender: Sender | None, error: BaseException | None) -> None:
        with self._lock:
            self._busy -= 1
            if sender is not None:
                self._idle.append(sender)
            if isinstance(error, LogRefused):
                self._refusal = self._refusal or error
            self._lock.notify_all()

    def _refuse_if_closed(self) -> None:
        soon = self._soon
        refusal = self._refusal or (soon.refusal if soon is not None else None)
        if refusal is not None:
            raise LogRefused(str(refusal)) from refusal
        self._stop.refuse_if_due()

    def _described(self, topic: str) -> tuple[str, int]:
        """(topic id, partition count)."""

        def ask() -> tuple[str, int]:
            answers = self._admin.describe_topics(TopicCollection([topic]), request_timeout=_ASK_S)
            description = answers[topic].result(_LOST_S)
            return str(description.topic_id), len(description.partitions)

        return self._patiently(topic, ask)

    def _patiently(self, topic: str, ask: Callable[[], T]) -> T:
        """Ask the broker until it answers, or the log is closed."""
        known_by = time.monotonic() + _UNKNOWN_S
        while True:
            self._refuse_if_closed()
            try:
                return ask()
            except TimeoutError:
                continue
            except KafkaException as error:
                try:
                    wait_or_raise(error.args[0], topic)
                except UnknownTopic:
                    # A broker hears of a new topic a moment after the one who made it.
                    if time.monotonic() > known_by:
                        raise
                time.sleep(_RETRY_S)
