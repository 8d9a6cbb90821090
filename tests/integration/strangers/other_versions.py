"""Records that are right, and written by another release: with an older schema, or with one that isn't known yet."""

import io
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import fastavro

from penstock.schemas.avro import FOLDER
from penstock.schemas.codec import FRAME_BYTES
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.headers import SIGNATURE
from penstock.schemas.log.records import InputReleased, ReleaseInput
from tests.integration.strangers.case import Case, Told, malformed
from tests.integration.strangers.good import Good
from tests.integration.strangers.sending import Hostile

# Schemas of the future: this lock has no such ids.
NEXT_ID: Final = 1 + max(
    version["id"]
    for versions in json.loads((FOLDER / "registry.lock").read_text("utf-8")).values()
    for version in versions.values()
)
FAR_ID: Final = 2_000_000
# Of the same kind, envelope and topics as the record itself.
_ANOTHER: Final = {
    "StartRun": "penstock.run.CancelRun",
    "RunStarted": "penstock.run.RunEnding",
    "CreateSchedule": "penstock.schedule.PauseSchedule",
    "ScheduleCreated": "penstock.schedule.SchedulePaused",
    "OperatorActed": "penstock.run.CancelRun",
}


@cache
def _versions(record: str) -> tuple[tuple[int, Any], ...]:
    """(id, schema) of all versions of a record in the lock, oldest first."""
    lock = json.loads((FOLDER / "registry.lock").read_text("utf-8"))
    found = {
        version["id"]: json.loads(version["schema"])
        for subject, versions in lock.items()
        if subject.rpartition("-")[2] == record
        for version in versions.values()
    }
    return tuple(sorted(found.items()))


def older(g: Good) -> Hostile:
    """Written and signed with the first version of its schema that the lock knows."""
    schema_id, schema = _versions(g.body.FULL_NAME)[0]
    known = {"meta": g.meta.to_avro(), **g.body.to_avro()}
    stream = io.BytesIO(b"\0" + schema_id.to_bytes(4, "big"))
    stream.seek(FRAME_BYTES)
    fields = {field["name"]: known[field["name"]] for field in schema["fields"]}
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), fields)
    return signed(g, stream.getvalue())


def signed(g: Good, value: bytes) -> Hostile:
    """Other bytes in the record's name, signed as the record would be."""
    if isinstance(g.meta, EventMeta):
        return g.sent(value=value)
    return g.sent(value=value, headers=g.headers(**{SIGNATURE: g.signature(value)}))


def _older_of_any(g: Good) -> Hostile:
    """What any inbox or events topic may hold, with its first version."""
    if isinstance(g.meta, EventMeta):
        return older(g.but(body=InputReleased(parked_input_id=g.meta.id, reason="")))
    return older(g.but(body=ReleaseInput(parked_input_id=g.meta.id, reason="")))


def _framed(schema_id: int) -> Callable[[Good], Hostile]:
    raw = schema_id.to_bytes(4, "big", signed=schema_id < 0)
    return lambda g: signed(g, g.value[:1] + raw + g.value[FRAME_BYTES:])


def _of_another_record(g: Good) -> Hostile:
    schema_id, _ = _versions(_ANOTHER[type(g.body).__name__])[-1]
    return _framed(schema_id)(g)


CASES: Final = (
    Case(
        "an older version of its schema",
        older,
        *(Told.REFUSED, Told.TAKEN, Told.TAKEN, Told.ABSENT),
        schedules=Told.ABSENT,
        firing=Told.ABSENT,
    ),
    Case(
        "an older version of what every inbox or history may hold",
        _older_of_any,
        *(Told.REFUSED, Told.TAKEN, Told.TAKEN, Told.ABSENT),
    ),
    malformed("a newer release's schema: the id after the last that is known", _framed(NEXT_ID)),
    malformed("a much newer release's schema", _framed(FAR_ID)),
    malformed("a negative schema id", _framed(-1)),
    malformed("the schema id of another record", _of_another_record),
)
