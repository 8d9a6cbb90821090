"""The view of approvals: one row a question to people, and one a grant that a rule gave by itself."""

from typing import Final

from penstock.audit.views.columns import Row, RowSoFar
from penstock.schemas.bodies import EventBody
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    VoteCounted,
)

_OF_APPROVALS: Final = (
    ApprovalRequested,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalExpired,
    VoteCounted,
    ApprovalDelegated,
    ApprovalEscalated,
)


def key_of(body: EventBody) -> str | None:
    """The approval that an event changes, if it changes one. A refused vote changes nothing."""
    return body.approval_id if isinstance(body, _OF_APPROVALS) else None


def opens(run_id: str, body: EventBody) -> bool:
    """Whether an event begins a question of that run, or is the grant of a rule. A question whose id isn't the one of
    its step is none of this run, but maybe another's: it has no row."""
    if isinstance(body, ApprovalGranted):
        return body.rule is not None
    return isinstance(body, ApprovalRequested) and body.approval_id == derived_id(
        run_id, f"approval:{body.step}"
    )


def project(row: RowSoFar, meta: EventMeta, body: EventBody, requester: str | None) -> Row:
    """What an event changes in the row of its approval. `requester` is the run's, who may never vote."""
    changes: Row = {"last_seq": meta.entity_seq}
    if not row:
        changes |= {"run_id": meta.entity_id, "tenant": meta.tenant, "decided_by": (), "voters": ()}
        changes |= {"status": "closed", "requester": requester, "delegated_by": ()}
    return changes | _outcome(row, meta, body)


def spent(meta: EventMeta, call_id: str) -> Row:
    """What the first request that names a grant changes in the row that gave it."""
    return {"spent_by": call_id, "last_seq": meta.entity_seq}


def _outcome(row: RowSoFar, meta: EventMeta, body: EventBody) -> Row:
    match body:
        case ApprovalRequested():
            return _requested(meta, body)
        case ApprovalGranted():
            return _granted(meta, body)
        case ApprovalRefused():
            return _decided(meta, "refused", (body.refused_by,)) | {"reason": body.reason}
        case ApprovalExpired():
            return _decided(meta, "expired", ())
        case VoteCounted():
            return {"voters": (*_listed(row, "voters"), body.voter)}
        case ApprovalDelegated():
            before = tuple(each for each in _listed(row, "delegated_by") if each != body.delegated_by)
            return {"delegate": body.delegate, "delegated_by": (*before, body.delegated_by)}
        case ApprovalEscalated():
            return _escalated(meta, body)
        case _:
            return {}


def _requested(meta: EventMeta, body: ApprovalRequested) -> Row:
    return {
        "status": "waiting",
        "step": body.step,
        "tool": body.tool,
        "tool_version": body.tool_version,
        "requested_seq": meta.entity_seq,
        "args_sha256": body.arguments.sha256,
        "role": body.role,
        "quorum": body.quorum,
        "rule_version": body.rule_version,
        "requested_at_ms": meta.time_ms,
        "expires_at_ms": body.expires_at_ms,
        "escalate_to": body.escalate_to,
        "escalate_at_ms": body.escalate_at_ms,
    }


def _escalated(meta: EventMeta, body: ApprovalEscalated) -> Row:
    """Another role is asked: what the one before had counted and handed on is gone."""
    return {
        "role": body.role,
        "voters": (),
        "delegate": None,
        "delegated_by": (),
        "escalated_by": body.escalated_by,
        "escalated_at_ms": meta.time_ms,
    }


def _listed(row: RowSoFar, column: str) -> tuple[str, ...]:
    listed = row.get(column)
    return listed if isinstance(listed, tuple) else ()


def _granted(meta: EventMeta, body: ApprovalGranted) -> Row:
    return _decided(meta, "granted", body.granted_by) | {
        "tool": body.tool,
        "tool_version": body.tool_version,
        "args_sha256": body.args_sha256,
        "rule": body.rule,
        "rule_version": body.rule_version,
        "grant_id": body.grant_id,
        "expires_at_ms": body.expires_at_ms,
    }


def _decided(meta: EventMeta, status: str, by: tuple[str, ...]) -> Row:
    return {"status": status, "decided_by": by, "decided_at_ms": meta.time_ms}
