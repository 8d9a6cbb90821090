"""The view of run events: one row an event, written once."""

from typing import Final, NamedTuple

from penstock.audit.views.readable import actor_json, event_json
from penstock.producers.log import Record
from penstock.schemas.bodies import EventBody
from penstock.schemas.envelope.records import EventMeta


class RunEventRow(NamedTuple):
    """A row of views.run_event_row, its columns in the table's order. `actor` and `event` are JSON text."""

    run_id: str
    seq: int
    event_id: str
    tenant: str
    type: str
    time_ms: int
    actor: str
    cause_id: str
    cause_topic: str
    cause_partition: int
    cause_offset: int
    cause_time_ms: int
    cause_index: int
    cause_count: int
    topic: str
    partition: int
    offset: int
    log_time_ms: int
    event: str


_INT4: Final = frozenset({"cause_partition", "cause_index", "cause_count", "partition"})
# What Postgres calls the type of each column, for COPY in binary.
TYPES: Final = {
    name: "int4" if name in _INT4 else "int8" if kind is int else "text"
    for name, kind in RunEventRow.__annotations__.items()
}


def project(record: Record, meta: EventMeta, body: EventBody) -> RunEventRow:
    """The row of an event that stands at that place of the log."""
    cause = meta.cause
    return RunEventRow(
        meta.entity_id,
        meta.entity_seq,
        meta.id,
        meta.tenant,
        type(body).__name__,
        meta.time_ms,
        actor_json(meta.actor),
        cause.id,
        cause.topic,
        cause.partition,
        cause.offset,
        cause.time_ms,
        cause.index,
        cause.count,
        record.topic,
        record.partition,
        record.offset,
        record.time_ms,
        event_json(body),
    )
