"""The fold of tool calls: requested, started, in doubt, settled."""

from dataclasses import replace
from typing import Final

from penstock.schemas.run.records import (
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.failures import NEVER_TOOK_PLACE
from penstock.streams.runs.fold_entries import asked, entry, told
from penstock.streams.runs.state import Answer, CallState, Failed, Refused, RunState, Settled, Step


def _with_call(state: RunState, call: CallState, heard: tuple[Settled, ...] | None = None) -> RunState:
    calls = {**state.calls, call.call_id: call}
    return replace(state, calls=calls) if heard is None else replace(state, calls=calls, history=heard)


def _requested(state: RunState, body: ToolCallRequested, time_ms: int) -> RunState:
    before = state.calls.get(body.call_id)
    call = CallState(
        call_id=body.call_id,
        step=body.step,
        tool=body.tool,
        tool_version=body.tool_version,
        effect=body.effect,
        args_sha256=body.arguments.sha256,
        arguments=body.arguments,
        grant_id=body.grant_id,
        timeout_ms=body.timeout_ms,
        attempt=body.attempt,
        status="requested",
        leases=(*(before.leases if before else ()), ""),
        attempts_not_made=before.attempts_not_made if before else 0,
    )
    grant = state.grants.get(body.grant_id) if body.grant_id else None
    grants = state.grants
    if grant is not None and grant.spent_by is None:
        grants = {**grants, grant.grant_id: replace(grant, spent_by=body.call_id)}
    steps = asked(state, body.step, Step("tool", body.tool, body.arguments.sha256, body.call_id))
    return replace(state, steps=steps, calls={**state.calls, body.call_id: call}, grants=grants)


def _call_started(state: RunState, body: ToolCallStarted, time_ms: int) -> RunState:
    call = state.calls.get(body.call_id)
    if call is None or call.settled:
        return state
    return _with_call(state, replace(call, status="started", leases=(*call.leases[:-1], body.lease_id)))


def _in_doubt(state: RunState, body: ToolCallInDoubt, time_ms: int) -> RunState:
    call = state.calls.get(body.call_id)
    if call is None or call.settled:
        return state
    return _with_call(state, replace(call, status="in_doubt"))


def _completed(state: RunState, body: ToolCallCompleted, time_ms: int) -> RunState:
    call = state.calls.get(body.call_id)
    if call is None or call.settled:
        return state
    known = body.settled_by == "worker" or body.result.content != b"null"
    heard = told(state, call.step, time_ms, Answer(body.result, known))
    return _with_call(state, replace(call, status="completed"), heard)


def _failed(state: RunState, body: ToolCallFailed, time_ms: int) -> RunState:
    call = state.calls.get(body.call_id)
    if call is None or call.settled:
        return state
    if body.error.kind in NEVER_TOOK_PLACE:
        call = replace(call, attempts_not_made=call.attempts_not_made + 1)
    if not body.final:
        return _with_call(state, call)
    heard = told(state, call.step, time_ms, Failed(call.tool, body.error))
    return _with_call(state, replace(call, status="failed"), heard)


def _refused(state: RunState, body: ToolCallRefused, time_ms: int) -> RunState:
    call = state.calls.get(body.call_id)
    if call is not None and call.settled:
        return state
    heard = told(state, body.step, time_ms, Refused(body.tool, body.reason, body.detail))
    if call is not None:
        return _with_call(state, replace(call, status="refused"), heard)
    steps = asked(state, body.step, Step("tool", body.tool, body.args_sha256, body.call_id))
    call = CallState(
        call_id=body.call_id,
        step=body.step,
        tool=body.tool,
        tool_version=body.tool_version,
        effect="unknown",
        args_sha256=body.args_sha256,
        arguments=None,
        grant_id=None,
        timeout_ms=0,
        attempt=0,
        status="refused",
        leases=(),
    )
    return _with_call(replace(state, steps=steps), call, heard)


FOLDS: Final = (
    entry(ToolCallRequested, _requested),
    entry(ToolCallStarted, _call_started),
    entry(ToolCallInDoubt, _in_doubt),
    entry(ToolCallCompleted, _completed),
    entry(ToolCallFailed, _failed),
    entry(ToolCallRefused, _refused),
)
