"""How the projector fetches: its consumer, what that has been told to bring, and what of it came."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from penstock.producers.kafka_ends import Ends
from penstock.producers.kafka_outage import QUIET, tell_of_outage
from penstock.producers.kafka_reading import record_of
from penstock.producers.log import Record
from penstock.runtime.settings import Settings
from penstock.runtime.stalls import Remedy, Stalls
from penstock.schemas.topics import VIEWS_GROUP

# What the broker waits for before it answers a fetch: without it every append of a decider is a fetch of its own.
FETCH_BYTES_MIN: Final = 524_288
FETCH_WAIT_MS_MAX: Final = 50


class Displaced(Exception):
    """The log isn't what the positions say: taking the partitions again finds out how."""


class Reading:
    """Where each partition is read next, whoever the consumer is."""

    def __init__(self, bootstrap_servers: str, group: str) -> None:
        self._next: dict[tuple[str, int], int] = {}
        self._ends = Ends(bootstrap_servers)
        self._stalls = Stalls(self._ends, group)

    def close(self) -> None:
        """Let go of what was asked where partitions end."""
        self._ends.close()

    def begin(self, consumer: Consumer, positions: Mapping[tuple[str, int], int]) -> None:
        """Have it bring these, from there on."""
        consumer.assign([TopicPartition(*place, at) for place, at in positions.items()])
        self._next = dict(positions)

    def end(self, consumer: Consumer) -> None:
        """Have it bring nothing."""
        consumer.assign([])
        self.lose()

    def lose(self) -> None:
        """It brings nothing any more."""
        self._next = {}

    def records(self, messages: Sequence[Message]) -> list[Record]:
        """What they bring. Raises Displaced, and KafkaException where the consumer is at its end."""
        return [record for message in messages if (record := self._record(message)) is not None]

    def stands_still(self) -> Remedy | None:
        """What is to be done if more doesn't come although it is there; to be asked when all that came was taken."""
        return self._stalls.look(self._next)

    def _record(self, message: Message) -> Record | None:
        error, topic, partition, offset = (
            message.error(),
            message.topic(),
            message.partition(),
            message.offset(),
        )
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            _pass_or_raise(error)
            return None
        if topic is None or partition is None or offset is None:
            return None
        # An end may stand behind marks of transactions, which nobody is given.
        if (topic, partition) in self._next:
            self._next[topic, partition] = offset + 1 if error is None else offset
        return record_of(message, topic, partition, offset) if error is None else None


def _pass_or_raise(error: KafkaError) -> None:
    if error.fatal() or error.code() == KafkaError._FATAL:
        raise KafkaException(error)
    tell_of_outage(error)
    if error.code() == KafkaError._AUTO_OFFSET_RESET:
        raise Displaced


def consumer_of(settings: Settings, group: str) -> Consumer:
    """A member of that group."""
    member: dict[str, object] = {"group.instance.id": settings.worker_name} if settings.worker_name else {}
    told = member | {
        "bootstrap.servers": settings.kafka_bootstrap_servers,
        "client.id": VIEWS_GROUP,
        "group.id": group,
        "session.timeout.ms": settings.session_timeout_ms,
        "heartbeat.interval.ms": settings.session_heartbeat_ms,
        "auto.offset.reset": "error",
        # Kafka's offsets are for lag tools only; the views keep the positions that count.
        "enable.auto.commit": True,
        "enable.auto.offset.store": False,
        # An end that is told isn't waited for.
        "enable.partition.eof": True,
        "isolation.level": "read_uncommitted",
        "fetch.min.bytes": FETCH_BYTES_MIN,
        "fetch.wait.max.ms": FETCH_WAIT_MS_MAX,
        "log_level": QUIET,
        "error_cb": tell_of_outage,
        "reconnect.backoff.max.ms": 1000,
        "topic.metadata.refresh.interval.ms": 10_000,
    }
    return Consumer(told, logger=logging.getLogger(VIEWS_GROUP))
