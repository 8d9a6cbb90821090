"""How large a record is on the log, and how large its topic lets it be.

The broker limits a whole batch, and refuses all of it if one record is too large. So a record is measured
as the only one of its batch, in the worst case, before anything is sent.
"""

from typing import Final

from penstock.producers.errors import RecordTooLarge
from penstock.producers.log import Outgoing
from penstock.schemas.topics import BY_NAME, RECORD_BYTES_MAX

# Kafka's batch format, version 2: the batch's own 61 bytes, then per record one byte of attributes and
# variable-length integers (at most 5 bytes for an int32, 10 for an int64) before whatever has a length.
_BATCH_BYTES: Final = 61
_RECORD_BYTES: Final = 1 + 10 + 5 * 5
_HEADER_BYTES: Final = 5 + 5


# Penstock's own records have at most so many headers, of at most so many bytes each; others are measured.
_HEADERS_MAX: Final = 16
_HEADER_BYTES_MAX: Final = 512
_FRAME_BYTES_MAX: Final = _BATCH_BYTES + _RECORD_BYTES + _HEADERS_MAX * (_HEADER_BYTES + _HEADER_BYTES_MAX)


def _is_ordinary(record: Outgoing) -> bool:
    """Whether its headers surely take less than the frame that is allowed for them."""
    if len(record.headers) > _HEADERS_MAX:
        return False
    # A loop and no generator, because this is asked of every record that is written.
    for name, value in record.headers:  # noqa: SIM110
        if 4 * len(name) + len(value) > _HEADER_BYTES_MAX:
            return False
    return True


def record_bytes(record: Outgoing) -> int:
    """Bytes that the record takes on the log, at most, when it is the only one of its batch."""
    headers = sum(_HEADER_BYTES + len(name.encode()) + len(value) for name, value in record.headers)
    return _BATCH_BYTES + _RECORD_BYTES + len(record.key or b"") + len(record.value or b"") + headers


def record_bytes_max(topic: str) -> int:
    """The topic's limit in bytes, as the catalogue says it; that of an ordinary topic for any other name."""
    known = BY_NAME.get(topic)
    return RECORD_BYTES_MAX if known is None else int(known.config["max.message.bytes"])


def check_size(record: Outgoing, limit_bytes: int | None = None) -> None:
    """Raise RecordTooLarge if the record is over the limit, by default its topic's."""
    limit = record_bytes_max(record.topic) if limit_bytes is None else limit_bytes
    if len(record.key or b"") + len(record.value or b"") + _FRAME_BYTES_MAX <= limit and _is_ordinary(record):
        return
    size = record_bytes(record)
    if size > limit:
        raise RecordTooLarge(record.topic, size, limit)
