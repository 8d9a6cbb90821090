"""Dead letters: what can't be taken, byte for byte as it came, with the reason in its headers (law L5)."""

from penstock.producers.log import Outgoing, Record
from penstock.schemas.headers import dead_letter_headers
from penstock.schemas.ids import dead_letter_id
from penstock.schemas.topics import dead_letter_topic
from penstock.streams.observed import count_dead_letter


def dead_letter(record: Record, group_id: str, *, error: str, stage: str, message: str) -> Outgoing:
    """The record on its way to the group's dead letters, on the partition of the original's number."""
    headers = dead_letter_headers(
        record.headers,
        dead_letter_id=dead_letter_id(record.topic, record.partition, record.offset),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        time_ms=record.time_ms,
        group=group_id,
        error_class=error,
        message=message,
        stage=stage,
    )
    count_dead_letter(group_id, record.topic)
    topic = dead_letter_topic(record.topic, group_id)
    return Outgoing(topic, record.key, record.value, headers, record.partition)
