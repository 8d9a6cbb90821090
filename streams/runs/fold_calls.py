"""The fold of tool calls: requested, started, deferred, in doubt, held, settled."""

from typing import Final

from penstock.schemas.ids import callback_timer_id
from penstock.schemas.run.records import (
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.failures import NEVER_TOOK_PLACE
from penstock.streams.runs.fold_entries import asked, entry, told
from penstock.streams.runs.parts import (
    Answer,
    CallState,
    CallStatus,
    Failed,
    Outcome,
    Refused,
    Step,
    TimerState,
)
from penstock.streams.runs.state import RunState


def _requested(state: RunState, body: ToolCallRequested, time_ms: int) -> None:
    before = state.calls.get(body.call_id)
    if before is None:
        call = CallState(body, "requested", ("",))
    else:
        call = CallState(body, "requested", (*before.leases, ""), before.attempts_not_made)
    if before is None or before.settled:
        state.calls_open += 1
    state.calls = state.calls.putting(body.call_id, call)
    grant = state.grants.get(body.grant_id) if body.grant_id else None
    if grant is not None and grant.spent_by is None:
        state.grants = state.grants.putting(grant.grant_id, grant.spent(body.call_id))
    asked(state, body.step, Step("tool", body.tool, body.arguments.sha256, body.call_id))


def _open(state: RunState, call_id: str) -> CallState | None:
    call = state.calls.get(call_id)
    return None if call is None or call.settled else call


def _call_started(state: RunState, body: ToolCallStarted, time_ms: int) -> None:
    call = _open(state, body.call_id)
    if call is not None:
        leases = (*call.leases[:-1], body.lease_id)
        started = CallState(call.asked, "started", leases, call.attempts_not_made)
        state.calls = state.calls.putting(body.call_id, started)


def _deferred(state: RunState, body: ToolCallDeferred, time_ms: int) -> None:
    call = _open(state, body.call_id)
    if call is not None and body.attempt == call.attempt:
        state.calls = state.calls.putting(body.call_id, call.became("deferred"))
        timer_id = callback_timer_id(state.run_id, body.call_id, body.attempt)
        timer = TimerState(timer_id, call.step, "callback_expiry", body.expires_at_ms)
        state.timers = state.timers.putting(timer_id, timer)


def _in_doubt(state: RunState, body: ToolCallInDoubt, time_ms: int) -> None:
    call = _open(state, body.call_id)
    if call is not None:
        state.calls = state.calls.putting(body.call_id, call.became("in_doubt"))


def _held(state: RunState, body: ToolCallHeld, time_ms: int) -> None:
    call = _open(state, body.call_id)
    if call is not None and body.attempt == call.attempt:
        not_made = call.attempts_not_made + (not body.began)
        state.calls = state.calls.putting(body.call_id, CallState(call.asked, "held", call.leases, not_made))


def _settled(state: RunState, call: CallState, status: CallStatus, time_ms: int, outcome: Outcome) -> None:
    state.calls = state.calls.putting(call.call_id, call.became(status))
    state.calls_open -= 1
    told(state, call.step, time_ms, outcome)


def _completed(state: RunState, body: ToolCallCompleted, time_ms: int) -> None:
    call = _open(state, body.call_id)
    if call is not None:
        known = body.settled_by in ("worker", "callback") or body.result.content != b"null"
        _settled(state, call, "completed", time_ms, Answer(body.result, known))


def _failed(state: RunState, body: ToolCallFailed, time_ms: int) -> None:
    call = _open(state, body.call_id)
    if call is None:
        return
    if body.error.kind in NEVER_TOOK_PLACE:
        call = CallState(call.asked, call.status, call.leases, call.attempts_not_made + 1)
    if body.final:
        _settled(state, call, "failed", time_ms, Failed(call.tool, body.error))
    else:
        state.calls = state.calls.putting(body.call_id, call)


def _refused(state: RunState, body: ToolCallRefused, time_ms: int) -> None:
    call = state.calls.get(body.call_id)
    outcome = Refused(body.tool, body.reason, body.detail)
    if call is None:
        asked(state, body.step, Step("tool", body.tool, body.args_sha256, body.call_id))
        state.calls = state.calls.putting(body.call_id, CallState(body, "refused"))
        told(state, body.step, time_ms, outcome)
    elif not call.settled:
        _settled(state, call, "refused", time_ms, outcome)


FOLDS: Final = (
    entry(ToolCallRequested, _requested),
    entry(ToolCallStarted, _call_started),
    entry(ToolCallDeferred, _deferred),
    entry(ToolCallInDoubt, _in_doubt),
    entry(ToolCallHeld, _held),
    entry(ToolCallCompleted, _completed),
    entry(ToolCallFailed, _failed),
    entry(ToolCallRefused, _refused),
)
