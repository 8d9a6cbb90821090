"""What the log says of every run, found without the projector's code: the witness that the views meet (L16).

Where the projector goes event by event, this looks at a whole history and asks of each column which event
decided it. Keep it that way: code that both share can't testify against itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from penstock.audit.folding.actions import action_rows
from penstock.audit.folding.approvals import approval_rows
from penstock.audit.folding.calls import call_rows
from penstock.audit.folding.event import event_row
from penstock.audit.folding.feedback import feedback_rows
from penstock.audit.folding.run import run_row
from penstock.audit.folding.schedule import schedule_row
from penstock.producers.log import Log, Record
from penstock.producers.signing import Keyring
from penstock.schemas.codec import Codec, EventBody, Undecodable, pinned_codec
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.ids import is_uuid, murmur2
from penstock.schemas.topics import BY_NAME, OPERATOR_ACTIONS, PARTITIONS, RUN_EVENTS, SCHEDULE_EVENTS

Row: TypeAlias = dict[str, object]


@dataclass(slots=True)
class Histories:
    """What the log says, as rows by view and primary key. Columns of JSON are parsed."""

    run: dict[str, Row] = field(default_factory=dict)
    tool_call: dict[str, Row] = field(default_factory=dict)
    approval: dict[str, Row] = field(default_factory=dict)
    run_event: dict[tuple[str, int], Row] = field(default_factory=dict)
    feedback: dict[str, Row] = field(default_factory=dict)
    schedule: dict[str, Row] = field(default_factory=dict)
    schedule_event: dict[tuple[str, int], Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a history, and where it stands."""

    record: Record
    meta: EventMeta
    body: EventBody


Hearer: TypeAlias = Callable[[str, Sequence[Told]], None]


def fold(
    kept: Log,
    until: Mapping[int, int] | None = None,
    topic: str = RUN_EVENTS,
    codec: Codec | None = None,
    hear: Hearer | None = None,
) -> Histories:
    """Fold a topic's histories, up to the offsets in `until` by partition (a missing one: nothing of it).

    Without `until`: all that stands there now. Holds one partition's events in memory at a time. `hear` is told each
    history on the way, whole: also what stands beyond `until`.
    """
    found = Histories()
    tell = _tell_schedule if topic == SCHEDULE_EVENTS else _tell
    partitions = kept.partitions(topic)
    for partition in range(partitions):
        first, end = kept.bounds(topic, partition)
        limit = end if until is None else min(end, until.get(partition, first))
        records = kept.read(topic, partition, first, limit if hear is None else end)
        for entity_id, history in histories(records, codec, partitions).items():
            if hear is not None:
                hear(entity_id, history)
            before = [told for told in history if told.record.offset < limit]
            if before:
                tell(found, entity_id, before)
    return found


def actions(
    kept: Log,
    keyring: Keyring,
    until: Mapping[int, int] | None = None,
    topic: str = OPERATOR_ACTIONS,
    codec: Codec | None = None,
) -> dict[str, Row]:
    """What operators did, by action id, as far as these keys vouch for it; `until` as for `fold`."""
    found: dict[str, Row] = {}
    partitions = kept.partitions(topic)
    for partition in range(partitions):
        first, end = kept.bounds(topic, partition)
        end = end if until is None else min(end, until.get(partition, first))
        records = kept.read(topic, partition, first, end)
        found |= action_rows(records, partitions, codec or pinned_codec(), keyring)
    return found


def histories(
    records: Iterable[Record], codec: Codec | None = None, partitions: int = PARTITIONS
) -> dict[str, list[Told]]:
    """The events of one partition's records by run, each in the order of entity_seq. `partitions`: of their topic."""
    by_run: dict[str, list[Told]] = {}
    for told in _seen(records, codec or pinned_codec(), partitions):
        history = by_run.setdefault(told.meta.entity_id, [])
        # A record that stands there twice tells once: what an entity's seq says first is its history.
        if not history or told.meta.entity_seq > history[-1].meta.entity_seq:
            history.append(told)
    return by_run


_MARKER: Final = "PartitionTaken"
# An epoch further above the last owner's is nobody's.
_LEAP_MAX: Final = 2**32


def _seen(records: Iterable[Record], codec: Codec, partitions: int) -> Iterator[Told]:
    """What a reader may see: nothing that an owner wrote after a later one had taken the partition."""
    reign = 0
    for record in records:
        claimed, kind = _claimed(record), (record.header("ce_type") or b"").decode(errors="replace")
        if claimed is None or not reign <= claimed <= reign + _LEAP_MAX:
            continue
        if kind.endswith(_MARKER):
            # By its header alone: readers that decode nothing of it must come to the same.
            reign = claimed
            continue
        try:
            meta, body = codec.decode_event(record.value or b"")
        except Undecodable:
            continue
        of_a_decider = meta.type == kind and meta.entity_seq > 0 and is_uuid(meta.cause.id)
        if (
            of_a_decider
            and _is_of_the_topic(record, body)
            and _is_at_home(record, meta.entity_id.encode(), partitions)
        ):
            yield Told(record, meta, body)


def _is_of_the_topic(record: Record, body: EventBody) -> bool:
    """Whether it is one of the events of its topic's noun; a topic that the catalogue doesn't name takes any."""
    known = BY_NAME.get(record.topic)
    return known is None or type(body).FULL_NAME in known.records


def _is_at_home(record: Record, own: bytes, partitions: int) -> bool:
    """Whether it stands under its run's id, on the partition that this gives."""
    return record.key == own and (murmur2(own) & 0x7FFFFFFF) % partitions == record.partition


def _claimed(record: Record) -> int | None:
    """The epoch that a record says. Python itself refuses to read numbers of thousands of digits."""
    text = record.header("epoch")
    return int(text) if text is not None and text.isdigit() and len(text) < 20 else None


def _tell(found: Histories, run_id: str, history: Sequence[Told]) -> None:
    events = [(told.meta, told.body) for told in history]
    found.tool_call |= call_rows(events)
    found.approval |= approval_rows(events)
    found.feedback |= feedback_rows(events)
    found.run[run_id] = run_row(events)
    for told in history:
        found.run_event[run_id, told.meta.entity_seq] = event_row(told.record, told.meta, told.body)


def _tell_schedule(found: Histories, schedule_id: str, history: Sequence[Told]) -> None:
    found.schedule[schedule_id] = schedule_row([(told.meta, told.body) for told in history])
    for told in history:
        row = event_row(told.record, told.meta, told.body)
        row["schedule_id"] = row.pop("run_id")
        found.schedule_event[schedule_id, told.meta.entity_seq] = row
