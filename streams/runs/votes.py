"""Votes on approvals (law L12). A refused vote leaves the question open.

It takes as many different people as the question's quorum; one who refuses is enough for a refusal, and who has
granted may not take it back by refusing.
"""

from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import ApprovalGranted, ApprovalRefused, CastVote, VoteCounted, VoteRefused
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance
from penstock.streams.runs.questions import ApprovalState
from penstock.streams.runs.voters import Problem, question_problem, voter_problem


def vote(c: Consequences, body: CastVote) -> None:
    """A person grants or refuses. The voter is who the door authenticated, whatever the vote says."""
    actor = c.given.meta.actor
    approval = c.state.approvals.get(body.approval_id)
    problem = _problem(c, approval, body)
    if problem is not None or approval is None:
        reason, detail = problem or ("unknown_approval", "")
        c.emit(VoteRefused(approval_id=body.approval_id, voter=actor.subject, reason=reason, detail=detail))
        return
    delegated_by = _delegator(approval, actor)
    if body.decision == "refuse":
        c.emit(
            ApprovalRefused(
                approval_id=approval.approval_id,
                refused_by=actor.subject,
                reason=body.reason,
                delegated_by=delegated_by,
            )
        )
    elif len(approval.voters) + 1 < approval.quorum:
        votes = len(approval.voters) + 1
        c.emit(
            VoteCounted(
                approval_id=approval.approval_id,
                voter=actor.subject,
                votes=votes,
                quorum=approval.quorum,
                reason=body.reason,
                delegated_by=delegated_by,
            )
        )
        return
    else:
        c.emit(
            ApprovalGranted(
                approval_id=approval.approval_id,
                grant_id=derived_id(c.state.run_id, f"grant:{approval.step}"),
                tool=approval.tool,
                tool_version=approval.tool_version,
                args_sha256=approval.arguments.sha256,
                granted_by=(*approval.voters, actor.subject),
                rule_version=approval.rule_version,
                expires_at_ms=approval.expires_at_ms,
                role=approval.role,
                quorum=approval.quorum,
                delegated_by=(*approval.voted_for, delegated_by),
            )
        )
    advance(c)


def _problem(c: Consequences, approval: ApprovalState | None, body: CastVote) -> Problem | None:
    """The first rule that the vote breaks: a stable word and a sentence."""
    if approval is None:
        return "unknown_approval", "this run has no such question"
    broken = question_problem(c, approval) or voter_problem(c, approval)
    if broken is not None:
        return broken
    if body.args_sha256 != approval.arguments.sha256:
        return "other_arguments", "the voter was shown other arguments than those that were asked about"
    if body.decision not in ("grant", "refuse"):
        return "unknown_decision", "a vote grants or refuses"
    return None


def _delegator(approval: ApprovalState, actor: Actor) -> str:
    """Who handed the question to this voter; empty for who may vote by the role."""
    return "" if approval.role in actor.roles or not approval.delegators else approval.delegators[-1]
