"""Votes on approvals (law L12). A refused vote leaves the question open.

It takes as many different people as the question's quorum; one who refuses is enough for a refusal, and who has
granted may not take it back by refusing.
"""

from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import ApprovalGranted, ApprovalRefused, CastVote, VoteCounted, VoteRefused
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance
from penstock.streams.runs.parts import ApprovalState


def vote(c: Consequences, body: CastVote) -> None:
    """A person grants or refuses. The voter is who the door authenticated, whatever the vote says."""
    actor = c.given.meta.actor
    approval = c.state.approvals.get(body.approval_id)
    problem = _problem(c, approval, body)
    if problem is not None or approval is None:
        reason, detail = problem or ("unknown_approval", "")
        c.emit(VoteRefused(approval_id=body.approval_id, voter=actor.subject, reason=reason, detail=detail))
        return
    if body.decision == "refuse":
        c.emit(
            ApprovalRefused(approval_id=approval.approval_id, refused_by=actor.subject, reason=body.reason)
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
            )
        )
    advance(c)


def _problem(c: Consequences, approval: ApprovalState | None, body: CastVote) -> tuple[str, str] | None:
    """The first rule that the vote breaks: a stable word and a sentence."""
    actor, started = c.given.meta.actor, c.state.started
    if approval is None:
        return "unknown_approval", "this run has no such question"
    if approval.outcome is not None:
        return "already_decided", f"it was {approval.outcome}"
    if c.state.ending is not None:
        return "ending", "the run is ending: nothing will come of the question"
    if c.time_ms >= approval.expires_at_ms:
        return "expired", f"it expired at {approval.expires_at_ms} ms"
    if actor.kind != "person":
        return "not_a_person", f"the vote comes from a {actor.kind}"
    if started is None or actor.subject == started.requester:
        return "own_request", "who started the run can't vote on it"
    if actor.subject in approval.voters:
        return "voted_already", "it takes different people, and this one has granted it before"
    if approval.role not in actor.roles:
        return "wrong_role", f"the vote needs the role {approval.role}"
    if body.args_sha256 != approval.arguments.sha256:
        return "other_arguments", "the voter was shown other arguments than those that were asked about"
    if body.decision not in ("grant", "refuse"):
        return "unknown_decision", "a vote grants or refuses"
    return None
