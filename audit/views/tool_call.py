"""The view of tool calls: one row a call, as its last attempt stands."""

from typing import Final

from penstock.audit.views.columns import Row, RowSoFar
from penstock.audit.views.readable import failure_json, failure_of
from penstock.schemas.bodies import EventBody
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import (
    LateAnswer,
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)

OPEN: Final = frozenset({"requested", "started", "deferred", "held"})
_OF_CALLS: Final = (
    ToolCallRequested,
    ToolCallCompleted,
    ToolCallStarted,
    ToolCallFailed,
    ToolCallRefused,
    ToolCallInDoubt,
    ToolCallHeld,
    ToolCallDeferred,
    LateAnswer,
)


def key_of(body: EventBody) -> str | None:
    """The call that an event speaks of, if it speaks of one."""
    return body.call_id if isinstance(body, _OF_CALLS) else None


def opens(run_id: str, body: EventBody) -> bool:
    """Whether an event begins a call of that run. Whose id isn't the one of its step is no call of it, but maybe
    another run's: it has no row."""
    if not isinstance(body, ToolCallRequested | ToolCallRefused):
        return False
    return body.call_id == derived_id(run_id, f"call:{body.step}")


def project(row: RowSoFar, meta: EventMeta, body: EventBody) -> Row:
    """What an event changes in the row of its call."""
    changes: Row = {"last_seq": meta.entity_seq}
    if not row:
        changes |= {"run_id": meta.entity_id, "tenant": meta.tenant, "late_answers": 0}
        changes["status"] = "abandoned"
    return changes | _outcome(row, meta, body)


def _outcome(row: RowSoFar, meta: EventMeta, body: EventBody) -> Row:
    match body:
        case ToolCallRequested():
            return _requested(meta, body)
        case ToolCallStarted():
            return {
                "status": "started",
                "attempt": body.attempt,
                "lease_id": body.lease_id,
                "worker": body.worker,
                "started_at_ms": meta.time_ms,
            }
        case ToolCallCompleted():
            result: Row = {"result_seq": meta.entity_seq, "error": None}
            return _settled(meta, "completed", body) | result
        case ToolCallFailed():
            return _settled(meta, "failed", body) | {"error": failure_of(body.error)}
        case ToolCallRefused():
            return _refused(meta, body)
        case ToolCallInDoubt():
            error = failure_json("in_doubt", body.reason)
            return {"status": "in_doubt", "attempt": body.attempt, "error": error}
        case ToolCallHeld():
            return {"status": "held", "attempt": body.attempt}
        case ToolCallDeferred():
            expires_at_ms = body.expires_at_ms
            return {"status": "deferred", "attempt": body.attempt, "callback_expires_at_ms": expires_at_ms}
        case LateAnswer():
            late = row.get("late_answers")
            return {"late_answers": 1 + (late if isinstance(late, int) else 0)}
        case _:
            return {}


def _requested(meta: EventMeta, body: ToolCallRequested) -> Row:
    """A request, the first or that of the next attempt: what the attempt before it left is gone."""
    return {
        "status": "requested",
        "step": body.step,
        "tool": body.tool,
        "tool_version": body.tool_version,
        "effect": body.effect,
        "attempt": body.attempt,
        "lease_id": None,
        "worker": None,
        "grant_id": body.grant_id,
        "requested_seq": meta.entity_seq,
        "args_sha256": body.arguments.sha256,
        "result_seq": None,
        "error": None,
        "settled_by": None,
        "requested_at_ms": meta.time_ms,
        "started_at_ms": None,
        "settled_at_ms": None,
        "duration_ms": None,
        "callback_expires_at_ms": None,
    }


def _settled(meta: EventMeta, status: str, body: ToolCallCompleted | ToolCallFailed) -> Row:
    return {
        "status": status,
        "attempt": body.attempt,
        "settled_by": body.settled_by,
        "settled_at_ms": meta.time_ms,
        "duration_ms": body.duration_ms,
    }


def _refused(meta: EventMeta, body: ToolCallRefused) -> Row:
    return {
        "status": "refused",
        "step": body.step,
        "tool": body.tool,
        "tool_version": body.tool_version,
        "args_sha256": body.args_sha256,
        "error": failure_json(body.reason, body.detail),
        "settled_at_ms": meta.time_ms,
    }
