"""The view of dead letters: what stands on the dead-letter topics, and what the projector couldn't take."""

from typing import Final, NamedTuple

from penstock.audit.views.columns import text
from penstock.audit.views.readable import dumps
from penstock.producers.log import Record
from penstock.producers.signing import Authority, Keyring
from penstock.schemas import headers
from penstock.schemas.codec import Codec, Undecodable
from penstock.schemas.ids import dead_letter_id
from penstock.schemas.topics import DEAD_LETTER_BYTES_MAX

KEPT_OF_CUT_BYTES: Final = 4096
# What fits a column in any case.
INT_DIGITS: Final = 9
BIGINT_DIGITS: Final = 18


class DeadLetterRow(NamedTuple):
    """A row of views.dead_letter. Place and time are the original record's; `headers` is JSON text."""

    id: str
    consumer_group: str
    topic: str
    partition: int
    offset: int
    error_class: str
    error_message: str
    error_stage: str
    key: bytes | None
    value: bytes | None
    headers: str
    time_ms: int
    tenant: str


def tenant_of(record: Record, codec: Codec, keyring: Keyring, deployment: str) -> str:
    """Whose it is: the tenant that it names, if a key proves it; else the one that operates the deployment."""
    try:
        meta, _ = codec.decode_input(record.value or b"")
    except Undecodable:
        return deployment
    # What is signed may have been dead-lettered before: the sender's headers come first.
    return text(meta.tenant) if keyring.verify(record, meta) is not Authority.NONE else deployment


def project(record: Record, tenant: str) -> DeadLetterRow:
    """The row of a record on a dead-letter topic. Where its headers don't say, it stands for itself."""
    # A record that was dead-lettered twice carries the headers twice: the last ones speak of this topic.
    said = dict(record.headers)
    topic = _text(said.get(headers.DLQ_TOPIC)) or record.topic
    partition = _number(said.get(headers.DLQ_PARTITION), record.partition, INT_DIGITS)
    offset = _number(said.get(headers.DLQ_OFFSET), record.offset)
    return DeadLetterRow(
        # From the place, not from the header: a stranger's would stand for another record.
        id=dead_letter_id(topic, partition, offset),
        consumer_group=_text(said.get(headers.DLQ_GROUP)) or "unknown",
        topic=topic,
        partition=partition,
        offset=offset,
        error_class=_text(said.get(headers.DLQ_ERROR_CLASS)) or "unknown",
        error_message=_text(said.get(headers.DLQ_ERROR_MESSAGE)),
        error_stage=_text(said.get(headers.DLQ_ERROR_STAGE)) or "unknown",
        key=record.key,
        value=_kept(record.value),
        headers=_headers(record),
        time_ms=_number(said.get(headers.DLQ_TIMESTAMP), record.time_ms),
        tenant=tenant,
    )


def unprojectable(record: Record, group: str, error: Exception, tenant: str) -> DeadLetterRow:
    """The row of a record that the projector can't take."""
    return DeadLetterRow(
        id=dead_letter_id(record.topic, record.partition, record.offset),
        consumer_group=group,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        error_class=type(error).__name__,
        error_message=text(str(error)),
        error_stage="projection",
        key=record.key,
        value=_kept(record.value),
        headers=_headers(record),
        time_ms=record.time_ms,
        tenant=tenant,
    )


def _kept(value: bytes | None) -> bytes | None:
    """The value; its beginning where no topic of ours lets a record be so large."""
    return value if value is None or len(value) <= DEAD_LETTER_BYTES_MAX else value[:KEPT_OF_CUT_BYTES]


def _headers(record: Record) -> str:
    return dumps([[name, value.decode("utf-8", "backslashreplace")] for name, value in record.headers])


def _text(value: bytes | None) -> str:
    return text((value or b"").decode("utf-8", "replace"))


def _number(value: bytes | None, otherwise: int, digits: int = BIGINT_DIGITS) -> int:
    """Decimal text as a number that fits its column."""
    return int(value) if value is not None and value.isdigit() and len(value) <= digits else otherwise
