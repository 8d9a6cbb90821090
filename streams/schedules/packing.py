"""A schedule's state as bytes, for the snapshot beside the journal: JSON with the plan as Avro libraries write it."""

import base64
import json
from dataclasses import fields
from typing import Any, Final

from penstock.schemas.schedule.records import Plan
from penstock.streams.schedules.state import ScheduleState

BYTES: Final = "base64"


def pack(state: ScheduleState) -> bytes:
    """The state as UTF-8 JSON."""
    said = {field.name: getattr(state, field.name) for field in fields(state)}
    said["plan"] = None if state.plan is None else state.plan.to_avro()
    said["unreported"] = sorted(state.unreported)
    return json.dumps(said, default=lambda value: {BYTES: base64.b64encode(value).decode()}).encode()


def unpack(packed: bytes) -> ScheduleState:
    """The state of these bytes. Raises ValueError, TypeError or KeyError for what was packed otherwise."""
    said = json.loads(packed, object_hook=_bytes)
    said["plan"] = None if said["plan"] is None else Plan.from_avro(said["plan"])
    for name, kind in (("requesters", tuple), ("roles", tuple), ("unreported", frozenset)):
        said[name] = kind(said[name])
    return ScheduleState(**said)


def _bytes(said: dict[str, Any]) -> object:
    return base64.b64decode(said[BYTES]) if set(said) == {BYTES} else said
