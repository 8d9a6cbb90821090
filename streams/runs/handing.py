"""Handing a question on: to a person whom a voter names, or to the role that the workflow named when it asked.

A delegate may vote without the role; one person at a time is it, and the latest delegation counts. Who handed a
question on that takes several votes has none left: four eyes stay four. An escalation is to another role alone, so
it drops what the role before it had counted and delegated. Neither lengthens the question, nor tells the workflow.
"""

from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    DelegateApproval,
    EscalateApproval,
)
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.questions import ApprovalState
from penstock.streams.runs.voters import (
    Problem,
    question_problem,
    requesters,
    stranger_problem,
    voter_problem,
)


def delegate(c: Consequences, body: DelegateApproval) -> None:
    """Who may vote names somebody else, who may vote from then on. Never who started the run."""
    approval = c.state.approvals.get(body.approval_id)
    if approval is None:
        c.refuse("unknown_approval", "this run has no such question")
        return
    refused = (
        question_problem(c, approval) or voter_problem(c, approval) or _delegate_problem(c, approval, body)
    )
    if refused is not None:
        c.refuse(*refused)
    elif body.delegate == approval.delegate:
        c.accept(f"handed to {body.delegate} before")
    else:
        c.emit(
            ApprovalDelegated(
                approval_id=approval.approval_id,
                delegated_by=c.given.meta.actor.subject,
                delegate=body.delegate,
                reason=body.reason,
            )
        )


def escalate(c: Consequences, body: EscalateApproval) -> None:
    """Who may vote, or an operator, doesn't wait for the time that the workflow has set, if it has set one."""
    approval = c.state.approvals.get(body.approval_id)
    if approval is None:
        c.refuse("unknown_approval", "this run has no such question")
        return
    refused = question_problem(c, approval) or _escalation_problem(c, approval)
    if refused is not None:
        c.refuse(*refused)
    elif approval.escalate_to is None:
        c.refuse("no_escalation", "the workflow names no role for it: run.approval(..., escalate_to=...)")
    elif approval.escalated:
        c.accept(f"it is with {approval.role} already")
    else:
        _to_its_role(c, approval, approval.escalate_to, body.reason, by_time=False)


def overdue(c: Consequences, approval: ApprovalState) -> None:
    """The time that the workflow has set has come."""
    if approval.outcome is None and approval.escalate_to is not None and not approval.escalated:
        _to_its_role(c, approval, approval.escalate_to, "nobody has decided it in time", by_time=True)


def _to_its_role(c: Consequences, approval: ApprovalState, role: str, reason: str, *, by_time: bool) -> None:
    c.emit(
        ApprovalEscalated(
            approval_id=approval.approval_id,
            from_role=approval.role,
            role=role,
            escalated_by=c.given.meta.actor.subject,
            by_time=by_time,
            reason=reason,
            votes_dropped=approval.voters,
        )
    )


def _delegate_problem(c: Consequences, approval: ApprovalState, body: DelegateApproval) -> Problem | None:
    if not body.delegate.strip():
        return "no_delegate", "name the person to whom the question goes"
    if body.delegate == c.given.meta.actor.subject:
        return "own_delegate", "it is with you already: vote, or name somebody else"
    if c.state.started is None or body.delegate in requesters(c.state.started):
        return "delegate_is_requester", "who started the run can't vote on it, by nobody's leave"
    if body.delegate in approval.voters:
        return "delegate_has_voted", f"{body.delegate} has granted it before: name somebody else"
    return None


def _escalation_problem(c: Consequences, approval: ApprovalState) -> Problem | None:
    actor = c.given.meta.actor
    if {"operator", approval.escalate_to} & set(actor.roles):
        return stranger_problem(c)
    return voter_problem(c, approval)
