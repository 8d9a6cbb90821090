"""Header names and the headers that each kind of record carries: CloudEvents in binary mode, and ours.

Text is UTF-8, integers are decimal text. Id, type, time and actor stand inside the value too; headers serve
those who route or filter without decoding.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias

from penstock.schemas.envelope.records import EventMeta, InputMeta

Headers: TypeAlias = tuple[tuple[str, bytes], ...]

CE_SPECVERSION: Final = "ce_specversion"
CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_TIME: Final = "ce_time"
CE_SUBJECT: Final = "ce_subject"
CONTENT_TYPE: Final = "content-type"
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
ENTITY_SEQ: Final = "entity_seq"
EPOCH: Final = "epoch"
SIGNATURE: Final = "penstock_signature"
# In the place of headers that can't be read.
UNREADABLE: Final = "penstock_unreadable_headers"

# What puts a dead letter back: its id, and the operator's action that did.
REDRIVE: Final = "penstock_redrive"
REDRIVE_ACTION: Final = "penstock_redrive_action"

DLQ_ID: Final = "dlq.id"
DLQ_TOPIC: Final = "dlq.original.topic"
DLQ_PARTITION: Final = "dlq.original.partition"
DLQ_OFFSET: Final = "dlq.original.offset"
DLQ_TIMESTAMP: Final = "dlq.original.timestamp"
DLQ_GROUP: Final = "dlq.consumer.group"
DLQ_ERROR_CLASS: Final = "dlq.error.class"
DLQ_ERROR_MESSAGE: Final = "dlq.error.message"
DLQ_ERROR_STAGE: Final = "dlq.error.stage"
# How many bytes the original takes, of which only the first are here.
DLQ_CUT: Final = "dlq.original.bytes"
DLQ_ATTEMPT: Final = "dlq.attempt"
KAFKA_DLT_TOPIC: Final = "kafka_dlt-original-topic"
KAFKA_DLT_PARTITION: Final = "kafka_dlt-original-partition"
KAFKA_DLT_OFFSET: Final = "kafka_dlt-original-offset"
KAFKA_DLT_TIMESTAMP: Final = "kafka_dlt-original-timestamp"

# Messages in dead letters are for people; one that quotes a hostile record must not outgrow the topic.
ERROR_MESSAGE_BYTES_MAX: Final = 4096

# The last ms of the year 9999: no calendar of ours goes further.
TIME_MS_MAX: Final = 253_402_300_799_999
_SPECVERSION: Final = (CE_SPECVERSION, b"1.0")
_AVRO: Final = (CONTENT_TYPE, b"application/avro")


def input_headers(meta: InputMeta, source: str, signature: str, traceparent: str | None = None) -> Headers:
    """Headers of a record in an inbox. `source` names the sender; an empty signature is left out."""
    headers = _cloud_event(meta, source)
    if signature:
        headers += ((SIGNATURE, signature.encode()),)
    return headers + _trace(traceparent)


def event_headers(meta: EventMeta, source: str, epoch: int, traceparent: str | None = None) -> Headers:
    """Headers of a record on an events topic, written by the owner of that epoch."""
    own = ((ENTITY_SEQ, b"%d" % meta.entity_seq), (EPOCH, b"%d" % epoch))
    return _cloud_event(meta, source) + own + _trace(traceparent)


def dead_letter_headers(
    original: Headers,
    *,
    dead_letter_id: str,
    topic: str,
    partition: int,
    offset: int,
    time_ms: int,
    group: str,
    error_class: str,
    message: str,
    stage: str,
    attempt: int = 1,
) -> Headers:
    """The original headers, byte for byte and first, then where the record stood and why it was refused.

    `stage` is the duty that failed: receive, place, decode, decide, encode. `time_ms` is the log's time of
    the original. A record that is dead-lettered again carries these headers twice; the last ones are ours.
    """
    place = {DLQ_TOPIC: topic, DLQ_PARTITION: partition, DLQ_OFFSET: offset, DLQ_TIMESTAMP: time_ms}
    spring = {
        KAFKA_DLT_TOPIC: topic,
        KAFKA_DLT_PARTITION: partition,
        KAFKA_DLT_OFFSET: offset,
        KAFKA_DLT_TIMESTAMP: time_ms,
    }
    why = {
        DLQ_ID: dead_letter_id,
        DLQ_GROUP: group,
        DLQ_ERROR_CLASS: error_class,
        DLQ_ERROR_MESSAGE: _clipped(message),
        DLQ_ERROR_STAGE: stage,
        DLQ_ATTEMPT: attempt,
    }
    added = {**place, **why, **spring}
    return original + tuple((name, str(value).encode()) for name, value in added.items())


def _cloud_event(meta: InputMeta | EventMeta, source: str) -> Headers:
    return (
        _SPECVERSION,
        (CE_ID, meta.id.encode()),
        (CE_TYPE, meta.type.encode()),
        (CE_SOURCE, source.encode()),
        (CE_TIME, _rfc3339(meta.time_ms)),
        (CE_SUBJECT, meta.entity_id.encode()),
        _AVRO,
    )


def _trace(traceparent: str | None) -> Headers:
    return () if traceparent is None else ((TRACEPARENT, traceparent.encode()),)


def _rfc3339(time_ms: int) -> bytes:
    """A moment as CloudEvents writes it; one that no calendar holds as the nearest that it does."""
    second, rest = divmod(min(max(time_ms, 0), TIME_MS_MAX), 1000)
    return b"%s.%03dZ" % (_second(second), rest)


@lru_cache(maxsize=1024)
def _second(second: int) -> bytes:
    # Records of one second come together, and formatting a date costs more than all other headers.
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}".encode()


def _clipped(message: str) -> str:
    """At most ERROR_MESSAGE_BYTES_MAX bytes of valid UTF-8."""
    return message.encode(errors="replace")[:ERROR_MESSAGE_BYTES_MAX].decode(errors="ignore")
