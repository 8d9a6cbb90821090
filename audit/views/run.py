"""The view of runs: one row a run, from its start, its ends, its stalls, its pauses and its parked inputs."""

from collections.abc import Iterable
from typing import Final

from penstock.audit.views.columns import Column, Row, RowSoFar
from penstock.audit.views.readable import failure_json, failure_of
from penstock.audit.views.run_attribute import readable
from penstock.schemas.bodies import EventBody
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.log.records import InputDiscarded, InputParked, InputRefused, InputReleased
from penstock.schemas.run.records import (
    ApprovalGranted,
    ApprovalRequested,
    RunCancelled,
    RunCompleted,
    RunContinued,
    RunEnding,
    RunFailed,
    RunMigrated,
    RunPaused,
    RunResumed,
    RunStalled,
    RunStarted,
    TimerArmed,
    TimerFired,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)

ENDED: Final = frozenset({"completed", "failed", "cancelled"})
# Phases in which nothing has been settled yet: a refusal gives an id neither a tenant nor a beginning.
_UNSETTLED: Final = frozenset({None, "refused"})
# Most events are of one step, and change nothing here but where the run is.
_OF_STEPS: Final = frozenset(
    {ToolCallRequested, ToolCallStarted, ToolCallCompleted, ApprovalRequested, ApprovalGranted}
)

_UNPAUSED: Final[Row] = {"paused_by": None, "pause_reason": None, "paused_at_ms": None}


def project(row: RowSoFar, meta: EventMeta, body: EventBody) -> Row:
    """What an event changes in its run's row."""
    if row and type(body) in _OF_STEPS and row["phase"] not in _UNSETTLED:
        return {"last_seq": meta.entity_seq, "last_event_at_ms": meta.time_ms}
    unsettled = row.get("phase") in _UNSETTLED
    changes: Row = {"last_seq": meta.entity_seq, "last_event_at_ms": meta.time_ms}
    if unsettled:
        refused = isinstance(body, InputRefused)
        changes |= {"tenant": meta.tenant, "phase": "refused" if refused else "accepted"}
        if not refused:
            changes["error"] = None
    if not row:
        changes |= {
            "run_id": meta.entity_id,
            "parked_inputs": (),
            "sleeping": (),
            "requesters_before": (),
            "created_at_ms": meta.time_ms,
        }
    changes |= _phase(row, meta, body, unsettled)
    return changes


def _phase(row: RowSoFar, meta: EventMeta, body: EventBody, unsettled: bool) -> Row:
    match body:
        case RunStarted():
            return _started(meta, body)
        case RunStalled():
            return {"phase": "stalled", "error": failure_json(body.kind, body.detail)}
        case RunResumed():
            again = {"phase": "running"} if row.get("phase") == "stalled" else {}
            return {**again, "error": None, "code_hash": body.code_hash}
        case RunMigrated():
            again = {"phase": "running"} if row.get("phase") == "stalled" else {}
            pin: Row = {"workflow_version": body.to_version, "code_hash": body.code_hash}
            return again | pin | {"error": None}
        case RunEnding():
            return _UNPAUSED | {"phase": "ending", "error": failure_json(body.reason, body.detail)}
        case RunPaused():
            return {"paused_by": body.paused_by, "pause_reason": body.reason, "paused_at_ms": meta.time_ms}
        case RunContinued():
            return _UNPAUSED
        case RunCompleted():
            return _ended(meta, "completed") | {"result_seq": meta.entity_seq, "error": None}
        case RunFailed():
            return _ended(meta, "failed") | {"error": failure_of(body.error)}
        case RunCancelled():
            return _ended(meta, "cancelled") | {"error": failure_json("cancelled", body.reason)}
        case InputRefused() if unsettled:
            return {"error": failure_json(body.reason, body.detail)}
        case InputParked():
            parked: Row = {"parked_inputs": (*_listed(row, "parked_inputs"), body.input_id)}
            return parked if row.get("phase") in ENDED else parked | {"error": failure_of(body.error)}
        case InputReleased() | InputDiscarded():
            return _unparked(row, body.parked_input_id)
        case TimerArmed() if body.purpose == "sleep":
            return {"sleeping": (*_listed(row, "sleeping"), body.timer_id)}
        case TimerFired():
            return {"sleeping": tuple(each for each in _listed(row, "sleeping") if each != body.timer_id)}
        case _:
            return {}


def _started(meta: EventMeta, body: RunStarted) -> Row:
    return {
        "phase": "running",
        "workflow": body.workflow,
        "workflow_version": body.workflow_version,
        "requester": body.requester,
        "started_seq": meta.entity_seq,
        "body_sha256": body.body_sha256,
        "code_hash": body.code_hash,
        "started_at_ms": meta.time_ms,
        "deadline_ms": body.deadline_ms,
        "priority": body.priority,
        "retry_of": body.retry_of,
        "requesters_before": body.requesters_before,
        "search_attributes": readable(body.search_attributes),
    }


def _ended(meta: EventMeta, phase: str) -> Row:
    return {"phase": phase, "ended_at_ms": meta.time_ms}


def _listed(row: RowSoFar, column: str) -> tuple[str, ...]:
    listed = row.get(column)
    return listed if isinstance(listed, tuple) else ()


def _unparked(row: RowSoFar, input_id: str) -> Row:
    left = tuple(parked for parked in _listed(row, "parked_inputs") if parked != input_id)
    changes: Row = {"parked_inputs": left}
    # A run that has ended keeps the error it ended with.
    if not left and row.get("phase") not in ENDED:
        changes["error"] = None
    return changes


def status_of(row: RowSoFar, calls: Iterable[RowSoFar], approvals: Iterable[RowSoFar]) -> Column:
    """What a person is shown: first what somebody must do, then what the run's own events say."""
    phase = row["phase"]
    if phase in ENDED:
        return phase
    if row["parked_inputs"]:
        return "parked"
    if row.get("paused_at_ms") is not None:
        return "paused"
    if phase == "stalled":
        return phase
    if any(call["status"] == "in_doubt" for call in calls):
        return "in_doubt"
    if phase == "running" and any(approval["status"] == "waiting" for approval in approvals):
        return "waiting_approval"
    return phase
