"""How many records each consumer group still has to read, by the offsets it has told the broker."""

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

_ANSWER_S = 5.0


def behind(bootstrap_servers: str, groups: Sequence[tuple[str, str]]) -> dict[str, int | None]:
    """Records that each (group, topic) is behind, by group; None if it has told the broker nothing yet."""
    found: dict[str, int | None] = {}
    for group, topic in groups:
        consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": group, "log_level": 0})
        try:
            records = _behind(consumer, topic)
        except KafkaException:
            records = None
        finally:
            consumer.close()
        if records is not None:
            found[group] = (found.get(group) or 0) + records
        else:
            found.setdefault(group, None)
    return found


def _behind(consumer: Consumer, topic: str) -> int | None:
    partitions = consumer.list_topics(topic, timeout=_ANSWER_S).topics[topic].partitions
    places = [TopicPartition(topic, partition) for partition in partitions]
    committed = consumer.committed(places, timeout=_ANSWER_S)
    if all(place.offset < 0 for place in committed):
        return None
    total = 0
    for place in committed:
        low, high = consumer.get_watermark_offsets(place, timeout=_ANSWER_S)
        total += max(0, high - (place.offset if place.offset >= 0 else low))
    return total
