"""Any event at all: every kind, with ids few enough that events meet each other."""

import dataclasses
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as some

from penstock.schemas.bodies import EVENTS
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import Failure, Payload

from .given import approval_id, call_id, timer_id

KINDS = tuple(EVENTS.values())
_IDS = {
    "call_id": [call_id(1), call_id(2)],
    "approval_id": [approval_id(1), approval_id(2)],
    "timer_id": [timer_id(1), timer_id("deadline")],
    "grant_id": ["g1", "g2"],
    "workflow": ["busy"],
}


def events(*kinds: type[EventBody]) -> some.SearchStrategy[EventBody]:
    """One event of these kinds, or of any."""
    return some.sampled_from(kinds or KINDS).flatmap(_of)


def _of(kind: type[EventBody]) -> some.SearchStrategy[EventBody]:
    hints = get_type_hints(kind)
    fields = {field.name: _field(field.name, hints[field.name]) for field in dataclasses.fields(kind)}
    return some.builds(kind, **fields)


def _field(name: str, hint: Any) -> some.SearchStrategy[Any]:
    if name in _IDS:
        return some.sampled_from(_IDS[name])
    if hint is Payload:
        return some.sampled_from([json_payload({"case_id": "c"}), json_payload(None)])
    if hint is Failure:
        return some.just(Failure(kind="k", message="m", retryable=True))
    if hint is int:
        return some.integers(0, 3)
    if hint is str:
        return some.sampled_from(["", "a"])
    if hint is bytes:
        return some.just(b"")
    if hint is bool:
        return some.booleans()
    if get_origin(hint) is tuple:
        return some.just(())
    options = get_args(hint)
    if options and all(isinstance(option, str) for option in options):
        return some.sampled_from(options)
    return some.one_of(*(some.none() if each is type(None) else _field(name, each) for each in options))
