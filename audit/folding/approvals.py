"""The rows of a run's approvals, from its whole history."""

from collections.abc import Iterable

from penstock.audit.folding.values import Events, Row, clean, content, grouped, last
from penstock.schemas.codec import EventBody
from penstock.schemas.ids import derived_id
from penstock.schemas.run import records as runs

_STOPS = (runs.RunEnding, runs.RunCompleted, runs.RunFailed, runs.RunCancelled)
_APPROVAL_STATUS: dict[type, str] = {
    runs.ApprovalRequested: "waiting",
    runs.ApprovalGranted: "granted",
    runs.ApprovalRefused: "refused",
    runs.ApprovalExpired: "expired",
}


def approval_rows(events: Events) -> dict[str, Row]:
    """The rows of the approvals in this history, by approval id."""
    found = grouped(events, _approval_id, _asks)
    return {clean(key): _approval(key, own, events) for key, own in found.items()}


def _approval(approval_id: str, own: Events, events: Events) -> Row:
    asked_meta, asked = last(own, runs.ApprovalRequested)
    granted = last(own, runs.ApprovalGranted)[1]
    refused = last(own, runs.ApprovalRefused)[1]
    decided_meta, decided = last(own, runs.ApprovalGranted, runs.ApprovalRefused, runs.ApprovalExpired)
    stands = last(own, *_APPROVAL_STATUS)[1]
    first = [body for meta, body in events if meta.entity_seq <= own[0][0].entity_seq]
    begun = next((body for body in reversed(first) if isinstance(body, runs.RunStarted)), None)
    stopped = any(isinstance(body, _STOPS) for _, body in events)
    spender = _spender(granted, events)
    escalated_meta, escalated = last(own, runs.ApprovalEscalated)
    # What a role has counted and handed on goes when another one is asked.
    since = own if escalated_meta is None else own[[meta for meta, _ in own].index(escalated_meta) :]
    asked_role = last(own, runs.ApprovalRequested, runs.ApprovalEscalated)[1]
    named = last(own, runs.ApprovalRequested, runs.ApprovalGranted)[1]
    status = _APPROVAL_STATUS[type(stands)] if stands else "closed"
    by: Iterable[str] = ()
    if isinstance(decided, runs.ApprovalGranted):
        by = decided.granted_by
    elif isinstance(decided, runs.ApprovalRefused):
        by = (decided.refused_by,)
    return {
        "approval_id": clean(approval_id),
        "run_id": own[0][0].entity_id,
        "tenant": clean(own[0][0].tenant),
        "step": asked.step if asked else None,
        "tool": clean(named.tool) if named else None,
        "tool_version": named.tool_version if named else None,
        "arguments": content(asked.arguments) if asked else None,
        "args_sha256": clean(_sha(named)),
        "role": clean(asked_role.role) if asked_role else None,
        "quorum": asked.quorum if asked else None,
        "status": "closed" if status == "waiting" and stopped else status,
        "requester": clean(begun.requester) if begun else None,
        "decided_by": [clean(who) for who in by],
        "voters": [clean(body.voter) for _, body in since if isinstance(body, runs.VoteCounted)],
        "rule": clean(granted.rule) if granted and granted.rule is not None else None,
        "rule_version": named.rule_version if named else None,
        "reason": clean(refused.reason) if refused else None,
        "grant_id": clean(granted.grant_id) if granted else None,
        "spent_by": spender[1] if spender else None,
        "requested_at_ms": asked_meta.time_ms if asked_meta else None,
        "decided_at_ms": decided_meta.time_ms if decided_meta else None,
        "expires_at_ms": named.expires_at_ms if named else None,
        **_handed_on(since),
        "escalate_to": clean(asked.escalate_to) if asked else None,
        "escalate_at_ms": asked.escalate_at_ms if asked else None,
        "escalated_by": clean(escalated.escalated_by) if escalated else None,
        "escalated_at_ms": escalated_meta.time_ms if escalated_meta else None,
        "last_seq": max(own[-1][0].entity_seq, spender[0] if spender else 0),
    }


def _handed_on(since: Events) -> Row:
    """Who has it now, and who handed it on, each once, the latest last."""
    handed = [body for _, body in since if isinstance(body, runs.ApprovalDelegated)]
    by = [clean(body.delegated_by) for body in handed]
    return {
        "delegate": clean(handed[-1].delegate) if handed else None,
        "delegated_by": [who for at, who in enumerate(by) if who not in by[at + 1 :]],
    }


def _sha(named: runs.ApprovalRequested | runs.ApprovalGranted | None) -> str | None:
    if isinstance(named, runs.ApprovalRequested):
        return named.arguments.sha256
    return named.args_sha256 if named else None


def _spender(granted: runs.ApprovalGranted | None, events: Events) -> tuple[int, str] | None:
    """Seq and call of the first request that named the grant after it was given."""
    given = False
    for meta, body in events:
        given = given or (granted is not None and body is granted)
        if (
            given
            and isinstance(body, runs.ToolCallRequested)
            and granted
            and body.grant_id == granted.grant_id
        ):
            return meta.entity_seq, clean(body.call_id)
    return None


def _asks(run_id: str, body: EventBody) -> bool:
    """Whether the run itself asks, by the id that its step gives, or a rule answers before anybody is asked."""
    if isinstance(body, runs.ApprovalRequested):
        return body.approval_id == derived_id(run_id, f"approval:{body.step}")
    return isinstance(body, runs.ApprovalGranted) and body.rule is not None


def _approval_id(body: EventBody) -> str | None:
    return None if isinstance(body, runs.VoteRefused) else getattr(body, "approval_id", None)
