"""Events and payloads as JSON that a person can read. What can't be read says so; nothing here raises."""

import dataclasses
from base64 import b64encode
from functools import lru_cache
from typing import Any, Final, get_args, get_type_hints

import orjson

from penstock.schemas.bodies import EventBody
from penstock.schemas.canonical import JSON, too_deep
from penstock.schemas.envelope.records import Actor, Failure, Payload

_ESCAPED_NUL: Final = b"\\u0000"
_FIELDS: Final[dict[type, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]] = {}


def content_json(payload: Payload | None) -> str | None:
    """A payload's content as JSON text, byte for byte if it is JSON; None if absent or encrypted."""
    if payload is None or payload.content is None or payload.key_id is not None:
        return None
    if _is_json(payload):
        return payload.content.decode()
    return orjson.dumps({"base64": b64encode(payload.content).decode()}).decode()


def failure_json(kind: str, message: str) -> str:
    """An error as JSON text: {"kind", "message"}."""
    return dumps({"kind": kind, "message": message})


def failure_of(error: Failure) -> str:
    """A Failure as JSON text."""
    return failure_json(error.kind, error.message)


def event_json(body: EventBody) -> str:
    """An event's body as JSON text: its fields by name, payloads' content as JSON, bytes in base64."""
    return dumps(_shown(body))


def _shown(record: Any) -> object:
    """A record whose payloads, and those of the records in it, can be read."""
    kind = type(record)
    if kind not in _FIELDS:
        _FIELDS[kind] = _fields_of(kind)
    names, payloads, parts = _FIELDS[kind]
    if not payloads and not parts:
        return record
    fields = {name: getattr(record, name) for name in names}
    for name in payloads:
        fields[name] = _readable(fields[name])
    for name in parts:
        fields[name] = _shown(fields[name])
    return fields


def _fields_of(kind: type) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The names of its fields, of those that hold a payload or may, and of those that are records which hold one."""
    hints = get_type_hints(kind)
    names = tuple(field.name for field in dataclasses.fields(kind))
    payloads = tuple(name for name in names if Payload in (hints[name], *get_args(hints[name])))
    parts = (name for name in names if name not in payloads and dataclasses.is_dataclass(hints[name]))
    return names, payloads, tuple(name for name in parts if _fields_of(hints[name])[1])


@lru_cache(maxsize=4096)
def actor_json(actor: Actor) -> str:
    """An actor as JSON text. A few parties cause most events: kept."""
    return dumps(actor)


def dumps(value: object) -> str:
    """JSON text of dataclasses, dicts, tuples and plain values, without the NUL that jsonb can't hold."""
    encoded = orjson.dumps(value, default=_base64)
    if _ESCAPED_NUL in encoded:
        encoded = orjson.dumps(_without_nul(orjson.loads(encoded)))
    return encoded.decode()


def _readable(value: Payload | None) -> object:
    """A payload with what is readable of its content."""
    if value is None:
        return None
    content = content_json(value)
    return {
        "content_type": value.content_type,
        "content": None if content is None else orjson.Fragment(content),
        "reference": value.reference,
        "sha256": value.sha256,
        "key_id": value.key_id,
    }


def _is_json(payload: Payload) -> bool:
    if payload.content is None or not payload.content_type.startswith(JSON):
        return False
    if too_deep(payload.content):
        return False
    try:
        orjson.loads(payload.content)
    except orjson.JSONDecodeError:
        return False
    return True


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(item) for name, item in value.items()}
    return value
