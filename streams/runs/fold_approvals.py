"""The fold of approvals: questions, whom they were handed to, what became of them, and grants."""

from dataclasses import replace
from typing import Final

from penstock.declare.grants import Grant, GrantOutcome
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    VoteCounted,
)
from penstock.streams.runs.fold_entries import asked, entry, told
from penstock.streams.runs.fold_timers import arm
from penstock.streams.runs.parts import Step
from penstock.streams.runs.questions import ApprovalState, GrantState
from penstock.streams.runs.state import RunState


def _question(state: RunState, body: ApprovalRequested, time_ms: int) -> None:
    approval = ApprovalState(
        approval_id=body.approval_id,
        step=body.step,
        tool=body.tool,
        tool_version=body.tool_version,
        arguments=body.arguments,
        role=body.role,
        rule_version=body.rule_version,
        expires_at_ms=body.expires_at_ms,
        quorum=body.quorum,
        escalate_to=body.escalate_to,
    )
    asked(state, body.step, Step("approval", body.tool, body.arguments.sha256, body.approval_id))
    state.approvals = state.approvals.putting(body.approval_id, approval)
    arm(state, body.step, "approval_expiry", body.expires_at_ms)
    if body.escalate_at_ms is not None:
        arm(state, body.step, "approval_escalation", body.escalate_at_ms)


def _voted(state: RunState, body: VoteCounted, time_ms: int) -> None:
    approval = state.approvals.get(body.approval_id)
    if approval is not None and approval.outcome is None and body.voter not in approval.voters:
        counted = replace(
            approval,
            voters=(*approval.voters, body.voter),
            voted_for=(*approval.voted_for, body.delegated_by),
        )
        state.approvals = state.approvals.putting(body.approval_id, counted)


def _delegated(state: RunState, body: ApprovalDelegated, time_ms: int) -> None:
    approval = state.approvals.get(body.approval_id)
    if approval is not None and approval.outcome is None:
        delegators = (*(each for each in approval.delegators if each != body.delegated_by), body.delegated_by)
        handed = replace(approval, delegate=body.delegate, delegators=delegators)
        state.approvals = state.approvals.putting(body.approval_id, handed)


def _escalated(state: RunState, body: ApprovalEscalated, time_ms: int) -> None:
    approval = state.approvals.get(body.approval_id)
    if approval is not None and approval.outcome is None:
        handed = replace(approval, role=body.role, voters=(), voted_for=(), delegate=None, delegators=())
        state.approvals = state.approvals.putting(body.approval_id, handed)


def _granted(state: RunState, body: ApprovalGranted, time_ms: int) -> None:
    if body.grant_id in state.grants:
        return
    grant = GrantState(
        grant_id=body.grant_id,
        tool=body.tool,
        tool_version=body.tool_version,
        args_sha256=body.args_sha256,
        rule_version=body.rule_version,
        expires_at_ms=body.expires_at_ms,
    )
    # A rule's grant answers no question: nobody waits for it, the request that follows names it.
    state.grants = state.grants.putting(body.grant_id, grant)
    _answered(state, body.approval_id, "granted", time_ms, body.grant_id, body.granted_by)


def _refused(state: RunState, body: ApprovalRefused, time_ms: int) -> None:
    _answered(state, body.approval_id, "refused", time_ms, None, (body.refused_by,), body.reason)


def _expired(state: RunState, body: ApprovalExpired, time_ms: int) -> None:
    _answered(state, body.approval_id, "expired", time_ms)


def _answered(
    state: RunState,
    approval_id: str,
    outcome: GrantOutcome,
    time_ms: int,
    grant_id: str | None = None,
    by: tuple[str, ...] = (),
    reason: str = "",
) -> None:
    approval = state.approvals.get(approval_id)
    if approval is None or approval.outcome is not None:
        return
    answer = Grant(
        outcome=outcome,
        approval_id=approval_id,
        tool=approval.tool,
        tool_version=approval.tool_version,
        arguments=approval.arguments.content or b"",
        grant_id=grant_id,
        by=by,
        reason=reason,
    )
    state.approvals = state.approvals.putting(approval_id, approval.answered(outcome))
    told(state, approval.step, time_ms, answer)


FOLDS: Final = (
    entry(ApprovalRequested, _question),
    entry(VoteCounted, _voted),
    entry(ApprovalDelegated, _delegated),
    entry(ApprovalEscalated, _escalated),
    entry(ApprovalGranted, _granted),
    entry(ApprovalRefused, _refused),
    entry(ApprovalExpired, _expired),
)
