"""Where this machine's producer puts keys, tried on librdkafka's broker in memory."""

from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

_TOPIC: Final = "placement"
_ANSWER_S: Final = 10.0


def placements(keys: Sequence[bytes]) -> tuple[list[int], int]:
    """The partition of each key, with the partitioner that our log asks for, and how many there are."""
    placed: list[int] = []

    def note(error: KafkaError | None, message: Message) -> None:
        partition = message.partition()
        placed.append(-1 if error or partition is None else partition)

    producer = Producer({"test.mock.num.brokers": 1, "partitioner": "murmur2_random", "log_level": 0})
    count = 0
    for key in keys:
        producer.produce(_TOPIC, key=key, value=b"", on_delivery=note)
        producer.flush(_ANSWER_S)  # One by one: reports of different partitions come in any order.
        count = count or len(producer.list_topics(_TOPIC, timeout=_ANSWER_S).topics[_TOPIC].partitions)
    return placed, count
