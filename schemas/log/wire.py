"""The log records in Avro's binary form. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from penstock.schemas.binary import (
    Malformed,
    read_long,
    read_size,
    setters,
    write_bytes,
    write_long,
    write_text,
)
from penstock.schemas.envelope.wire import read_failure, write_failure
from penstock.schemas.log.records import (
    DiscardInput,
    InputAccepted,
    InputDiscarded,
    InputParked,
    InputRefused,
    InputReleased,
    PartitionTaken,
    ReleaseInput,
)

_new = object.__new__
(
    _set_discard_input_parked_input_id,
    _set_discard_input_reason,
) = setters(DiscardInput)
(
    _set_release_input_parked_input_id,
    _set_release_input_reason,
    _set_release_input_replacement,
    _set_release_input_replacement_signature,
) = setters(ReleaseInput)
(
    _set_input_accepted_input_type,
    _set_input_accepted_note,
) = setters(InputAccepted)
(
    _set_input_discarded_parked_input_id,
    _set_input_discarded_reason,
) = setters(InputDiscarded)
(
    _set_input_parked_input_id,
    _set_input_parked_input_type,
    _set_input_parked_input_value,
    _set_input_parked_input_signature,
    _set_input_parked_error,
) = setters(InputParked)
(
    _set_input_refused_input_type,
    _set_input_refused_reason,
    _set_input_refused_detail,
) = setters(InputRefused)
(
    _set_input_released_parked_input_id,
    _set_input_released_reason,
    _set_input_released_replacement_id,
    _set_input_released_replacement,
) = setters(InputReleased)
(
    _set_partition_taken_epoch,
    _set_partition_taken_owner,
) = setters(PartitionTaken)


def read_discard_input(value: bytes, at: int) -> tuple[DiscardInput, int]:
    """The DiscardInput whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    parked_input_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{parked_input_id_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(DiscardInput)
    _set_discard_input_parked_input_id(made, parked_input_id_)
    _set_discard_input_reason(made, reason_)
    return made, at


def write_discard_input(record: DiscardInput) -> bytes:
    """The DiscardInput in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.parked_input_id),
            write_text(record.reason),
        )
    )


def read_release_input(value: bytes, at: int) -> tuple[ReleaseInput, int]:
    """The ReleaseInput whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    parked_input_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    replacement_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        replacement_ = value[start:at]
    elif branch:
        raise Malformed("a branch that the union has not")
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    replacement_signature_ = value[start:at].decode()
    if "\0" in f"{parked_input_id_}{reason_}{replacement_signature_}":
        raise Malformed("text with U+0000")
    made = _new(ReleaseInput)
    _set_release_input_parked_input_id(made, parked_input_id_)
    _set_release_input_reason(made, reason_)
    _set_release_input_replacement(made, replacement_)
    _set_release_input_replacement_signature(made, replacement_signature_)
    return made, at


def write_release_input(record: ReleaseInput) -> bytes:
    """The ReleaseInput in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.parked_input_id),
            write_text(record.reason),
            b"\0" if record.replacement is None else b"\2" + (write_bytes(record.replacement)),
            write_text(record.replacement_signature),
        )
    )


def read_input_accepted(value: bytes, at: int) -> tuple[InputAccepted, int]:
    """The InputAccepted whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    input_type_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    note_ = value[start:at].decode()
    if "\0" in f"{input_type_}{note_}":
        raise Malformed("text with U+0000")
    made = _new(InputAccepted)
    _set_input_accepted_input_type(made, input_type_)
    _set_input_accepted_note(made, note_)
    return made, at


def write_input_accepted(record: InputAccepted) -> bytes:
    """The InputAccepted in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.input_type),
            write_text(record.note),
        )
    )


def read_input_discarded(value: bytes, at: int) -> tuple[InputDiscarded, int]:
    """The InputDiscarded whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    parked_input_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    if "\0" in f"{parked_input_id_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(InputDiscarded)
    _set_input_discarded_parked_input_id(made, parked_input_id_)
    _set_input_discarded_reason(made, reason_)
    return made, at


def write_input_discarded(record: InputDiscarded) -> bytes:
    """The InputDiscarded in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.parked_input_id),
            write_text(record.reason),
        )
    )


def read_input_parked(value: bytes, at: int) -> tuple[InputParked, int]:
    """The InputParked whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    input_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    input_type_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    input_value_ = value[start:at]
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    input_signature_ = value[start:at].decode()
    error_, at = read_failure(value, at)
    if "\0" in f"{input_id_}{input_type_}{input_signature_}":
        raise Malformed("text with U+0000")
    made = _new(InputParked)
    _set_input_parked_input_id(made, input_id_)
    _set_input_parked_input_type(made, input_type_)
    _set_input_parked_input_value(made, input_value_)
    _set_input_parked_input_signature(made, input_signature_)
    _set_input_parked_error(made, error_)
    return made, at


def write_input_parked(record: InputParked) -> bytes:
    """The InputParked in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.input_id),
            write_text(record.input_type),
            write_bytes(record.input_value),
            write_text(record.input_signature),
            write_failure(record.error),
        )
    )


def read_input_refused(value: bytes, at: int) -> tuple[InputRefused, int]:
    """The InputRefused whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    input_type_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    detail_ = value[start:at].decode()
    if "\0" in f"{input_type_}{reason_}{detail_}":
        raise Malformed("text with U+0000")
    made = _new(InputRefused)
    _set_input_refused_input_type(made, input_type_)
    _set_input_refused_reason(made, reason_)
    _set_input_refused_detail(made, detail_)
    return made, at


def write_input_refused(record: InputRefused) -> bytes:
    """The InputRefused in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.input_type),
            write_text(record.reason),
            write_text(record.detail),
        )
    )


def read_input_released(value: bytes, at: int) -> tuple[InputReleased, int]:
    """The InputReleased whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    parked_input_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    reason_ = value[start:at].decode()
    replacement_id_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        replacement_id_ = value[start:at].decode()
        if "\0" in replacement_id_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    replacement_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        replacement_ = value[start:at]
    elif branch:
        raise Malformed("a branch that the union has not")
    if "\0" in f"{parked_input_id_}{reason_}":
        raise Malformed("text with U+0000")
    made = _new(InputReleased)
    _set_input_released_parked_input_id(made, parked_input_id_)
    _set_input_released_reason(made, reason_)
    _set_input_released_replacement_id(made, replacement_id_)
    _set_input_released_replacement(made, replacement_)
    return made, at


def write_input_released(record: InputReleased) -> bytes:
    """The InputReleased in Avro's binary form, without meta."""
    return b"".join(
        (
            write_text(record.parked_input_id),
            write_text(record.reason),
            b"\0" if record.replacement_id is None else b"\2" + (write_text(record.replacement_id)),
            b"\0" if record.replacement is None else b"\2" + (write_bytes(record.replacement)),
        )
    )


def read_partition_taken(value: bytes, at: int) -> tuple[PartitionTaken, int]:
    """The PartitionTaken whose meta ends at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    epoch_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    owner_ = value[start:at].decode()
    if "\0" in f"{owner_}":
        raise Malformed("text with U+0000")
    made = _new(PartitionTaken)
    _set_partition_taken_epoch(made, epoch_)
    _set_partition_taken_owner(made, owner_)
    return made, at


def write_partition_taken(record: PartitionTaken) -> bytes:
    """The PartitionTaken in Avro's binary form, without meta."""
    return b"".join(
        (
            write_long(record.epoch),
            write_text(record.owner),
        )
    )


READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    "penstock.log.DiscardInput": read_discard_input,
    "penstock.log.ReleaseInput": read_release_input,
    "penstock.log.InputAccepted": read_input_accepted,
    "penstock.log.InputDiscarded": read_input_discarded,
    "penstock.log.InputParked": read_input_parked,
    "penstock.log.InputRefused": read_input_refused,
    "penstock.log.InputReleased": read_input_released,
    "penstock.log.PartitionTaken": read_partition_taken,
}
WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "penstock.log.DiscardInput": write_discard_input,
    "penstock.log.ReleaseInput": write_release_input,
    "penstock.log.InputAccepted": write_input_accepted,
    "penstock.log.InputDiscarded": write_input_discarded,
    "penstock.log.InputParked": write_input_parked,
    "penstock.log.InputRefused": write_input_refused,
    "penstock.log.InputReleased": write_input_released,
    "penstock.log.PartitionTaken": write_partition_taken,
}
