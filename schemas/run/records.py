"""The run records as Python types. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from penstock.schemas.envelope.records import Effect, Failure, Payload
from penstock.schemas.frozen import quick

# How a run that is ending will end.
EndOutcome: TypeAlias = Literal["unknown", "cancelled", "failed"]

# What the answer rests on.
SettleBasis: TypeAlias = Literal["unknown", "person", "target_journal", "key_voided", "deadline_passed"]

# Why a run stalled.
StallKind: TypeAlias = Literal["unknown", "nondeterminism", "missing_version", "exception", "blocked"]

# What a timer is for.
TimerPurpose: TypeAlias = Literal["unknown", "sleep", "deadline", "approval_expiry", "approval_escalation"]

# A vote.
VoteDecision: TypeAlias = Literal["unknown", "grant", "refuse"]


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """End a run early; it is cancelled when every outstanding call is settled.

    reason: Why, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.CancelRun"
    KIND: ClassVar[Literal["input"]] = "input"

    reason: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "CancelRun":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CastVote:
    """A person's vote on an approval. The voter is the envelope's actor.

    approval_id: The approval.
    decision: The vote.
    args_sha256: Hash of the argument bytes that the voter was shown.
    reason: Why, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.CastVote"
    KIND: ClassVar[Literal["input"]] = "input"

    approval_id: str
    decision: VoteDecision = "unknown"
    args_sha256: str
    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "decision": self.decision,
            "args_sha256": self.args_sha256,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "CastVote":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            decision=fields["decision"],
            args_sha256=fields["args_sha256"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteToolCall:
    """A call's answer: it worked.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: Lease under which it ran.
    result: What the tool returned.
    duration_ms: Time in the tool.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.CompleteToolCall"
    KIND: ClassVar[Literal["input"]] = "input"

    call_id: str
    attempt: int
    lease_id: str
    result: Payload
    duration_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
            "result": self.result.to_avro(),
            "duration_ms": self.duration_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "CompleteToolCall":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
            result=Payload.from_avro(fields["result"]),
            duration_ms=fields["duration_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueRun:
    """A person lets a paused run go on. ResumeRun is another thing: code that stalled a run has changed.

    reason: Why, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ContinueRun"
    KIND: ClassVar[Literal["input"]] = "input"

    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ContinueRun":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DeferToolCall:
    """An effector has handed a call to an outside system, which will answer it by a callback.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: Lease under which the tool ran.
    expires_at_ms: Until when the callback is waited for, in log time, ms since the Unix epoch.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.DeferToolCall"
    KIND: ClassVar[Literal["input"]] = "input"

    call_id: str
    attempt: int
    lease_id: str
    expires_at_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
            "expires_at_ms": self.expires_at_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "DeferToolCall":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
            expires_at_ms=fields["expires_at_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class DelegateApproval:
    """Who may vote hands the question to a person, who may vote then without the role.

    approval_id: The question.
    delegate: Subject of that person.
    reason: Why, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.DelegateApproval"
    KIND: ClassVar[Literal["input"]] = "input"

    approval_id: str
    delegate: str
    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "delegate": self.delegate,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "DelegateApproval":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            delegate=fields["delegate"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class EscalateApproval:
    """A question goes to the role that its workflow named for it, before its time.

    approval_id: The question.
    reason: Why, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.EscalateApproval"
    KIND: ClassVar[Literal["input"]] = "input"

    approval_id: str
    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "EscalateApproval":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class FailToolCall:
    """A call's answer: it didn't work.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: Lease under which it ran.
    error: Why.
    not_done: True if it is known that the effect did not and will not happen; for an unsafe call false
        makes it in doubt.
    duration_ms: Time in the tool.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.FailToolCall"
    KIND: ClassVar[Literal["input"]] = "input"

    call_id: str
    attempt: int
    lease_id: str
    error: Failure
    not_done: bool = False
    duration_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
            "error": self.error.to_avro(),
            "not_done": self.not_done,
            "duration_ms": self.duration_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "FailToolCall":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
            error=Failure.from_avro(fields["error"]),
            not_done=fields["not_done"],
            duration_ms=fields["duration_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class FireTimer:
    """A timer is due.

    timer_id: The timer.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.FireTimer"
    KIND: ClassVar[Literal["input"]] = "input"

    timer_id: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "timer_id": self.timer_id,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "FireTimer":
        """From the fields as Avro libraries read them."""
        return cls(
            timer_id=fields["timer_id"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class GiveFeedback:
    """Somebody says what they think of a run, or of one of its calls or events; also after it has ended.

    call_id: The call that it is about; null if it is about none.
    about_seq: Seq of the event of this run that it is about; null if it is about none.
    score_thousandths: The score times 1000; null without one.
    label: A word for it, such as helpful or wrong; null without one.
    tags: Words to find it by, sorted, each once.
    comment: What was said, as canonical JSON of a string; null if nothing.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.GiveFeedback"
    KIND: ClassVar[Literal["input"]] = "input"

    call_id: str | None = None
    about_seq: int | None = None
    score_thousandths: int | None = None
    label: str | None = None
    tags: tuple[str, ...] = ()
    comment: Payload | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "about_seq": self.about_seq,
            "score_thousandths": self.score_thousandths,
            "label": self.label,
            "tags": list(self.tags),
            "comment": None if self.comment is None else self.comment.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "GiveFeedback":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            about_seq=fields["about_seq"],
            score_thousandths=fields["score_thousandths"],
            label=fields["label"],
            tags=tuple(fields["tags"]),
            comment=None if fields["comment"] is None else Payload.from_avro(fields["comment"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateRun:
    """Have a run go on under another version of its workflow, if that fits its history.

    to_version: The version that it is to have.
    reason: Why.
    trial: Only say whether it fits; the run stays as it is.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.MigrateRun"
    KIND: ClassVar[Literal["input"]] = "input"

    to_version: int
    reason: str = ""
    trial: bool = False

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "to_version": self.to_version,
            "reason": self.reason,
            "trial": self.trial,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "MigrateRun":
        """From the fields as Avro libraries read them."""
        return cls(
            to_version=fields["to_version"],
            reason=fields["reason"],
            trial=fields["trial"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRun:
    """A person has a run wait: its workflow isn't driven on until it is continued.

    reason: Why, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.PauseRun"
    KIND: ClassVar[Literal["input"]] = "input"

    reason: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "PauseRun":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLostLease:
    """An effector found an unsafe call started, without an answer and without a live lease.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: The lease named in ToolCallStarted.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ReportLostLease"
    KIND: ClassVar[Literal["input"]] = "input"

    call_id: str
    attempt: int
    lease_id: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ReportLostLease":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRun:
    """Try a stalled run again: its code changed.

    code_hash: Hash of the workflow code now loaded.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ResumeRun"
    KIND: ClassVar[Literal["input"]] = "input"

    code_hash: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "code_hash": self.code_hash,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ResumeRun":
        """From the fields as Avro libraries read them."""
        return cls(
            code_hash=fields["code_hash"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SettleToolCall:
    """The answer to the question of a call in doubt, by a person or a reconciler.

    call_id: The call.
    attempt: Attempt, from 1.
    happened: Whether the effect happened.
    result: What it returned, if it happened and is known.
    basis: What the answer rests on: 'did not happen' is taken only from a person, or from a reconciler
        that voided the key or saw its deadline pass.
    evidence: What was looked at, for the audit.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.SettleToolCall"
    KIND: ClassVar[Literal["input"]] = "input"

    call_id: str
    attempt: int
    happened: bool
    result: Payload | None = None
    basis: SettleBasis = "unknown"
    evidence: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "happened": self.happened,
            "result": None if self.result is None else self.result.to_avro(),
            "basis": self.basis,
            "evidence": self.evidence,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "SettleToolCall":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            happened=fields["happened"],
            result=None if fields["result"] is None else Payload.from_avro(fields["result"]),
            basis=fields["basis"],
            evidence=fields["evidence"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRun:
    """Tell a running workflow something that it waits for, now or later.

    name: Which of the signals that the workflow declares.
    signal_id: The sender's id of it: the same again is one signal.
    payload: What it says, as canonical JSON.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.SignalRun"
    KIND: ClassVar[Literal["input"]] = "input"

    name: str
    signal_id: str
    payload: Payload

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "name": self.name,
            "signal_id": self.signal_id,
            "payload": self.payload.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "SignalRun":
        """From the fields as Avro libraries read them."""
        return cls(
            name=fields["name"],
            signal_id=fields["signal_id"],
            payload=Payload.from_avro(fields["payload"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Start a workflow.

    workflow: Registered name.
    workflow_version: Version to run; null is the newest registered.
    input: The workflow's input.
    body_sha256: Hash of what the client sent: the same Idempotency-Key with another body is a conflict.
    priority: Higher goes first, -100 to 100; null is the workflow's own.
    search_attributes: What it is looked for by: a flat object of strings, numbers and booleans as
        canonical JSON text.
    retry_of: The failed run that this one does again from the start, null if it is none.
    requesters_before: Subjects who started the runs that this one does again: they don't vote on it
        either.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.StartRun"
    KIND: ClassVar[Literal["input"]] = "input"

    workflow: str
    workflow_version: int | None = None
    input: Payload
    body_sha256: str
    priority: int | None = None
    search_attributes: str | None = None
    retry_of: str | None = None
    requesters_before: tuple[str, ...] = ()

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "workflow": self.workflow,
            "workflow_version": self.workflow_version,
            "input": self.input.to_avro(),
            "body_sha256": self.body_sha256,
            "priority": self.priority,
            "search_attributes": self.search_attributes,
            "retry_of": self.retry_of,
            "requesters_before": list(self.requesters_before),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "StartRun":
        """From the fields as Avro libraries read them."""
        return cls(
            workflow=fields["workflow"],
            workflow_version=fields["workflow_version"],
            input=Payload.from_avro(fields["input"]),
            body_sha256=fields["body_sha256"],
            priority=fields["priority"],
            search_attributes=fields["search_attributes"],
            retry_of=fields["retry_of"],
            requesters_before=tuple(fields["requesters_before"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class StartToolCall:
    """An effector asks to begin an unsafe call.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: The asker's lease on this attempt.
    worker: The asking process.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.StartToolCall"
    KIND: ClassVar[Literal["input"]] = "input"

    call_id: str
    attempt: int
    lease_id: str
    worker: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
            "worker": self.worker,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "StartToolCall":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
            worker=fields["worker"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDelegated:
    """The question is with a person now, who may vote without the role; whoever holds the role may still.

    approval_id: The question.
    delegated_by: Subject who handed it on.
    delegate: Subject who has it now; takes the place of any before.
    reason: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ApprovalDelegated"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str
    delegated_by: str
    delegate: str
    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "delegated_by": self.delegated_by,
            "delegate": self.delegate,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ApprovalDelegated":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            delegated_by=fields["delegated_by"],
            delegate=fields["delegate"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEscalated:
    """The question is with another role now, and with that one alone.

    approval_id: The question.
    from_role: Role that a voter had to hold.
    role: Role that a voter must hold now.
    escalated_by: Subject; the timers' group where the time did it.
    by_time: True if nobody had decided it in the time that the workflow had set.
    reason: Why.
    votes_dropped: Subjects whose votes for it counted under the role before, and don't any more.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ApprovalEscalated"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str
    from_role: str
    role: str
    escalated_by: str
    by_time: bool
    reason: str = ""
    votes_dropped: tuple[str, ...] = ()

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "from_role": self.from_role,
            "role": self.role,
            "escalated_by": self.escalated_by,
            "by_time": self.by_time,
            "reason": self.reason,
            "votes_dropped": list(self.votes_dropped),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ApprovalEscalated":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            from_role=fields["from_role"],
            role=fields["role"],
            escalated_by=fields["escalated_by"],
            by_time=fields["by_time"],
            reason=fields["reason"],
            votes_dropped=tuple(fields["votes_dropped"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalExpired:
    """Nobody voted in time; the workflow is told.

    approval_id: The question.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ApprovalExpired"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ApprovalExpired":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGranted:
    """A grant exists. By a person (approval_id names the question) or by a rule (rule is named).

    approval_id: The question; for a rule, uuid5(run, 'rule:<step>').
    grant_id: The grant; spent by the first request that names it.
    tool: Tool.
    tool_version: Its version.
    args_sha256: Hash of the canonical argument bytes.
    granted_by: Subjects who voted for it, or the rule.
    rule: The rule that granted it, null if people did.
    rule_version: Version of the tool's approval rule.
    expires_at_ms: When, in log time, it expires.
    role: Role under which people granted it, empty for a rule and in older histories.
    quorum: How many votes it took, 0 for a rule and in older histories.
    delegated_by: Of each in granted_by: who had handed the question to them, empty for who holds the
        role.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ApprovalGranted"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str
    grant_id: str
    tool: str
    tool_version: int
    args_sha256: str
    granted_by: tuple[str, ...]
    rule: str | None = None
    rule_version: int
    expires_at_ms: int
    role: str = ""
    quorum: int = 0
    delegated_by: tuple[str, ...] = ()

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "grant_id": self.grant_id,
            "tool": self.tool,
            "tool_version": self.tool_version,
            "args_sha256": self.args_sha256,
            "granted_by": list(self.granted_by),
            "rule": self.rule,
            "rule_version": self.rule_version,
            "expires_at_ms": self.expires_at_ms,
            "role": self.role,
            "quorum": self.quorum,
            "delegated_by": list(self.delegated_by),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ApprovalGranted":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            grant_id=fields["grant_id"],
            tool=fields["tool"],
            tool_version=fields["tool_version"],
            args_sha256=fields["args_sha256"],
            granted_by=tuple(fields["granted_by"]),
            rule=fields["rule"],
            rule_version=fields["rule_version"],
            expires_at_ms=fields["expires_at_ms"],
            role=fields["role"],
            quorum=fields["quorum"],
            delegated_by=tuple(fields["delegated_by"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRefused:
    """A voter said no; the workflow is told.

    approval_id: The question.
    refused_by: Subject.
    reason: Why.
    delegated_by: Subject who had handed the question to the voter, empty for who holds the role.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ApprovalRefused"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str
    refused_by: str
    reason: str = ""
    delegated_by: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "refused_by": self.refused_by,
            "reason": self.reason,
            "delegated_by": self.delegated_by,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ApprovalRefused":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            refused_by=fields["refused_by"],
            reason=fields["reason"],
            delegated_by=fields["delegated_by"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested:
    """The workflow asks for a grant bound to these exact argument bytes.

    approval_id: uuid5(run, 'approval:<step>').
    step: Place among the workflow's requests, from 1.
    tool: Tool that the grant is for.
    tool_version: Its version.
    arguments: Canonical JSON of the arguments.
    role: Role that a voter must hold.
    quorum: How many votes it takes.
    expires_at_ms: When, in log time, the question and its grant expire.
    rule_version: Version of the tool's approval rule.
    escalate_to: Role to which the question goes if it is escalated; null: it can't be.
    escalate_at_ms: When, in log time, it goes there by itself; null: only if a person says so.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ApprovalRequested"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str
    step: int
    tool: str
    tool_version: int
    arguments: Payload
    role: str
    quorum: int = 1
    expires_at_ms: int
    rule_version: int
    escalate_to: str | None = None
    escalate_at_ms: int | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "step": self.step,
            "tool": self.tool,
            "tool_version": self.tool_version,
            "arguments": self.arguments.to_avro(),
            "role": self.role,
            "quorum": self.quorum,
            "expires_at_ms": self.expires_at_ms,
            "rule_version": self.rule_version,
            "escalate_to": self.escalate_to,
            "escalate_at_ms": self.escalate_at_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ApprovalRequested":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            step=fields["step"],
            tool=fields["tool"],
            tool_version=fields["tool_version"],
            arguments=Payload.from_avro(fields["arguments"]),
            role=fields["role"],
            quorum=fields["quorum"],
            expires_at_ms=fields["expires_at_ms"],
            rule_version=fields["rule_version"],
            escalate_to=fields["escalate_to"],
            escalate_at_ms=fields["escalate_at_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven:
    """What somebody thinks of the run, or of one of its calls or events. Nothing follows from it; also after the
    run's end.

    call_id: The call that it is about; null if it is about none.
    about_seq: Seq of the event of this run that it is about; null if it is about none.
    score_thousandths: The score times 1000; null without one.
    label: A word for it, such as helpful or wrong; null without one.
    tags: Words to find it by, sorted, each once.
    comment: What was said, as canonical JSON of a string; null if nothing.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.FeedbackGiven"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str | None = None
    about_seq: int | None = None
    score_thousandths: int | None = None
    label: str | None = None
    tags: tuple[str, ...] = ()
    comment: Payload | None = None

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "about_seq": self.about_seq,
            "score_thousandths": self.score_thousandths,
            "label": self.label,
            "tags": list(self.tags),
            "comment": None if self.comment is None else self.comment.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "FeedbackGiven":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            about_seq=fields["about_seq"],
            score_thousandths=fields["score_thousandths"],
            label=fields["label"],
            tags=tuple(fields["tags"]),
            comment=None if fields["comment"] is None else Payload.from_avro(fields["comment"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer:
    """An answer to a call that was settled before; nothing follows from it.

    call_id: The call.
    attempt: Attempt that it speaks of.
    input_type: Record name of the answer.
    detail: What it said.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.LateAnswer"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    attempt: int
    input_type: str
    detail: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "input_type": self.input_type,
            "detail": self.detail,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "LateAnswer":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            input_type=fields["input_type"],
            detail=fields["detail"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled:
    """The run was cancelled, and nothing of it is outstanding.

    reason: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunCancelled"
    KIND: ClassVar[Literal["event"]] = "event"

    reason: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunCancelled":
        """From the fields as Avro libraries read them."""
        return cls(
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted:
    """The workflow returned.

    result: What it returned.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunCompleted"
    KIND: ClassVar[Literal["event"]] = "event"

    result: Payload

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "result": self.result.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunCompleted":
        """From the fields as Avro libraries read them."""
        return cls(
            result=Payload.from_avro(fields["result"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunContinued:
    """A paused run goes on: calls that were held are requested again, and the workflow is driven on.

    continued_by: Subject.
    reason: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunContinued"
    KIND: ClassVar[Literal["event"]] = "event"

    continued_by: str
    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "continued_by": self.continued_by,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunContinued":
        """From the fields as Avro libraries read them."""
        return cls(
            continued_by=fields["continued_by"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnding:
    """The run takes no more steps and ends when its outstanding calls are settled.

    outcome: How it will end.
    reason: Stable machine-readable word: requested, deadline, max_steps.
    detail: For a person.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunEnding"
    KIND: ClassVar[Literal["event"]] = "event"

    outcome: EndOutcome = "unknown"
    reason: str
    detail: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "outcome": self.outcome,
            "reason": self.reason,
            "detail": self.detail,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunEnding":
        """From the fields as Avro libraries read them."""
        return cls(
            outcome=fields["outcome"],
            reason=fields["reason"],
            detail=fields["detail"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    """The workflow raised an exception it declares, or ran out of time or steps.

    error: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunFailed"
    KIND: ClassVar[Literal["event"]] = "event"

    error: Failure

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "error": self.error.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunFailed":
        """From the fields as Avro libraries read them."""
        return cls(
            error=Failure.from_avro(fields["error"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunMigrated:
    """A run goes on under another version of its workflow, whose code fits its history.

    from_version: The version that it had.
    to_version: The version that it has from now on.
    code_hash: Hash of the workflow code that fits.
    max_steps: How many steps it may take from now on, as the version says.
    migrated_by: Who asked for it.
    reason: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunMigrated"
    KIND: ClassVar[Literal["event"]] = "event"

    from_version: int
    to_version: int
    code_hash: str
    max_steps: int
    migrated_by: str
    reason: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "from_version": self.from_version,
            "to_version": self.to_version,
            "code_hash": self.code_hash,
            "max_steps": self.max_steps,
            "migrated_by": self.migrated_by,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunMigrated":
        """From the fields as Avro libraries read them."""
        return cls(
            from_version=fields["from_version"],
            to_version=fields["to_version"],
            code_hash=fields["code_hash"],
            max_steps=fields["max_steps"],
            migrated_by=fields["migrated_by"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunPaused:
    """The run takes inputs and asks for nothing new until a person continues it.

    paused_by: Subject.
    reason: Why.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunPaused"
    KIND: ClassVar[Literal["event"]] = "event"

    paused_by: str
    reason: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "paused_by": self.paused_by,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunPaused":
        """From the fields as Avro libraries read them."""
        return cls(
            paused_by=fields["paused_by"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    """A stalled run goes on: its code fits again.

    code_hash: Hash of the workflow code that fits.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunResumed"
    KIND: ClassVar[Literal["event"]] = "event"

    code_hash: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "code_hash": self.code_hash,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunResumed":
        """From the fields as Avro libraries read them."""
        return cls(
            code_hash=fields["code_hash"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunStalled:
    """The run can't go on under the code that is loaded; it waits for other code.

    kind: Why.
    detail: The diff or the traceback.
    code_hash: Hash of the workflow code that stalled.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunStalled"
    KIND: ClassVar[Literal["event"]] = "event"

    kind: StallKind = "unknown"
    detail: str
    code_hash: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "kind": self.kind,
            "detail": self.detail,
            "code_hash": self.code_hash,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunStalled":
        """From the fields as Avro libraries read them."""
        return cls(
            kind=fields["kind"],
            detail=fields["detail"],
            code_hash=fields["code_hash"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run began, pinned to a workflow version.

    workflow: Registered name.
    workflow_version: Pinned version.
    input: The workflow's input.
    body_sha256: Hash of what the client sent.
    requester: Subject that started it; never votes on it.
    requester_roles: The requester's roles.
    deadline_ms: When the run must have ended, ms since the Unix epoch.
    max_steps: How many steps it may take.
    code_hash: Hash of the workflow's code.
    priority: Of all its calls: higher goes first, -100 to 100.
    search_attributes: What it is looked for by: a flat object of strings, numbers and booleans as
        canonical JSON text.
    retry_of: The failed run that this one does again from the start, null if it is none.
    requesters_before: Subjects who started the runs that this one does again: they don't vote on it
        either.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.RunStarted"
    KIND: ClassVar[Literal["event"]] = "event"

    workflow: str
    workflow_version: int
    input: Payload
    body_sha256: str
    requester: str
    requester_roles: tuple[str, ...] = ()
    deadline_ms: int | None = None
    max_steps: int
    code_hash: str
    priority: int = 0
    search_attributes: str | None = None
    retry_of: str | None = None
    requesters_before: tuple[str, ...] = ()

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "workflow": self.workflow,
            "workflow_version": self.workflow_version,
            "input": self.input.to_avro(),
            "body_sha256": self.body_sha256,
            "requester": self.requester,
            "requester_roles": list(self.requester_roles),
            "deadline_ms": self.deadline_ms,
            "max_steps": self.max_steps,
            "code_hash": self.code_hash,
            "priority": self.priority,
            "search_attributes": self.search_attributes,
            "retry_of": self.retry_of,
            "requesters_before": list(self.requesters_before),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "RunStarted":
        """From the fields as Avro libraries read them."""
        return cls(
            workflow=fields["workflow"],
            workflow_version=fields["workflow_version"],
            input=Payload.from_avro(fields["input"]),
            body_sha256=fields["body_sha256"],
            requester=fields["requester"],
            requester_roles=tuple(fields["requester_roles"]),
            deadline_ms=fields["deadline_ms"],
            max_steps=fields["max_steps"],
            code_hash=fields["code_hash"],
            priority=fields["priority"],
            search_attributes=fields["search_attributes"],
            retry_of=fields["retry_of"],
            requesters_before=tuple(fields["requesters_before"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class SignalReceived:
    """A signal is there for the workflow, which takes those of one name in this order.

    name: Which of the signals that the workflow declares.
    signal_id: The sender's id of it: the same again is one signal.
    payload: What it says, as canonical JSON.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.SignalReceived"
    KIND: ClassVar[Literal["event"]] = "event"

    name: str
    signal_id: str
    payload: Payload

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "name": self.name,
            "signal_id": self.signal_id,
            "payload": self.payload.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "SignalReceived":
        """From the fields as Avro libraries read them."""
        return cls(
            name=fields["name"],
            signal_id=fields["signal_id"],
            payload=Payload.from_avro(fields["payload"]),
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class TimerArmed:
    """A timer was set.

    timer_id: uuid5(run, 'timer:<step or purpose>').
    step: Place among the workflow's requests, from 1; 0 if the run itself set it.
    purpose: What it is for.
    due_ms: When, in log time, ms since the Unix epoch.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.TimerArmed"
    KIND: ClassVar[Literal["event"]] = "event"

    timer_id: str
    step: int
    purpose: TimerPurpose = "unknown"
    due_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "timer_id": self.timer_id,
            "step": self.step,
            "purpose": self.purpose,
            "due_ms": self.due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "TimerArmed":
        """From the fields as Avro libraries read them."""
        return cls(
            timer_id=fields["timer_id"],
            step=fields["step"],
            purpose=fields["purpose"],
            due_ms=fields["due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer is done.

    timer_id: The timer.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.TimerFired"
    KIND: ClassVar[Literal["event"]] = "event"

    timer_id: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "timer_id": self.timer_id,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "TimerFired":
        """From the fields as Avro libraries read them."""
        return cls(
            timer_id=fields["timer_id"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class TimerRearmed:
    """A timer fired before its log time and stays armed.

    timer_id: The timer.
    due_ms: When, in log time.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.TimerRearmed"
    KIND: ClassVar[Literal["event"]] = "event"

    timer_id: str
    due_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "timer_id": self.timer_id,
            "due_ms": self.due_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "TimerRearmed":
        """From the fields as Avro libraries read them."""
        return cls(
            timer_id=fields["timer_id"],
            due_ms=fields["due_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallCompleted:
    """A call is settled: it worked.

    call_id: The call.
    attempt: Attempt, from 1.
    result: What it returned.
    duration_ms: Time in the tool.
    settled_by: worker, or the basis of a settlement.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallCompleted"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    attempt: int
    result: Payload
    duration_ms: int = 0
    settled_by: str = "worker"

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "result": self.result.to_avro(),
            "duration_ms": self.duration_ms,
            "settled_by": self.settled_by,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallCompleted":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            result=Payload.from_avro(fields["result"]),
            duration_ms=fields["duration_ms"],
            settled_by=fields["settled_by"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDeferred:
    """An outside system has the call, and will answer it by a callback: until then it is open without a lease.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: Lease under which it was handed over.
    expires_at_ms: Until when the callback is waited for, in log time, ms since the Unix epoch.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallDeferred"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    attempt: int
    lease_id: str
    expires_at_ms: int

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
            "expires_at_ms": self.expires_at_ms,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallDeferred":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
            expires_at_ms=fields["expires_at_ms"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallFailed:
    """An attempt is settled: it didn't work.

    call_id: The call.
    attempt: Attempt, from 1.
    error: Why.
    final: True if the workflow is told; false if another attempt follows.
    duration_ms: Time in the tool.
    settled_by: worker, or the basis of a settlement.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallFailed"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    attempt: int
    error: Failure
    final: bool
    duration_ms: int = 0
    settled_by: str = "worker"

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "error": self.error.to_avro(),
            "final": self.final,
            "duration_ms": self.duration_ms,
            "settled_by": self.settled_by,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallFailed":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            error=Failure.from_avro(fields["error"]),
            final=fields["final"],
            duration_ms=fields["duration_ms"],
            settled_by=fields["settled_by"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallHeld:
    """The run is paused: the call's next attempt isn't requested before the run is continued.

    call_id: The call.
    attempt: The attempt that is over, from 1.
    began: True if that attempt took place and failed; false if its start was asked for and not granted.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallHeld"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    attempt: int
    began: bool

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "began": self.began,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallHeld":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            began=fields["began"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallInDoubt:
    """Nobody knows whether an unsafe call happened: a reconciler or a person must say.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: Lease under which it was started.
    reason: Why it isn't known.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallInDoubt"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    attempt: int
    lease_id: str
    reason: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
            "reason": self.reason,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallInDoubt":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
            reason=fields["reason"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallRefused:
    """A call was not allowed, at its request or at its start; the workflow is told.

    call_id: The call.
    step: Place among the workflow's requests, from 1.
    tool: Registered name.
    tool_version: Version.
    args_sha256: Hash of the canonical argument bytes.
    reason: Stable machine-readable word, such as unauthorized, grant_missing, grant_expired, grant_spent,
        grant_mismatch, ending.
    detail: For a person.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallRefused"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    step: int
    tool: str
    tool_version: int
    args_sha256: str
    reason: str
    detail: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "step": self.step,
            "tool": self.tool,
            "tool_version": self.tool_version,
            "args_sha256": self.args_sha256,
            "reason": self.reason,
            "detail": self.detail,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallRefused":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            step=fields["step"],
            tool=fields["tool"],
            tool_version=fields["tool_version"],
            args_sha256=fields["args_sha256"],
            reason=fields["reason"],
            detail=fields["detail"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallRequested:
    """The workflow wants a tool called; also each retry, with the same call and the next attempt.

    call_id: uuid5(run, 'call:<step>').
    step: Place among the workflow's requests, from 1.
    attempt: Attempt, from 1.
    tool: Registered name.
    tool_version: Pinned version.
    effect: The tool's class.
    arguments: Canonical JSON of the arguments.
    grant_id: The grant it spends; null for a read.
    timeout_ms: Longest time the tool may take.
    not_before_ms: Earliest log time to begin, for back-off; 0 is at once.
    priority: The run's: higher goes first, -100 to 100.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallRequested"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    step: int
    attempt: int
    tool: str
    tool_version: int
    effect: Effect = "unknown"
    arguments: Payload
    grant_id: str | None = None
    timeout_ms: int
    not_before_ms: int = 0
    priority: int = 0

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "step": self.step,
            "attempt": self.attempt,
            "tool": self.tool,
            "tool_version": self.tool_version,
            "effect": self.effect,
            "arguments": self.arguments.to_avro(),
            "grant_id": self.grant_id,
            "timeout_ms": self.timeout_ms,
            "not_before_ms": self.not_before_ms,
            "priority": self.priority,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallRequested":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            step=fields["step"],
            attempt=fields["attempt"],
            tool=fields["tool"],
            tool_version=fields["tool_version"],
            effect=fields["effect"],
            arguments=Payload.from_avro(fields["arguments"]),
            grant_id=fields["grant_id"],
            timeout_ms=fields["timeout_ms"],
            not_before_ms=fields["not_before_ms"],
            priority=fields["priority"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallStarted:
    """An unsafe call may begin, once, under this lease and no other.

    call_id: The call.
    attempt: Attempt, from 1.
    lease_id: The lease.
    worker: The lease's process.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.ToolCallStarted"
    KIND: ClassVar[Literal["event"]] = "event"

    call_id: str
    attempt: int
    lease_id: str
    worker: str

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "call_id": self.call_id,
            "attempt": self.attempt,
            "lease_id": self.lease_id,
            "worker": self.worker,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "ToolCallStarted":
        """From the fields as Avro libraries read them."""
        return cls(
            call_id=fields["call_id"],
            attempt=fields["attempt"],
            lease_id=fields["lease_id"],
            worker=fields["worker"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCounted:
    """A vote for an approval that needs more of them; the last one is ApprovalGranted.

    approval_id: The question.
    voter: Subject.
    votes: How many have granted it so far, this one included.
    quorum: How many it takes.
    reason: Why, for the audit.
    delegated_by: Subject who had handed the question to the voter, empty for who holds the role.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.VoteCounted"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str
    voter: str
    votes: int
    quorum: int
    reason: str = ""
    delegated_by: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "voter": self.voter,
            "votes": self.votes,
            "quorum": self.quorum,
            "reason": self.reason,
            "delegated_by": self.delegated_by,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "VoteCounted":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            voter=fields["voter"],
            votes=fields["votes"],
            quorum=fields["quorum"],
            reason=fields["reason"],
            delegated_by=fields["delegated_by"],
        )


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class VoteRefused:
    """A vote was not allowed; the question stays open.

    approval_id: The question.
    voter: Subject.
    reason: Stable machine-readable word, such as own_request, wrong_role, expired, other_arguments,
        already_decided.
    detail: For a person.
    """

    FULL_NAME: ClassVar[str] = "penstock.run.VoteRefused"
    KIND: ClassVar[Literal["event"]] = "event"

    approval_id: str
    voter: str
    reason: str
    detail: str = ""

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "approval_id": self.approval_id,
            "voter": self.voter,
            "reason": self.reason,
            "detail": self.detail,
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "VoteRefused":
        """From the fields as Avro libraries read them."""
        return cls(
            approval_id=fields["approval_id"],
            voter=fields["voter"],
            reason=fields["reason"],
            detail=fields["detail"],
        )


__all__ = [
    "ApprovalDelegated",
    "ApprovalEscalated",
    "ApprovalExpired",
    "ApprovalGranted",
    "ApprovalRefused",
    "ApprovalRequested",
    "CancelRun",
    "CastVote",
    "CompleteToolCall",
    "ContinueRun",
    "DeferToolCall",
    "DelegateApproval",
    "EndOutcome",
    "EscalateApproval",
    "FailToolCall",
    "FeedbackGiven",
    "FireTimer",
    "GiveFeedback",
    "LateAnswer",
    "MigrateRun",
    "PauseRun",
    "ReportLostLease",
    "ResumeRun",
    "RunCancelled",
    "RunCompleted",
    "RunContinued",
    "RunEnding",
    "RunFailed",
    "RunMigrated",
    "RunPaused",
    "RunResumed",
    "RunStalled",
    "RunStarted",
    "SettleBasis",
    "SettleToolCall",
    "SignalReceived",
    "SignalRun",
    "StallKind",
    "StartRun",
    "StartToolCall",
    "TimerArmed",
    "TimerFired",
    "TimerPurpose",
    "TimerRearmed",
    "ToolCallCompleted",
    "ToolCallDeferred",
    "ToolCallFailed",
    "ToolCallHeld",
    "ToolCallInDoubt",
    "ToolCallRefused",
    "ToolCallRequested",
    "ToolCallStarted",
    "VoteCounted",
    "VoteDecision",
    "VoteRefused",
]
