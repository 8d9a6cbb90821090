"""Envelope and encode: from the bodies that an input causes to journal rows and records (laws L1 and L2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from penstock.producers.log import Outgoing, Record
from penstock.schemas.codec import Codec, EventBody
from penstock.schemas.envelope.records import Cause, EventMeta, InputMeta
from penstock.schemas.frozen import quick
from penstock.schemas.headers import event_headers
from penstock.schemas.ids import event_id
from penstock.schemas.log.records import InputRefused
from penstock.streams.journal import Row

# Refusals are for people; one that quotes a hostile input must not outgrow the topic.
DETAIL_CHARACTERS_MAX: Final = 8_000
# What one input may cause altogether: it is committed in one statement, and held in memory until it is published.
DECISION_BYTES_MAX: Final = 64 * 1024 * 1024


def mark_of(event_type: str) -> str | None:
    """The journal's mark: entities that wait for other code must be found when their partition is taken."""
    return event_type if event_type.endswith(("Stalled", "Resumed", "Migrated")) else None


class TooLarge(Exception):
    """What an input causes can't be written: the input is parked instead."""


class EventTooLarge(TooLarge):
    """An event is larger than a record may be. Pass large content by reference, then release or discard the input."""


class DecisionTooLarge(TooLarge):
    """All events of one input are more than it may cause. Ask for less at once, then release or discard the input."""


@quick
@dataclass(frozen=True, slots=True)
class Written:
    """One event, enveloped and encoded."""

    meta: EventMeta
    body: EventBody
    value: bytes


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes events of one decider. `source` names it in ce_source; `bytes_max` is the largest value in bytes, and
    `decision_bytes_max` that of all values which one input causes."""

    codec: Codec
    topic: str
    source: str
    bytes_max: int
    decision_bytes_max: int = DECISION_BYTES_MAX

    def write(
        self,
        tenant: str,
        cause: InputMeta,
        record: Record,
        seq: int,
        time_ms: int,
        bodies: Sequence[EventBody],
    ) -> list[Written]:
        """Envelopes for all events of one input, from `seq` + 1 on. `tenant` is the entity's own, whoever asks.
        Raises TooLarge, Unencodable."""
        return list(self._write(tenant, cause, record, seq, time_ms, bodies))

    def _write(
        self,
        tenant: str,
        cause: InputMeta,
        record: Record,
        seq: int,
        time_ms: int,
        bodies: Sequence[EventBody],
    ) -> Iterator[Written]:
        size = 0
        for index, said in enumerate(bodies):
            body = _shortened(said)
            meta = EventMeta(
                id=event_id(cause.entity_id, cause.id, index),
                type=type(body).__name__,
                tenant=tenant,
                entity_id=cause.entity_id,
                entity_seq=seq + index + 1,
                time_ms=time_ms,
                actor=cause.actor,
                cause=Cause(
                    id=cause.id,
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    time_ms=record.time_ms,
                    index=index,
                    count=len(bodies),
                ),
            )
            value = self.codec.encode(meta, body)
            if len(value) > self.bytes_max:
                raise EventTooLarge(
                    f"{meta.type} takes {len(value)} bytes, of {self.bytes_max} at most: pass large content by"
                    " reference, then release the input or discard it"
                )
            size += len(value)
            if size > self.decision_bytes_max:
                raise DecisionTooLarge(
                    f"the first {index + 1} of {len(bodies)} events of this {cause.type} take {size} bytes, of"
                    f" {self.decision_bytes_max} at most for all of them: ask for less at once, then release the"
                    " input or discard it"
                )
            yield Written(meta, body, value)

    def row(self, written: Written, position: int) -> Row:
        """As the journal keeps it; `position` is the checkpoint position of its batch."""
        meta, cause = written.meta, written.meta.cause
        place = (position, cause.offset, cause.id, cause.index)
        return Row(meta.entity_id, meta.entity_seq, *place, written.value, mark_of(meta.type))

    def outgoing(self, written: Written, partition: int, epoch: int, traceparent: str | None) -> Outgoing:
        """As it goes to the log."""
        headers = event_headers(written.meta, self.source, epoch, traceparent)
        key, said = written.meta.entity_id.encode(), (written.meta, written.body)
        return Outgoing(self.topic, key, written.value, headers, partition, said)


def _shortened(body: EventBody) -> EventBody:
    if isinstance(body, InputRefused) and len(body.detail) > DETAIL_CHARACTERS_MAX:
        return replace(body, detail=body.detail[:DETAIL_CHARACTERS_MAX])
    return body
