"""The row of a run, from its whole history."""

from collections.abc import Sequence

from penstock.audit.folding.approvals import approval_rows
from penstock.audit.folding.calls import call_rows
from penstock.audit.folding.values import Events, Row, clean, content, failure, flat, last
from penstock.schemas.codec import EventBody
from penstock.schemas.log import records as logged
from penstock.schemas.run import records as runs

ENDS: dict[type, str] = {
    runs.RunCompleted: "completed",
    runs.RunFailed: "failed",
    runs.RunCancelled: "cancelled",
}

OPEN_CALLS = frozenset({"requested", "started", "deferred", "held", "in_doubt"})


def run_row(events: Events) -> Row:
    """The row of a run with this history, which isn't empty."""
    bodies = [body for _, body in events]
    newest = events[-1][0]
    settled = next((at for at, body in enumerate(bodies) if not isinstance(body, logged.InputRefused)), None)
    meta, start = last(events, runs.RunStarted)
    ended, end = last(events, *ENDS)
    resumed = last(events, runs.RunStarted, runs.RunResumed, runs.RunMigrated)[1]
    moved = last(events, runs.RunMigrated)[1]
    parked = _parked_after(bodies)[-1]
    phase = _phase(bodies, settled)
    return {
        "run_id": newest.entity_id,
        "tenant": clean((newest if settled is None else events[settled][0]).tenant),
        "workflow": clean(start.workflow) if start else None,
        "workflow_version": moved.to_version if moved else start.workflow_version if start else None,
        "status": _status(phase, parked, events),
        "phase": phase,
        "requester": clean(start.requester) if start else None,
        "input": content(start.input) if start else None,
        "body_sha256": clean(start.body_sha256) if start else None,
        "code_hash": clean(resumed.code_hash) if resumed else None,
        "started_at_ms": meta.time_ms if meta else None,
        "deadline_ms": start.deadline_ms if start else None,
        "priority": start.priority if start else None,
        "retry_of": clean(start.retry_of) if start else None,
        "requesters_before": [clean(who) for who in start.requesters_before] if start else [],
        "search_attributes": flat(start.search_attributes) if start else None,
        "created_at_ms": events[0][0].time_ms,
        "ended_at_ms": ended.time_ms if ended else None,
        "result": content(end.result) if isinstance(end, runs.RunCompleted) else None,
        "error": _error(bodies, settled),
        "parked_inputs": parked,
        **_pause(events),
        "waits_for": [] if phase in ENDS.values() else _waits_for(events),
        "last_seq": newest.entity_seq,
        "last_event_at_ms": newest.time_ms,
    }


def _phase(bodies: Sequence[EventBody], settled: int | None) -> str:
    if settled is None:
        return "refused"
    for at in range(len(bodies) - 1, settled - 1, -1):
        body = bodies[at]
        if type(body) in ENDS:
            return ENDS[type(body)]
        if isinstance(body, runs.RunEnding):
            return "ending"
        if isinstance(body, runs.RunStalled):
            return "stalled"
        if isinstance(body, runs.RunStarted):
            return "running"
        if isinstance(body, runs.RunResumed | runs.RunMigrated) and _phase(bodies[:at], settled) == "stalled":
            return "running"
    return "accepted"


def _status(phase: str, parked: Sequence[str], events: Events) -> str:
    if phase in ENDS.values():
        return phase
    if parked:
        return "parked"
    if _pause(events)["paused_at_ms"] is not None:
        return "paused"
    if phase == "stalled":
        return phase
    if any(row["status"] == "in_doubt" for row in call_rows(events).values()):
        return "in_doubt"
    if phase == "running" and any(row["status"] == "waiting" for row in approval_rows(events).values()):
        return "waiting_approval"
    return phase


def _pause(events: Events) -> Row:
    """Since when, by whom and why it is paused, if it is."""
    meta, said = last(events, runs.RunPaused, runs.RunContinued, runs.RunEnding)
    paused = isinstance(said, runs.RunPaused)
    return {
        "paused_by": clean(said.paused_by) if paused else None,
        "pause_reason": clean(said.reason) if paused else None,
        "paused_at_ms": meta.time_ms if paused else None,
    }


def _waits_for(events: Events) -> list[str]:
    """Questions, calls and sleeps that are open."""
    asked = sorted(key for key, row in approval_rows(events).items() if row["status"] == "waiting")
    calls = sorted(key for key, row in call_rows(events).items() if row["status"] in OPEN_CALLS)
    fired = {
        clean(body.timer_id): meta.entity_seq for meta, body in events if isinstance(body, runs.TimerFired)
    }
    sleeps = [
        clean(body.timer_id)
        for meta, body in events
        if isinstance(body, runs.TimerArmed)
        and body.purpose == "sleep"
        and fired.get(clean(body.timer_id), 0) < meta.entity_seq
    ]
    return [
        *(f"approval {key}" for key in asked),
        *(f"call {key}" for key in calls),
        *(f"timer {key}" for key in sleeps),
    ]


def _parked_after(bodies: Sequence[EventBody]) -> list[list[str]]:
    """After each event, the inputs that are parked."""
    parked: list[str] = []
    after: list[list[str]] = []
    for body in bodies:
        if isinstance(body, logged.InputParked):
            parked = [*parked, clean(body.input_id)]
        elif isinstance(body, logged.InputReleased | logged.InputDiscarded):
            parked = [one for one in parked if one != clean(body.parked_input_id)]
        after.append(parked)
    return after


def _error(bodies: Sequence[EventBody], settled: int | None) -> Row | None:
    """What the last event said that speaks of what is wrong with the run, for good or ill."""
    parked = _parked_after(bodies)
    for at in range(len(bodies) - 1, -1, -1):
        body = bodies[at]
        over = any(type(earlier) in ENDS for earlier in bodies[:at])
        match body:
            case runs.RunFailed():
                return failure(body.error.kind, body.error.message)
            case runs.RunCancelled():
                return failure("cancelled", body.reason)
            case runs.RunEnding():
                return failure(body.reason, body.detail)
            case runs.RunStalled():
                return failure(body.kind, body.detail)
            case runs.RunCompleted() | runs.RunResumed() | runs.RunMigrated():
                return None
            case logged.InputParked() if not over:
                return failure(body.error.kind, body.error.message)
            case logged.InputReleased() | logged.InputDiscarded() if not over and not parked[at]:
                return None
            case logged.InputRefused() if settled is None or at < settled:
                return failure(body.reason, body.detail)
            case _ if at == settled:
                return None
            case _:
                continue
    return None
