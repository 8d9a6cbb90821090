"""Who may decide a question, and while which question may be decided (law L12): a stable word and a sentence."""

from typing import TypeAlias

from penstock.schemas.run.records import RunStarted
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.questions import ApprovalState

Problem: TypeAlias = tuple[str, str]


def question_problem(c: Consequences, approval: ApprovalState) -> Problem | None:
    """Why nothing can come of the question any more."""
    if approval.outcome is not None:
        return "already_decided", f"it was {approval.outcome}"
    if c.state.ending is not None:
        return "ending", "the run is ending: nothing will come of the question"
    if c.time_ms >= approval.expires_at_ms:
        return "expired", f"it expired at {approval.expires_at_ms} ms"
    return None


def requesters(started: RunStarted) -> tuple[str, ...]:
    """Who asked for what the run does: who started it, and who started the runs that it does again."""
    return (started.requester, *started.requesters_before)


def stranger_problem(c: Consequences) -> Problem | None:
    """Why the actor has no say in any question of this run."""
    actor, started = c.given.meta.actor, c.state.started
    if actor.kind != "person":
        return "not_a_person", f"it comes from a {actor.kind}"
    if started is None or actor.subject in requesters(started):
        return "own_request", "who started the run can't vote on it"
    return None


def voter_problem(c: Consequences, approval: ApprovalState) -> Problem | None:
    """Why the actor can't vote on this question: a stranger, without the role, or with no vote left."""
    actor = c.given.meta.actor
    stranger = stranger_problem(c)
    if stranger is not None:
        return stranger
    if actor.subject in approval.voters:
        return "voted_already", "it takes different people, and this one has granted it before"
    if actor.subject == approval.delegate:
        return None
    if approval.role not in actor.roles:
        return "wrong_role", f"the vote needs the role {approval.role}"
    if approval.quorum > 1 and actor.subject in approval.delegators:
        return "delegated_away", f"it takes {approval.quorum} votes, and you have handed yours on"
    return None
