"""Where a broker's partitions end, how far groups have told it that they are, and since when a record waits.

For people and dashboards: unlike the log it never waits longer than it was told, and changes nothing.
"""

import time
from collections.abc import Collection, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from penstock.producers.errors import LogError
from penstock.producers.kafka_outage import QUIET

Place = tuple[str, int]

ANSWER_S_DEFAULT: Final = 3.0
_READER: Final = "penstock-backlog"
# One record a partition is enough. Where that one, with its batch, is larger, the client asks again for more.
_FETCH_BYTES: Final = 256 * 1024
_FETCH_AGAIN_MS: Final = 10
_QUEUE_KB: Final = 4 * 1024


class BrokerSilent(LogError):
    """The broker didn't answer in time: start it, or correct KAFKA_BOOTSTRAP_SERVERS."""


class KafkaBacklog:
    """Asks one cluster. Connects when it is first asked; used by one thread at a time."""

    def __init__(self, bootstrap_servers: str, answer_s: float = ANSWER_S_DEFAULT) -> None:
        """`answer_s`: how long one question may take, in seconds."""
        self._where = bootstrap_servers
        self._answer_s = answer_s
        # To be asked in a group's name one must have it. None of these ever subscribes or commits.
        self._consumers: dict[str, Consumer] = {}

    def bounds(self, places: Collection[Place]) -> dict[Place, tuple[int, int]]:
        """(offset of the first record kept, offset of the next record) of each partition. Raises BrokerSilent."""
        consumer, found = self._consumer(_READER), {}
        for place in places:
            try:
                found[place] = consumer.get_watermark_offsets(TopicPartition(*place), self._answer_s)
            except KafkaException as error:
                raise self._silent(error) from error
        return found

    def told(self, group: str, places: Collection[Place]) -> dict[Place, int]:
        """The group's own offsets, of those partitions of which it has told any and the broker says so in time."""
        asked = [TopicPartition(*place) for place in places]
        try:
            found = self._consumer(group).committed(asked, self._answer_s)
        except KafkaException:
            return {}
        return {(place.topic, place.partition): place.offset for place in found if place.offset >= 0}

    def times_ms(self, positions: Mapping[Place, int]) -> dict[Place, int]:
        """When the record at each position came, by the log's time; one that isn't there in time is left out."""
        if not positions:
            return {}
        consumer = self._consumer(_READER)
        consumer.assign([TopicPartition(*place, offset) for place, offset in positions.items()])
        found: dict[Place, int] = {}
        until_s = time.monotonic() + self._answer_s
        while len(found) < len(positions) and (left_s := until_s - time.monotonic()) > 0:
            message = consumer.poll(left_s)
            if message is None or message.error() is not None:
                continue
            topic, partition = message.topic(), message.partition()
            if topic is not None and partition is not None:
                # Several of a partition may come: the first is the one that was asked for.
                found.setdefault((topic, partition), message.timestamp()[1])
        consumer.unassign()
        return found

    def close(self) -> None:
        """Let go of connections."""
        for consumer in self._consumers.values():
            consumer.close()
        self._consumers.clear()

    def _consumer(self, group: str) -> Consumer:
        if group not in self._consumers:
            self._consumers[group] = Consumer(
                {
                    "bootstrap.servers": self._where,
                    "group.id": group,
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                    "auto.offset.reset": "earliest",
                    "isolation.level": "read_uncommitted",
                    "max.partition.fetch.bytes": _FETCH_BYTES,
                    "fetch.wait.max.ms": 50,
                    "fetch.error.backoff.ms": _FETCH_AGAIN_MS,
                    # A lower bound on messages, queued.min.messages, would make the next look wait for a second.
                    "queued.max.messages.kbytes": _QUEUE_KB,
                    "reconnect.backoff.max.ms": 1000,
                    "log_level": QUIET,
                }
            )
        return self._consumers[group]

    def _silent(self, error: Exception) -> BrokerSilent:
        said = " ".join(str(error).split())
        return BrokerSilent(
            f"the broker at {self._where} doesn't answer ({said}): start it, or correct KAFKA_BOOTSTRAP_SERVERS"
        )
