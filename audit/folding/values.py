"""Values of events as Python has them in JSON, and looking an event up in a history."""

import dataclasses
import json
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from penstock.schemas.attributes import InvalidAttributes, decode_attributes
from penstock.schemas.canonical import DEPTH_MAX
from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import EventMeta, Payload

Row: TypeAlias = dict[str, object]
Events: TypeAlias = Sequence[tuple[EventMeta, EventBody]]


def grouped(
    events: Events, key: Callable[[EventBody], str | None], begins: Callable[[str, EventBody], bool]
) -> dict[str, Events]:
    """The events that have a key, by it, each from the first on that begins what the key names."""
    found: dict[str, list[tuple[EventMeta, EventBody]]] = {}
    for meta, body in events:
        name = key(body)
        if name is not None and (name in found or begins(meta.entity_id, body)):
            found.setdefault(name, []).append((meta, body))
    return dict(found)


def last(events: Events, *kinds: Any) -> Any:
    """Meta and body of the last event of these kinds; (None, None) if there is none."""
    return next(((meta, body) for meta, body in reversed(events) if isinstance(body, kinds)), (None, None))


def failure(kind: str, message: str) -> Row:
    """An error as the views show it."""
    return {"kind": clean(kind), "message": clean(message)}


def content(payload: Payload) -> Any:
    """A payload's content as Python values; None if it isn't inline or is encrypted."""
    if payload.content is None or payload.key_id is not None:
        return None
    if payload.content_type.startswith("application/json"):
        try:
            value = json.loads(payload.content)
            if _depth(value) <= DEPTH_MAX:
                return clean(value)
        except (ValueError, RecursionError):
            pass
    return {"base64": b64encode(payload.content).decode()}


def flat(attributes: str | None) -> object:
    """Search attributes as an object; None where there are none, also where an event's text is none such."""
    try:
        return decode_attributes(attributes) or None
    except InvalidAttributes:
        return None


def _depth(value: Any) -> int:
    """How many lists and objects are in one another, level by level."""
    depth, level = 0, [value]
    while level := [inner for inner in level if isinstance(inner, list | dict)]:
        depth += 1
        level = [item for inner in level for item in (inner.values() if isinstance(inner, dict) else inner)]
    return depth


def plain(value: object) -> Any:
    """Dataclasses as dicts, bytes as base64, payloads with their content."""
    if isinstance(value, bytes):
        return b64encode(value).decode()
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    fields = {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Payload):
        fields["content"] = content(value)
    return fields


def clean(value: Any) -> Any:
    """The same without NULs, which Postgres can't hold: each becomes U+FFFD."""
    if isinstance(value, str):
        return value.replace(chr(0), chr(0xFFFD))
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): clean(item) for name, item in value.items()}
    return value
