"""From records to the rows of all views, without IO: read a batch, fold it, say which rows changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from penstock.audit.changes import Changes, Written
from penstock.audit.views import (
    approval,
    dead_letter,
    feedback,
    operator_action,
    run,
    run_attribute,
    run_event,
    tool_call,
)
from penstock.audit.views.columns import Row
from penstock.audit.views.dead_letter import DeadLetterRow
from penstock.audit.views.feedback import FeedbackRow
from penstock.audit.views.operator_action import OperatorActionRow
from penstock.audit.views.run_attribute import RunAttributeRow
from penstock.audit.views.run_event import RunEventRow
from penstock.producers.log import Record
from penstock.producers.signing import LOCAL_TENANT, Keyring
from penstock.runtime.epochs import EpochFilter
from penstock.runtime.placing import misplacement
from penstock.schemas.codec import Codec, EventBody, Undecodable
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.log.records import PartitionTaken
from penstock.schemas.run.records import FeedbackGiven, RunStarted, ToolCallRequested
from penstock.schemas.topics import PARTITIONS, SCHEDULE_EVENTS, VIEWS_GROUP

DEAD_LETTERS: Final = ".dlq"
ACTIONS: Final = ".actions"
_NO_KEYS: Final = Keyring(())


class Misplaced(ValueError):
    """An event that no decider can have put where it stands: a copy, or a stranger's."""


class SequenceGap(Exception):
    """A run's history skips a number: its rows show what is known; compare the views with the log."""


@dataclass(slots=True)
class RunRows:
    """All rows of one run. `changed_*` name those that the views don't have so yet, True if not at all."""

    run: Row = field(default_factory=dict)
    calls: dict[str, Row] = field(default_factory=dict)
    approvals: dict[str, Row] = field(default_factory=dict)
    changed_calls: dict[str, bool] = field(default_factory=dict)
    changed_approvals: dict[str, bool] = field(default_factory=dict)
    # How many rows these were when they were written last, for whoever keeps them within a limit.
    counted: int = 0

    def written(self) -> None:
        """The views have all of it now."""
        self.changed_calls.clear()
        self.changed_approvals.clear()
        self.counted = 1 + len(self.calls) + len(self.approvals)

    @property
    def last_seq(self) -> int:
        """The last event folded into these rows; 0 before the first."""
        seq = self.run.get("last_seq", 0)
        return seq if isinstance(seq, int) else 0

    @property
    def ended(self) -> bool:
        """No more steps will follow."""
        return self.run.get("phase") in run.ENDED


class Event(NamedTuple):
    """A record of an events topic, decoded."""

    record: Record
    meta: EventMeta
    body: EventBody


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of records holds: `events` are of runs, `schedules` of those, each in the order of their topics."""

    events: tuple[Event, ...]
    dead_letters: tuple[DeadLetterRow, ...]
    actions: tuple[OperatorActionRow, ...] = ()
    schedules: tuple[Event, ...] = ()

    def runs(self) -> frozenset[str]:
        """The runs that it speaks of."""
        return frozenset(event.meta.entity_id for event in self.events)


def read(
    records: Iterable[Record],
    epochs: EpochFilter,
    codec: Codec,
    keyring: Keyring = _NO_KEYS,
    deployment: str = LOCAL_TENANT,
    partitions: Mapping[str, int] = MappingProxyType({}),
) -> Batch:
    """Decode what readers may see. What can't be decoded, or is no door's word among operators' actions, becomes a
    dead letter of the tenant `deployment`, and stops nothing."""
    events: list[Event] = []
    dead_letters: list[DeadLetterRow] = []
    actions: list[OperatorActionRow] = []
    schedules: list[Event] = []
    for record in records:
        try:
            if record.topic.endswith(DEAD_LETTERS):
                owner = dead_letter.tenant_of(record, codec, keyring, deployment)
                dead_letters.append(dead_letter.project(record, owner))
            elif record.topic.endswith(ACTIONS):
                actions.append(operator_action.project(record, codec, keyring))
            elif epochs.admit(record):
                meta, body = codec.decode_event(record.value or b"")
                if why := misplacement(record, meta, partitions.get(record.topic, PARTITIONS)):
                    raise Misplaced(why)
                # The entity of PartitionTaken is the partition, not a run or a schedule.
                if not isinstance(body, PartitionTaken):
                    (schedules if record.topic == SCHEDULE_EVENTS else events).append(
                        Event(record, meta, body)
                    )
        except (Undecodable, Misplaced, operator_action.Misplaced, operator_action.NotVouchedFor) as error:
            dead_letters.append(dead_letter.unprojectable(record, VIEWS_GROUP, error, deployment))
    return Batch(tuple(events), tuple(dead_letters), tuple(actions), tuple(schedules))


def fold(batch: Batch, rows: Mapping[str, RunRows], deployment: str = LOCAL_TENANT) -> Changes:
    """Fold a batch into the rows of its runs, which it changes. Events folded before change nothing."""
    run_events: list[RunEventRow] = []
    attributes: list[RunAttributeRow] = []
    thoughts: list[FeedbackRow] = []
    dead_letters = list(batch.dead_letters)
    touched: dict[str, bool] = {}
    for event in batch.events:
        run_id, seq = event.meta.entity_id, event.meta.entity_seq
        own = rows[run_id]
        last = own.last_seq
        if seq <= last:
            continue
        if seq > last + 1:
            gap = SequenceGap(f"seq {seq} follows {last} in run {run_id}")
            dead_letters.append(dead_letter.unprojectable(event.record, VIEWS_GROUP, gap, deployment))
        touched.setdefault(run_id, not own.run)
        apply(own, event.meta, event.body)
        run_events.append(run_event.project(event.record, event.meta, event.body))
        if type(event.body) is RunStarted:
            attributes += run_attribute.project(own.run)
        elif type(event.body) is FeedbackGiven:
            thoughts.append(feedback.project(event.meta, event.body))
    for run_id in touched:
        _conclude(rows[run_id])
    return Changes(
        written((rows[run_id].run, new) for run_id, new in touched.items()),
        written(
            (own.calls[key], new)
            for own in map(rows.__getitem__, touched)
            for key, new in sorted(own.changed_calls.items())
        ),
        written(
            (own.approvals[key], new)
            for own in map(rows.__getitem__, touched)
            for key, new in sorted(own.changed_approvals.items())
        ),
        tuple(run_events),
        tuple(dead_letters),
        tuple(attributes),
        batch.actions,
        tuple(thoughts),
    )


def written(rows: Iterable[tuple[Row, bool]]) -> Written:
    """Rows, and whether the views lack them."""
    new: list[Row] = []
    changed: list[Row] = []
    for row, lacking in rows:
        (new if lacking else changed).append(row)
    return Written(tuple(new), tuple(changed))


def apply(own: RunRows, meta: EventMeta, body: EventBody) -> None:
    """Fold one event into the rows of its run."""
    own.run |= run.project(own.run, meta, body)
    call_id = tool_call.key_of(body)
    if call_id is not None:
        if call_id in own.calls or tool_call.opens(meta.entity_id, body):
            row = _row(own.calls, own.changed_calls, call_id)
            row |= {"call_id": call_id} | tool_call.project(row, meta, body)
        if isinstance(body, ToolCallRequested) and body.grant_id is not None:
            _spend(own, meta, body.grant_id, call_id)
        return
    approval_id = approval.key_of(body)
    known = approval_id in own.approvals or approval.opens(meta.entity_id, body)
    if approval_id is not None and known:
        requester = own.run.get("requester")
        row = _row(own.approvals, own.changed_approvals, approval_id)
        row |= {"approval_id": approval_id} | approval.project(
            row, meta, body, requester if isinstance(requester, str) else None
        )


def _row(rows: dict[str, Row], changed: dict[str, bool], key: str) -> Row:
    """The row of that key, to be changed."""
    row = rows.get(key)
    changed.setdefault(key, row is None)
    if row is None:
        row = rows[key] = {}
    return row


def _spend(own: RunRows, meta: EventMeta, grant_id: str, call_id: str) -> None:
    for approval_id, row in own.approvals.items():
        if row.get("grant_id") == grant_id and row.get("spent_by") is None:
            row |= approval.spent(meta, call_id)
            own.changed_approvals.setdefault(approval_id, False)


def _conclude(own: RunRows) -> None:
    """What all rows of a run say together: questions and calls that its end left open, its status."""
    if own.ended or own.run.get("phase") == "ending":
        for key, row in own.approvals.items():
            if row["status"] == "waiting":
                row["status"] = "closed"
                own.changed_approvals.setdefault(key, False)
    if own.ended:
        for key, row in own.calls.items():
            if row["status"] in tool_call.OPEN:
                row["status"] = "abandoned"
                own.changed_calls.setdefault(key, False)
    own.run["status"] = run.status_of(own.run, own.calls.values(), own.approvals.values())
