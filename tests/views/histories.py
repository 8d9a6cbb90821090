"""Made-up histories of runs, written to a log as a decider's owner would write them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.producers.log import Log, Outgoing, Record
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta, Failure, Payload
from penstock.schemas.headers import event_headers
from penstock.schemas.ids import derived_id, event_id, partition_entity_id
from penstock.schemas.log.records import PartitionTaken
from penstock.schemas.run.records import (
    ApprovalGranted,
    ApprovalRequested,
    RunCompleted,
    RunFailed,
    RunMigrated,
    RunStarted,
    TimerArmed,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP

START_MS = 1_760_000_000_000
PERSON = Actor(kind="person", subject="ana", roles=("analyst",))


@dataclass(slots=True)
class Historian:
    """Appends events of runs to a log: gives them their ids, seqs, times and causes."""

    log: Log
    tenant: str = "local"
    epoch: int = 1
    topic: str = RUN_EVENTS
    seqs: dict[str, int] = field(default_factory=dict)
    inputs: int = 0

    def outgoing(
        self,
        run_id: str,
        body: EventBody,
        *,
        seq: int | None = None,
        actor: Actor = PERSON,
        cause_id: str | None = None,
        index: int = 0,
        count: int = 1,
    ) -> Outgoing:
        """The next event of a run, not yet appended."""
        self.inputs += 1
        seq = self.seqs.get(run_id, 0) + 1 if seq is None else seq
        self.seqs[run_id] = max(seq, self.seqs.get(run_id, 0))
        cause_id = cause_id or derived_id(run_id, f"input:{self.inputs}")
        time_ms = START_MS + self.inputs
        meta = EventMeta(
            id=event_id(run_id, cause_id, index),
            type=type(body).__name__,
            tenant=self.tenant,
            entity_id=run_id,
            entity_seq=seq,
            time_ms=time_ms,
            actor=actor,
            cause=Cause(
                id=cause_id,
                topic=RUN_INBOX,
                partition=0,
                offset=self.inputs,
                time_ms=time_ms,
                index=index,
                count=count,
            ),
        )
        value = pinned_codec().encode(meta, body)
        return Outgoing(self.topic, run_id.encode(), value, event_headers(meta, RUNS_GROUP, self.epoch))

    def write(self, run_id: str, *bodies: EventBody) -> Sequence[Record]:
        """Append these events to a run's history."""
        return self.log.append([self.outgoing(run_id, body) for body in bodies])

    def take(self, partition: int, epoch: int) -> Record:
        """A new owner takes a partition, as of now."""
        self.epoch = epoch
        entity = partition_entity_id(self.topic, partition)
        made = self.outgoing(entity, PartitionTaken(epoch=epoch, owner="test"), seq=epoch)
        (record,) = self.log.append(
            [Outgoing(made.topic, made.key, made.value, made.headers, partition=partition)]
        )
        return record


def new_run() -> str:
    """A run id that nothing has yet."""
    return str(uuid.uuid4())


def started(requester: str = "ana", **changes: object) -> RunStarted:
    """A case review begins."""
    fields: dict[str, object] = {
        "workflow": "case-review",
        "workflow_version": 1,
        "input": json_payload({"case_id": "case-7"}),
        "body_sha256": "b" * 64,
        "requester": requester,
        "requester_roles": ("analyst",),
        "deadline_ms": START_MS + 86_400_000,
        "max_steps": 100,
        "code_hash": "c" * 64,
    }
    return RunStarted(**(fields | changes))  # type: ignore[arg-type]


def migrated(to_version: int) -> RunMigrated:
    """It goes on under another version."""
    pin = {"from_version": 1, "to_version": to_version, "max_steps": 100}
    return RunMigrated(**pin, code_hash="m" * 64, migrated_by="olga", reason="v1 is to go")


def requested(
    run_id: str,
    step: int,
    *,
    tool: str = "read_case",
    effect: str = "read",
    attempt: int = 1,
    grant_id: str | None = None,
    arguments: Payload | None = None,
) -> ToolCallRequested:
    """A call of the workflow, by its step."""
    return ToolCallRequested(
        call_id=call_of(run_id, step),
        step=step,
        attempt=attempt,
        tool=tool,
        tool_version=1,
        effect=effect,  # type: ignore[arg-type]
        arguments=arguments or json_payload({"case_id": "case-7", "step": step}),
        grant_id=grant_id,
        timeout_ms=10_000,
    )


def call_of(run_id: str, step: int) -> str:
    """The call of that step."""
    return derived_id(run_id, f"call:{step}")


def lease_started(run_id: str, step: int, attempt: int = 1) -> ToolCallStarted:
    """An unsafe call may begin."""
    return ToolCallStarted(
        call_id=call_of(run_id, step), attempt=attempt, lease_id=f"lease-{step}-{attempt}", worker="tools-1"
    )


def completed(run_id: str, step: int, attempt: int = 1) -> ToolCallCompleted:
    """A call worked."""
    return ToolCallCompleted(
        call_id=call_of(run_id, step),
        attempt=attempt,
        result=json_payload({"summary": "Two transfers of 420.00, disputed. " * 8, "step": step}),
        duration_ms=12,
    )


def asked(run_id: str, step: int, *, role: str = "supervisor") -> ApprovalRequested:
    """The workflow asks for a grant."""
    return ApprovalRequested(
        approval_id=approval_of(run_id, step),
        step=step,
        tool="update_case_status",
        tool_version=1,
        arguments=json_payload({"case_id": "case-7", "status": "refund"}),
        role=role,
        expires_at_ms=START_MS + 172_800_000,
        rule_version=1,
    )


def approval_of(run_id: str, step: int) -> str:
    """The question of that step."""
    return derived_id(run_id, f"approval:{step}")


def grant_of(run_id: str, step: int) -> str:
    """The grant that answers that question."""
    return derived_id(run_id, f"grant:{step}")


def granted(run_id: str, step: int, *, by: str = "sam", rule: str | None = None) -> ApprovalGranted:
    """Somebody said yes."""
    return ApprovalGranted(
        approval_id=approval_of(run_id, step),
        grant_id=grant_of(run_id, step),
        tool="update_case_status",
        tool_version=1,
        args_sha256=asked(run_id, step).arguments.sha256,
        granted_by=(by,),
        rule=rule,
        rule_version=1,
        expires_at_ms=START_MS + 172_800_000,
    )


def case_review(run_id: str) -> tuple[EventBody, ...]:
    """A whole case review that goes well: read, policy, draft, grant, unsafe update, notice, end."""
    update = requested(
        run_id,
        5,
        tool="update_case_status",
        effect="unsafe",
        grant_id=grant_of(run_id, 4),
        arguments=asked(run_id, 4).arguments,
    )
    return (
        started(),
        TimerArmed(
            timer_id=derived_id(run_id, "timer:deadline"), step=0, purpose="deadline", due_ms=START_MS
        ),
        requested(run_id, 1),
        completed(run_id, 1),
        requested(run_id, 2, tool="retrieve:policy"),
        completed(run_id, 2),
        requested(run_id, 3, tool="model:recommendation"),
        completed(run_id, 3),
        asked(run_id, 4),
        granted(run_id, 4),
        update,
        lease_started(run_id, 5),
        completed(run_id, 5),
        requested(run_id, 6, tool="notify_consumer", effect="idempotent"),
        completed(run_id, 6),
        RunCompleted(result=json_payload({"decision": "refund", "citations": ["11(c)(1)"]})),
    )


def failed() -> RunFailed:
    """The workflow gave up."""
    return RunFailed(error=Failure(kind="CaseClosed", message="the case is closed"))
