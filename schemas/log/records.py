"""The log records as Python types. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from penstock.schemas.envelope.records import Failure
from penstock.schemas.frozen import quick


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardInput:
    """Give a parked input up.

    parked_input_id: Id of the parked input.
    reason: Why, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.DiscardInput"
    KIND: ClassVar[Literal["input"]] = "input"

    parked_input_id: str
    reason: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "parked_input_id": self.parked_input_id,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "DiscardInput":
        """From the fields as Avro libraries read them."""
        return cls(
            parked_input_id=fields["parked_input_id"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInput:
    """Decide a parked input again, and those parked behind it, in order.

    parked_input_id: Id of the oldest parked input of the entity.
    reason: Why, for the audit.
    replacement: The value of another input, to be decided in the parked one's place; null decides it as
        it came.
    replacement_signature: The replacement's own signature header.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.ReleaseInput"
    KIND: ClassVar[Literal["input"]] = "input"

    parked_input_id: str
    reason: str = ""
    replacement: bytes | None = None
    replacement_signature: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "parked_input_id": self.parked_input_id,
            "reason": self.reason,
            "replacement": self.replacement,
            "replacement_signature": self.replacement_signature,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ReleaseInput":
        """From the fields as Avro libraries read them."""
        return cls(
            parked_input_id=fields["parked_input_id"],
            reason=fields["reason"],
            replacement=fields["replacement"],
            replacement_signature=fields["replacement_signature"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InputAccepted:
    """An input was taken in and nothing else follows from it.

    input_type: Record name of the input.
    note: What it meant here.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.InputAccepted"
    KIND: ClassVar[Literal["event"]] = "event"

    input_type: str
    note: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "input_type": self.input_type,
            "note": self.note,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "InputAccepted":
        """From the fields as Avro libraries read them."""
        return cls(
            input_type=fields["input_type"],
            note=fields["note"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InputDiscarded:
    """A parked input was given up.

    parked_input_id: Id of the input.
    reason: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.InputDiscarded"
    KIND: ClassVar[Literal["event"]] = "event"

    parked_input_id: str
    reason: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "parked_input_id": self.parked_input_id,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "InputDiscarded":
        """From the fields as Avro libraries read them."""
        return cls(
            parked_input_id=fields["parked_input_id"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InputParked:
    """Deciding an input failed three times alike, or an input of its entity is parked before it: it waits for
    ReleaseInput or DiscardInput.

    input_id: Id of the parked input.
    input_type: Record name of the input.
    input_value: The input's value as it stood on the log.
    input_signature: The input's signature header, empty if it had none.
    error: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.InputParked"
    KIND: ClassVar[Literal["event"]] = "event"

    input_id: str
    input_type: str
    input_value: bytes
    input_signature: str = ""
    error: Failure

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "input_id": self.input_id,
            "input_type": self.input_type,
            "input_value": self.input_value,
            "input_signature": self.input_signature,
            "error": self.error.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "InputParked":
        """From the fields as Avro libraries read them."""
        return cls(
            input_id=fields["input_id"],
            input_type=fields["input_type"],
            input_value=fields["input_value"],
            input_signature=fields["input_signature"],
            error=Failure.from_avro(fields["error"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InputRefused:
    """An input was refused; nothing else follows from it.

    input_type: Record name of the input.
    reason: Stable machine-readable word, such as unsigned, unknown_run, ended.
    detail: For a person.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.InputRefused"
    KIND: ClassVar[Literal["event"]] = "event"

    input_type: str
    reason: str
    detail: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "input_type": self.input_type,
            "reason": self.reason,
            "detail": self.detail,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "InputRefused":
        """From the fields as Avro libraries read them."""
        return cls(
            input_type=fields["input_type"],
            reason=fields["reason"],
            detail=fields["detail"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class InputReleased:
    """A parked input was decided after all; what it caused follows.

    parked_input_id: Id of the input.
    reason: Why.
    replacement_id: Id of the input that was decided in its place; null if it was decided as it came.
    replacement: That input's value. What it replaced stands in InputParked.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.InputReleased"
    KIND: ClassVar[Literal["event"]] = "event"

    parked_input_id: str
    reason: str = ""
    replacement_id: str | None = None
    replacement: bytes | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "parked_input_id": self.parked_input_id,
            "reason": self.reason,
            "replacement_id": self.replacement_id,
            "replacement": self.replacement,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "InputReleased":
        """From the fields as Avro libraries read them."""
        return cls(
            parked_input_id=fields["parked_input_id"],
            reason=fields["reason"],
            replacement_id=fields["replacement_id"],
            replacement=fields["replacement"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionTaken:
    """A new owner writes this partition from here on: records of a lower epoch that follow are a zombie's and
    are dropped. Its entity is the partition, its entity_seq the epoch.

    epoch: Epoch of the new owner.
    owner: The owning process.
    """

    FULL_NAME: ClassVar[str] = "penstock.log.PartitionTaken"
    KIND: ClassVar[Literal["event"]] = "event"

    epoch: int
    owner: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "epoch": self.epoch,
            "owner": self.owner,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "PartitionTaken":
        """From the fields as Avro libraries read them."""
        return cls(
            epoch=fields["epoch"],
            owner=fields["owner"],
        )


__all__ = [
    "DiscardInput",
    "InputAccepted",
    "InputDiscarded",
    "InputParked",
    "InputRefused",
    "InputReleased",
    "PartitionTaken",
    "ReleaseInput",
]
