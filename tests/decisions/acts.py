"""Short ways to say an input, by step number."""

from typing import Literal

from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Failure
from penstock.schemas.run.records import (
    CancelRun,
    CastVote,
    CompleteToolCall,
    ContinueRun,
    DeferToolCall,
    DelegateApproval,
    EscalateApproval,
    FailToolCall,
    FireTimer,
    GiveFeedback,
    MigrateRun,
    PauseRun,
    ReportLostLease,
    ResumeRun,
    SettleBasis,
    SettleToolCall,
    SignalRun,
    StartToolCall,
    VoteDecision,
)

from .given import Story, approval_id, call_id, timer_id


def completes(step: int, result: object = None, attempt: int = 1, lease: str = "L1") -> CompleteToolCall:
    content = json_payload(result)
    return CompleteToolCall(
        call_id=call_id(step), attempt=attempt, lease_id=lease, result=content, duration_ms=5
    )


def fails(
    step: int,
    *,
    attempt: int = 1,
    lease: str = "L1",
    retryable: bool = True,
    not_done: bool = False,
    kind: str = "timeout",
) -> FailToolCall:
    return FailToolCall(
        call_id=call_id(step),
        attempt=attempt,
        lease_id=lease,
        error=Failure(kind=kind, message="no answer", retryable=retryable),
        not_done=not_done,
        duration_ms=5,
    )


def starts(step: int, attempt: int = 1, lease: str = "L1") -> StartToolCall:
    return StartToolCall(call_id=call_id(step), attempt=attempt, lease_id=lease, worker="w1")


def defers(step: int, until_ms: int = 0, attempt: int = 1, lease: str = "L1") -> DeferToolCall:
    return DeferToolCall(call_id=call_id(step), attempt=attempt, lease_id=lease, expires_at_ms=until_ms)


def loses(step: int, attempt: int = 1, lease: str = "L1") -> ReportLostLease:
    return ReportLostLease(call_id=call_id(step), attempt=attempt, lease_id=lease)


def settles(
    step: int, happened: bool, *, basis: SettleBasis = "person", attempt: int = 1, result: object = None
) -> SettleToolCall:
    return SettleToolCall(
        call_id=call_id(step),
        attempt=attempt,
        happened=happened,
        result=None if result is None else json_payload(result),
        basis=basis,
        evidence="looked it up",
    )


def votes(
    story: Story, step: int, decision: VoteDecision | Literal["grant"] = "grant", args_sha256: str = ""
) -> CastVote:
    shown = story.state.approvals.get(approval_id(step))
    seen = args_sha256 or (shown.arguments.sha256 if shown else "")
    return CastVote(approval_id=approval_id(step), decision=decision, args_sha256=seen, reason="because")


def delegates(step: int, to: str, reason: str = "") -> DelegateApproval:
    return DelegateApproval(approval_id=approval_id(step), delegate=to, reason=reason)


def escalates(step: int, reason: str = "") -> EscalateApproval:
    return EscalateApproval(approval_id=approval_id(step), reason=reason)


def fires(what: object) -> FireTimer:
    return FireTimer(timer_id=timer_id(what))


def thinks(label: str | None = "helpful", **more: object) -> GiveFeedback:
    return GiveFeedback(label=label, **more)  # type: ignore[arg-type]


def signals(name: str, said: object, signal_id: str = "") -> SignalRun:
    content = json_payload(said)
    return SignalRun(name=name, signal_id=signal_id or content.sha256, payload=content)


def cancels() -> CancelRun:
    return CancelRun(reason="not needed any more")


def pauses(reason: str = "the target is being looked at") -> PauseRun:
    return PauseRun(reason=reason)


def migrates(to_version: int, *, trial: bool = False) -> MigrateRun:
    return MigrateRun(to_version=to_version, reason="version 1 is to go", trial=trial)


def continues(reason: str = "it was nothing") -> ContinueRun:
    return ContinueRun(reason=reason)


def resumes(code_hash: str = "new") -> ResumeRun:
    return ResumeRun(code_hash=code_hash)
