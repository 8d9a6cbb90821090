"""The envelope records as Python types. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from penstock.schemas.frozen import quick

# What kind of party acted.
ActorKind: TypeAlias = Literal["unknown", "person", "app", "service", "rule"]

# What a second execution of a tool would do: nothing (read), nothing more for the same key (idempotent),
# harm (unsafe).
Effect: TypeAlias = Literal["unknown", "read", "idempotent", "unsafe"]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who caused a record, as authenticated by the door that took it in.

    kind: What kind of party.
    subject: Stable name of the party inside its tenant: a user id, an app's key id, a service's group id.
    roles: Roles held when acting, as the door vouched for them.
    """

    FULL_NAME: ClassVar[str] = "penstock.envelope.Actor"
    KIND: ClassVar[Literal["part"]] = "part"

    kind: ActorKind = "unknown"
    subject: str
    roles: tuple[str, ...] = ()

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "roles": list(self.roles),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "Actor":
        """From the fields as Avro libraries read them."""
        return cls(
            kind=fields["kind"],
            subject=fields["subject"],
            roles=tuple(fields["roles"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The input that caused an event, by id and by where it stands on the log.

    id: Id of the input.
    topic: Topic of the input.
    partition: Partition of the input.
    offset: Offset of the input.
    time_ms: Log time of the input (broker's append time), ms since the Unix epoch.
    index: Place of the event among the events of this cause, from 0.
    count: How many events this cause has.
    """

    FULL_NAME: ClassVar[str] = "penstock.envelope.Cause"
    KIND: ClassVar[Literal["part"]] = "part"

    id: str
    topic: str
    partition: int
    offset: int
    time_ms: int
    index: int
    count: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them."""
        return {
            "id": self.id,
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "time_ms": self.time_ms,
            "index": self.index,
            "count": self.count,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "Cause":
        """From the fields as Avro libraries read them."""
        return cls(
            id=fields["id"],
            topic=fields["topic"],
            partition=fields["partition"],
            offset=fields["offset"],
            time_ms=fields["time_ms"],
            index=fields["index"],
            count=fields["count"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EventMeta:
    """Envelope of an event.

    id: uuid5(entity_id, '<cause id>:<index>').
    type: Record name, as in the ce_type header.
    tenant: Tenant that owns the entity.
    entity_id: UUID of the entity; also the record's key.
    entity_seq: Place in the entity's history: 1, 2, 3, without gaps.
    time_ms: max(time of the previous event, log time of the cause), ms since the Unix epoch.
    actor: Who sent the cause.
    cause: The input that caused it.
    """

    FULL_NAME: ClassVar[str] = "penstock.envelope.EventMeta"
    KIND: ClassVar[Literal["part"]] = "part"

    id: str
    type: str
    tenant: str
    entity_id: str
    entity_seq: int
    time_ms: int
    actor: Actor
    cause: Cause

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them."""
        return {
            "id": self.id,
            "type": self.type,
            "tenant": self.tenant,
            "entity_id": self.entity_id,
            "entity_seq": self.entity_seq,
            "time_ms": self.time_ms,
            "actor": self.actor.to_avro(),
            "cause": self.cause.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "EventMeta":
        """From the fields as Avro libraries read them."""
        return cls(
            id=fields["id"],
            type=fields["type"],
            tenant=fields["tenant"],
            entity_id=fields["entity_id"],
            entity_seq=fields["entity_seq"],
            time_ms=fields["time_ms"],
            actor=Actor.from_avro(fields["actor"]),
            cause=Cause.from_avro(fields["cause"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something did not work.

    kind: Stable machine-readable word, such as timeout, declined, internal.
    message: For a person: what happened and what to do.
    retryable: True if the same again may work.
    """

    FULL_NAME: ClassVar[str] = "penstock.envelope.Failure"
    KIND: ClassVar[Literal["part"]] = "part"

    kind: str
    message: str
    retryable: bool = False

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them."""
        return {
            "kind": self.kind,
            "message": self.message,
            "retryable": self.retryable,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "Failure":
        """From the fields as Avro libraries read them."""
        return cls(
            kind=fields["kind"],
            message=fields["message"],
            retryable=fields["retryable"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InputMeta:
    """Envelope of a command or an answer in an inbox.

    id: UUID of the input; the same for a redelivered or repeated input.
    type: Record name, as in the ce_type header.
    tenant: Tenant that owns the entity.
    entity_id: UUID of the entity; also the record's key.
    time_ms: Sender's clock, ms since the Unix epoch; for reading only, never decided upon.
    actor: Who sends it.
    """

    FULL_NAME: ClassVar[str] = "penstock.envelope.InputMeta"
    KIND: ClassVar[Literal["part"]] = "part"

    id: str
    type: str
    tenant: str
    entity_id: str
    time_ms: int
    actor: Actor

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them."""
        return {
            "id": self.id,
            "type": self.type,
            "tenant": self.tenant,
            "entity_id": self.entity_id,
            "time_ms": self.time_ms,
            "actor": self.actor.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "InputMeta":
        """From the fields as Avro libraries read them."""
        return cls(
            id=fields["id"],
            type=fields["type"],
            tenant=fields["tenant"],
            entity_id=fields["entity_id"],
            time_ms=fields["time_ms"],
            actor=Actor.from_avro(fields["actor"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """Content of the application, in one envelope (law L15): inline or by reference, with its hash, with room
    for a key per person.

    content_type: Media type, mostly application/json in RFC 8785 canonical form.
    content: The bytes; null when they stand in object storage or were erased.
    reference: Where the bytes stand when they aren't inline.
    sha256: Lower-case hex SHA-256 of the bytes.
    key_id: Key that encrypts the bytes, null when they are in the clear.
    """

    FULL_NAME: ClassVar[str] = "penstock.envelope.Payload"
    KIND: ClassVar[Literal["part"]] = "part"

    content_type: str
    content: bytes | None = None
    reference: str | None = None
    sha256: str
    key_id: str | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them."""
        return {
            "content_type": self.content_type,
            "content": self.content,
            "reference": self.reference,
            "sha256": self.sha256,
            "key_id": self.key_id,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "Payload":
        """From the fields as Avro libraries read them."""
        return cls(
            content_type=fields["content_type"],
            content=fields["content"],
            reference=fields["reference"],
            sha256=fields["sha256"],
            key_id=fields["key_id"],
        )


__all__ = ["Actor", "ActorKind", "Cause", "Effect", "EventMeta", "Failure", "InputMeta", "Payload"]
