"""The row of one event."""

import dataclasses

from penstock.audit.folding.values import Row, clean, plain
from penstock.producers.log import Record
from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import EventMeta


def event_row(record: Record, meta: EventMeta, body: EventBody) -> Row:
    """The row of one event."""
    own = {"event_id": meta.id, "type": meta.type, "tenant": meta.tenant, "time_ms": meta.time_ms}
    cause = {f"cause_{name}": value for name, value in dataclasses.asdict(meta.cause).items()}
    at = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    told = own | cause | at | {"actor": plain(meta.actor), "event": plain(body)}
    row: Row = clean(told)
    return {**row, "run_id": meta.entity_id, "seq": meta.entity_seq, "log_time_ms": record.time_ms}
