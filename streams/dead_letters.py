"""Dead letters: what can't be taken, byte for byte as it came, with the reason in its headers (law L5)."""

from typing import Final

from penstock.producers.log import Outgoing, Record
from penstock.producers.size import record_bytes, record_bytes_max
from penstock.schemas.headers import DLQ_CUT, dead_letter_headers
from penstock.schemas.ids import dead_letter_id
from penstock.schemas.topics import dead_letter_topic
from penstock.streams.observed import count_dead_letter

KEPT_OF_CUT_BYTES: Final = 4096


def dead_letter(record: Record, group_id: str, *, error: str, stage: str, message: str) -> Outgoing:
    """The record on its way to the group's dead letters, on the partition of the original's number. One that is larger
    than any may be, which a broker lets pass that doesn't unpack what is compressed, is cut: its place says where the
    rest is."""
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
    whole = Outgoing(topic, record.key, record.value, headers, record.partition)
    size = record_bytes(whole)
    if size <= record_bytes_max(topic):
        return whole
    own = (*headers[len(record.headers) :], (DLQ_CUT, str(size).encode()))
    return Outgoing(topic, None, (record.value or b"")[:KEPT_OF_CUT_BYTES], own, record.partition)
