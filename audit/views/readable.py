"""Events and payloads as JSON that a person can read. What can't be read says so; nothing here raises."""

from base64 import b64encode
from typing import Any, Final

import orjson

from penstock.schemas.bodies import EventBody
from penstock.schemas.envelope.records import Failure, Payload

_ESCAPED_NUL: Final = b"\\u0000"


def content_json(payload: Payload | None) -> str | None:
    """A payload's content as JSON text, byte for byte if it is JSON; None if absent or encrypted."""
    if payload is None or payload.content is None or payload.key_id is not None:
        return None
    if _parsed(payload) is not None:
        return payload.content.decode()
    return orjson.dumps({"base64": b64encode(payload.content).decode()}).decode()


def failure_json(kind: str, message: str) -> str:
    """An error as JSON text: {"kind", "message"}."""
    return dumps({"kind": kind, "message": message})


def failure_of(error: Failure) -> str:
    """A Failure as JSON text."""
    return failure_json(error.kind, error.message)


def event_json(body: EventBody) -> str:
    """An event's body as JSON text: its fields by name, payloads' content parsed, bytes in base64."""
    return dumps(body)


def dumps(value: object) -> str:
    """JSON text of dataclasses, dicts, tuples and plain values, without the NUL that jsonb can't hold."""
    encoded = orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    if _ESCAPED_NUL in encoded:
        encoded = orjson.dumps(_without_nul(orjson.loads(encoded)))
    return encoded.decode()


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    fields: dict[str, Any] = {name: getattr(value, name) for name in type(value).__slots__}  # type: ignore[attr-defined]
    if isinstance(value, Payload) and value.content is not None and value.key_id is None:
        parsed = _parsed(value)
        fields["content"] = {"base64": b64encode(value.content).decode()} if parsed is None else parsed[0]
    return fields


def _parsed(payload: Payload) -> tuple[Any] | None:
    """The content parsed, in a tuple because JSON has a null of its own; None if it isn't JSON."""
    if payload.content is None or not payload.content_type.startswith("application/json"):
        return None
    try:
        return (orjson.loads(payload.content),)
    except orjson.JSONDecodeError:
        return None


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(item) for name, item in value.items()}
    return value
