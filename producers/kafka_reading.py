"""Reading stretches of a Kafka log by offset, without any consumer group.

Reads: any partition. Guarantees: every record with start <= offset < end, once and in order, across gaps and
broker restarts. Like the workers' pollers it reads uncommitted, so that both see the same records.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import methodcaller
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from penstock.producers.errors import LogRefused, UnknownTopic
from penstock.producers.kafka_outage import QUIET, tell_of_outage, wait_or_raise
from penstock.producers.kafka_patience import Stop
from penstock.producers.log import Record
from penstock.schemas.headers import UNREADABLE

_WAIT_S: Final = 0.25
_RETRY_S: Final = 0.1
_FETCH_RECORDS: Final = 500
_IDLE_CONSUMERS_MAX: Final = 2
# Not `message.headers()`: a loop that is hot calls C without looking for errors beside a result, and meets them later,
# anywhere, if it doesn't die of a hole before. This one always looks.
_asked_for_headers: Final = methodcaller("headers")


class _Forgot(Exception):
    """This consumer has forgotten a partition that its broker has."""


class Readers:
    """Consumers to borrow: each read has one to itself, so reads may be interleaved and left unfinished."""

    def __init__(self, settings: Mapping[str, str], stop: Stop, count: Callable[[str], int]) -> None:
        """`count` asks the broker how many partitions a topic has, and raises UnknownTopic."""
        self._stop = stop
        self._count = count
        self._settings = {
            **settings,
            # Only because librdkafka insists on one: nothing is ever subscribed or committed.
            "group.id": f"penstock-reader-{uuid.uuid4()}",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "isolation.level": "read_uncommitted",
            # A fetch of the next read waits behind the last one of this read, so that one mustn't dawdle.
            "fetch.wait.max.ms": 5,
            "queued.max.messages.kbytes": 16 * 1024,
            "reconnect.backoff.max.ms": 1000,
            "error_cb": tell_of_outage,
            "log_level": QUIET,
        }
        self._idle: list[Consumer] = []
        self._lock = threading.Lock()
        self._closed = False

    def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """(first offset kept, high watermark), asked of the broker. Waits while it is away."""
        while True:
            try:
                with self._borrowed() as consumer:
                    return self._bounds(consumer, topic, partition)
            except _Forgot:
                time.sleep(_RETRY_S)

    def read(self, topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
        """Every record with start <= offset < end that the partition keeps when the reading begins."""
        position = start
        while True:
            try:
                with self._borrowed() as consumer:
                    first, high = self._bounds(consumer, topic, partition)
                    position, end = max(position, first), min(end, high)
                    for record in self._read(consumer, topic, partition, position, end):
                        position = record.offset + 1
                        yield record
                    return
            except _Forgot:
                time.sleep(_RETRY_S)

    def _read(self, consumer: Consumer, topic: str, partition: int, start: int, end: int) -> Iterator[Record]:
        position = start
        if position < end:
            consumer.assign([TopicPartition(topic, partition, position)])
        while position < end:
            for message in self._fetched(consumer):
                error, offset = message.error(), message.offset()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    self._wait_or_raise(error, topic, partition)
                elif offset is not None and offset >= position:
                    # Whatever was skipped is a gap. The partition's end is told as an error.
                    position = offset
                    if error is None and offset < end:
                        position = offset + 1
                        yield record_of(message, topic, partition, offset)

    def close(self) -> None:
        """Reads under way end with LogRefused."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for consumer in idle:
            consumer.close()

    @contextmanager
    def _borrowed(self) -> Iterator[Consumer]:
        with self._lock:
            self._refuse_if_closed()
            consumer = self._idle.pop() if self._idle else Consumer(self._settings)
        forgot = False
        try:
            yield consumer
        except _Forgot:
            forgot = True
            raise
        finally:
            self._give_back(consumer, forgot)

    def _give_back(self, consumer: Consumer, forgot: bool) -> None:
        consumer.unassign()
        with self._lock:
            keep = not forgot and not self._closed and len(self._idle) < _IDLE_CONSUMERS_MAX
            if keep:
                self._idle.append(consumer)
        if not keep:
            consumer.close()

    def _bounds(self, consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
        place = TopicPartition(topic, partition)
        while True:
            self._refuse_if_closed()
            try:
                first, high = consumer.get_watermark_offsets(place, timeout=5)
                return first, high
            except KafkaException as error:
                self._wait_or_raise(error.args[0], topic, partition)

    def _wait_or_raise(self, error: KafkaError, topic: str, partition: int) -> None:
        """A consumer that is there while its broker comes back may say that it knows no such partition, and say so
        for good (librdkafka 2.16): the broker itself is believed, and that consumer isn't used again.
        """
        try:
            wait_or_raise(error, topic, partition)
        except UnknownTopic:
            if partition >= self._count(topic):
                raise
            raise _Forgot from None

    def _fetched(self, consumer: Consumer) -> list[Message]:
        """What is there, waiting only for the first: a consume with a timeout would wait to be full."""
        self._refuse_if_closed()
        message = consumer.poll(_WAIT_S)
        if message is None:
            return []
        return [message, *consumer.consume(_FETCH_RECORDS, 0)]

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise LogRefused("the log is closed: make a new one")
        self._stop.refuse_if_due()


def record_of(message: Message, topic: str, partition: int, offset: int) -> Record:
    """The record that librdkafka gives as a message without an error."""
    time_ms = message.timestamp()[1]
    return Record(
        topic, partition, offset, time_ms, _bytes(message.key()), _bytes(message.value()), _headers(message)
    )


def _headers(message: Message) -> tuple[tuple[str, bytes], ...]:
    """Kafka lets a header's name be any bytes. If one isn't UTF-8, confluent-kafka 2.16 gives headers with holes and
    an error beside them: such a record counts as one without headers, so that nobody vouches for it."""
    try:
        found = _asked_for_headers(message)
    except (SystemError, UnicodeDecodeError):
        return ((UNREADABLE, b"a header's name isn't UTF-8, so none could be read"),)
    return tuple((str(pair[0]), _bytes(pair[1]) or b"") for pair in found or ())


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
