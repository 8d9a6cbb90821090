"""The envelope records in Avro's binary form. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from penstock.schemas.binary import (
    Malformed,
    read_array,
    read_int,
    read_long,
    read_size,
    read_text,
    setters,
    symbols,
    write_array,
    write_bytes,
    write_int,
    write_long,
    write_text,
)
from penstock.schemas.envelope.records import (
    Actor,
    Cause,
    EventMeta,
    Failure,
    InputMeta,
    Payload,
)

_new = object.__new__
_actor_kind_of, _actor_kind_bytes = symbols("unknown", "person", "app", "service", "rule")
(
    _set_actor_kind,
    _set_actor_subject,
    _set_actor_roles,
) = setters(Actor)
(
    _set_cause_id,
    _set_cause_topic,
    _set_cause_partition,
    _set_cause_offset,
    _set_cause_time_ms,
    _set_cause_index,
    _set_cause_count,
) = setters(Cause)
(
    _set_event_meta_id,
    _set_event_meta_type,
    _set_event_meta_tenant,
    _set_event_meta_entity_id,
    _set_event_meta_entity_seq,
    _set_event_meta_time_ms,
    _set_event_meta_actor,
    _set_event_meta_cause,
) = setters(EventMeta)
(
    _set_failure_kind,
    _set_failure_message,
    _set_failure_retryable,
) = setters(Failure)
(
    _set_input_meta_id,
    _set_input_meta_type,
    _set_input_meta_tenant,
    _set_input_meta_entity_id,
    _set_input_meta_time_ms,
    _set_input_meta_actor,
) = setters(InputMeta)
(
    _set_payload_content_type,
    _set_payload_content,
    _set_payload_reference,
    _set_payload_sha256,
    _set_payload_key_id,
) = setters(Payload)


def read_actor(value: bytes, at: int) -> tuple[Actor, int]:
    """The Actor at that position, and the position behind it."""
    kind_ = _actor_kind_of[value[at]]
    at += 1
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    subject_ = value[start:at].decode()
    roles_, at = read_array(value, at, read_text)
    if "\0" in f"{subject_}":
        raise Malformed("text with U+0000")
    made = _new(Actor)
    _set_actor_kind(made, kind_)
    _set_actor_subject(made, subject_)
    _set_actor_roles(made, roles_)
    return made, at


def write_actor(record: Actor) -> bytes:
    """The Actor in Avro's binary form."""
    return b"".join(
        (
            _actor_kind_bytes[record.kind],
            write_text(record.subject),
            write_array(record.roles, write_text),
        )
    )


def read_cause(value: bytes, at: int) -> tuple[Cause, int]:
    """The Cause at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    topic_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    partition_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    offset_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    time_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    index_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_int(value, at)
    count_ = raw >> 1 ^ -(raw & 1)
    at += 1
    if "\0" in f"{id_}{topic_}":
        raise Malformed("text with U+0000")
    made = _new(Cause)
    _set_cause_id(made, id_)
    _set_cause_topic(made, topic_)
    _set_cause_partition(made, partition_)
    _set_cause_offset(made, offset_)
    _set_cause_time_ms(made, time_ms_)
    _set_cause_index(made, index_)
    _set_cause_count(made, count_)
    return made, at


def write_cause(record: Cause) -> bytes:
    """The Cause in Avro's binary form."""
    return b"".join(
        (
            write_text(record.id),
            write_text(record.topic),
            write_int(record.partition),
            write_long(record.offset),
            write_long(record.time_ms),
            write_int(record.index),
            write_int(record.count),
        )
    )


def read_event_meta(value: bytes, at: int) -> tuple[EventMeta, int]:
    """The EventMeta at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    type_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    tenant_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    entity_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    entity_seq_ = raw >> 1 ^ -(raw & 1)
    at += 1
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    time_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    actor_, at = read_actor(value, at)
    cause_, at = read_cause(value, at)
    if "\0" in f"{id_}{type_}{tenant_}{entity_id_}":
        raise Malformed("text with U+0000")
    made = _new(EventMeta)
    _set_event_meta_id(made, id_)
    _set_event_meta_type(made, type_)
    _set_event_meta_tenant(made, tenant_)
    _set_event_meta_entity_id(made, entity_id_)
    _set_event_meta_entity_seq(made, entity_seq_)
    _set_event_meta_time_ms(made, time_ms_)
    _set_event_meta_actor(made, actor_)
    _set_event_meta_cause(made, cause_)
    return made, at


def write_event_meta(record: EventMeta) -> bytes:
    """The EventMeta in Avro's binary form."""
    return b"".join(
        (
            write_text(record.id),
            write_text(record.type),
            write_text(record.tenant),
            write_text(record.entity_id),
            write_long(record.entity_seq),
            write_long(record.time_ms),
            write_actor(record.actor),
            write_cause(record.cause),
        )
    )


def read_failure(value: bytes, at: int) -> tuple[Failure, int]:
    """The Failure at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    kind_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    message_ = value[start:at].decode()
    retryable_ = value[at] == 1
    if value[at] > 1:
        raise Malformed("a boolean that is neither 0 nor 1")
    at += 1
    if "\0" in f"{kind_}{message_}":
        raise Malformed("text with U+0000")
    made = _new(Failure)
    _set_failure_kind(made, kind_)
    _set_failure_message(made, message_)
    _set_failure_retryable(made, retryable_)
    return made, at


def write_failure(record: Failure) -> bytes:
    """The Failure in Avro's binary form."""
    return b"".join(
        (
            write_text(record.kind),
            write_text(record.message),
            b"\1" if record.retryable else b"\0",
        )
    )


def read_input_meta(value: bytes, at: int) -> tuple[InputMeta, int]:
    """The InputMeta at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    type_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    tenant_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    entity_id_ = value[start:at].decode()
    raw = value[at]
    if raw & 0x80:
        raw, at = read_long(value, at)
    time_ms_ = raw >> 1 ^ -(raw & 1)
    at += 1
    actor_, at = read_actor(value, at)
    if "\0" in f"{id_}{type_}{tenant_}{entity_id_}":
        raise Malformed("text with U+0000")
    made = _new(InputMeta)
    _set_input_meta_id(made, id_)
    _set_input_meta_type(made, type_)
    _set_input_meta_tenant(made, tenant_)
    _set_input_meta_entity_id(made, entity_id_)
    _set_input_meta_time_ms(made, time_ms_)
    _set_input_meta_actor(made, actor_)
    return made, at


def write_input_meta(record: InputMeta) -> bytes:
    """The InputMeta in Avro's binary form."""
    return b"".join(
        (
            write_text(record.id),
            write_text(record.type),
            write_text(record.tenant),
            write_text(record.entity_id),
            write_long(record.time_ms),
            write_actor(record.actor),
        )
    )


def read_payload(value: bytes, at: int) -> tuple[Payload, int]:
    """The Payload at that position, and the position behind it."""
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    content_type_ = value[start:at].decode()
    content_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        content_ = value[start:at]
    elif branch:
        raise Malformed("a branch that the union has not")
    reference_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        reference_ = value[start:at].decode()
        if "\0" in reference_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    raw = value[at]
    if raw & 0x81:
        raw, at = read_size(value, at)
    start, at = at + 1, at + 1 + (raw >> 1)
    sha256_ = value[start:at].decode()
    key_id_ = None
    branch = value[at]
    at += 1
    if branch == 2:
        raw = value[at]
        if raw & 0x81:
            raw, at = read_size(value, at)
        start, at = at + 1, at + 1 + (raw >> 1)
        key_id_ = value[start:at].decode()
        if "\0" in key_id_:
            raise Malformed("text with U+0000")
    elif branch:
        raise Malformed("a branch that the union has not")
    if "\0" in f"{content_type_}{sha256_}":
        raise Malformed("text with U+0000")
    made = _new(Payload)
    _set_payload_content_type(made, content_type_)
    _set_payload_content(made, content_)
    _set_payload_reference(made, reference_)
    _set_payload_sha256(made, sha256_)
    _set_payload_key_id(made, key_id_)
    return made, at


def write_payload(record: Payload) -> bytes:
    """The Payload in Avro's binary form."""
    return b"".join(
        (
            write_text(record.content_type),
            b"\0" if record.content is None else b"\2" + (write_bytes(record.content)),
            b"\0" if record.reference is None else b"\2" + (write_text(record.reference)),
            write_text(record.sha256),
            b"\0" if record.key_id is None else b"\2" + (write_text(record.key_id)),
        )
    )


READERS: Final[Mapping[str, Callable[[bytes, int], tuple[Any, int]]]] = {
    "penstock.envelope.Actor": read_actor,
    "penstock.envelope.Cause": read_cause,
    "penstock.envelope.EventMeta": read_event_meta,
    "penstock.envelope.Failure": read_failure,
    "penstock.envelope.InputMeta": read_input_meta,
    "penstock.envelope.Payload": read_payload,
}
WRITERS: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "penstock.envelope.Actor": write_actor,
    "penstock.envelope.Cause": write_cause,
    "penstock.envelope.EventMeta": write_event_meta,
    "penstock.envelope.Failure": write_failure,
    "penstock.envelope.InputMeta": write_input_meta,
    "penstock.envelope.Payload": write_payload,
}
