"""What an operator puts in a dead letter's place: another input, said in the operator's own name.

The envelope is never taken from whoever mends: tenant, actor and id are the door's to say, and the door signs. So a
mend can say no more than the one who mends may say anyway; what only services say can't be mended.
"""

import dataclasses
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final, get_args, get_type_hints

from penstock.producers.schedules import plan_sha256
from penstock.schemas.bodies import INPUTS
from penstock.schemas.canonical import NotCanonical, PayloadTooLarge, canonical_json, payload_of, sha256_hex
from penstock.schemas.codec import Codec, InputBody, Undecodable
from penstock.schemas.envelope.records import Payload
from penstock.schemas.ids import is_uuid
from penstock.schemas.log.records import DiscardInput, ReleaseInput
from penstock.schemas.run.records import CancelRun, CastVote, SettleToolCall, SignalRun, StartRun
from penstock.schemas.schedule.records import (
    CreateSchedule,
    DeleteSchedule,
    PauseSchedule,
    Plan,
    ResumeSchedule,
    ReviseSchedule,
    TriggerSchedule,
)

_BY_NAME: Final = {name.rpartition(".")[2]: body for name, body in INPUTS.items()}
_OPERATOR: Final = ("operator",)
# Who may say each: the roles, and what the door calls it. Who mends a start becomes the run's requester.
_RIGHTS: Final[Mapping[type[InputBody], tuple[tuple[str, ...], str]]] = {
    StartRun: (("analyst", "operator"), "redrive a start"),
    CancelRun: (_OPERATOR, "redrive a cancellation"),
    SignalRun: (_OPERATOR, "redrive a signal"),
    SettleToolCall: (_OPERATOR, "settle a call"),
    ReleaseInput: (_OPERATOR, "redrive a release"),
    DiscardInput: (_OPERATOR, "redrive a discard"),
    CastVote: (("analyst", "supervisor"), "vote"),
    CreateSchedule: (_OPERATOR, "make a schedule"),
    ReviseSchedule: (_OPERATOR, "change a schedule"),
    PauseSchedule: (_OPERATOR, "pause a schedule"),
    ResumeSchedule: (_OPERATOR, "resume a schedule"),
    TriggerSchedule: (_OPERATOR, "trigger a schedule"),
    DeleteSchedule: (_OPERATOR, "delete a schedule"),
}


class BadMend(ValueError):
    """What was given in a dead letter's place is no input that a person may say: correct it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Mend:
    """An input without its envelope, and the entity that it is for."""

    entity_id: str
    body: InputBody

    @property
    def right(self) -> tuple[tuple[str, ...], str]:
        """The roles of which who says this needs one, and what saying it is called."""
        return _RIGHTS[type(self.body)]


def mend_of_value(value: bytes, codec: Codec) -> Mend:
    """From a record's value, in Confluent framing; its envelope is dropped but for the entity. Raises BadMend."""
    try:
        meta, body = codec.decode_input(value)
    except Undecodable as error:
        raise BadMend(f"the replacement can't be decoded either: {error}") from error
    return _allowed(meta.entity_id, body)


def mend_of_fields(type_: str, entity_id: str, fields: Mapping[str, Any]) -> Mend:
    """From an input's name and fields as JSON: payloads as {"content": JSON}, bytes in base64. Raises BadMend."""
    kind = _BY_NAME.get(type_)
    if kind is None:
        raise BadMend(f"there is no input {type_!r}: the types are {', '.join(sorted(_BY_NAME))}")
    if not is_uuid(entity_id):
        raise BadMend("entity_id must be a UUID in lower case, with hyphens")
    try:
        given = _fields(kind, fields)
        if kind is StartRun and "body_sha256" not in given:
            given["body_sha256"] = _start_sha256(fields)
        if kind is CreateSchedule and "body_sha256" not in given:
            given["body_sha256"] = plan_sha256(given["plan"], bool(given.get("paused")))
        body = kind(**given)
    except (AttributeError, KeyError, TypeError, ValueError, NotCanonical, PayloadTooLarge) as error:
        raise BadMend(f"the fields don't make a {type_}: {error}") from error
    return _allowed(entity_id, body)


def _allowed(entity_id: str, body: InputBody) -> Mend:
    if type(body) not in _RIGHTS:
        raise BadMend(
            f"only services say {type(body).__name__}: discard the dead letter, or have its sender repeat it"
        )
    return Mend(entity_id, body)


def _fields(kind: type[object], fields: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: _value(value, hints.get(name)) for name, value in fields.items()}


def _value(value: Any, hint: Any) -> Any:
    if value is None:
        return None
    if hint is Plan:
        return Plan(**_fields(Plan, value))
    if Payload in (hint, *get_args(hint)):
        return payload_of(canonical_json(value["content"]))
    if bytes in (hint, *get_args(hint)):
        return b64decode(value, validate=True)
    return tuple(value) if isinstance(value, list) else value


def _start_sha256(fields: Mapping[str, Any]) -> str:
    """What a publisher hashes, so that the same start under the same key is no conflict."""
    named = {"version": fields.get("workflow_version"), "workflow": fields["workflow"]}
    return sha256_hex(canonical_json({"input": fields["input"]["content"], **named}))
