"""Answers to calls: completed, failed, lost, settled. The first accepted settles, the rest are late (L8)."""

from dataclasses import replace
from typing import Final

from penstock.producers.signing import Authority
from penstock.schemas.canonical import PayloadUnreadable, json_payload, read_payload
from penstock.schemas.envelope.records import Failure
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import (
    CompleteToolCall,
    FailToolCall,
    ReportLostLease,
    SettleToolCall,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallInDoubt,
    ToolCallRequested,
)
from penstock.streams.failures import DID_NOT_HAPPEN, NEVER_TOOK_PLACE
from penstock.streams.runs.callbacks import deferrable, misfit, said_by
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance
from penstock.streams.runs.parts import CallState
from penstock.streams.runs.pausing import hold
from penstock.streams.runs.policy import Wanted, denial

MESSAGE_CHARACTERS_MAX: Final = 4000
# So many attempts that never took place are free. Then they count: no call goes round for ever.
FREE_ATTEMPTS_MAX: Final = 20


def complete(c: Consequences, body: CompleteToolCall) -> None:
    """A worker, or a callback, says that it worked."""
    try:
        read_payload(body.result)
    except PayloadUnreadable as error:
        c.refuse("invalid_result", str(error))
        return
    call = _answerable(c, body)
    if call is None:
        return
    # What a worker says has been through its tool's type; an outside system says anything.
    why = misfit(c, call, body) if c.given.authority is Authority.CALLBACK else None
    if why is not None:
        c.refuse("invalid_result", why)
        return
    c.emit(
        ToolCallCompleted(
            call_id=call.call_id,
            attempt=body.attempt,
            result=body.result,
            duration_ms=body.duration_ms,
            settled_by=said_by(c),
        )
    )
    advance(c)


def fail(c: Consequences, body: FailToolCall) -> None:
    """A worker, or a callback, says that it didn't work; for an unsafe call an answer only if it knows so."""
    call = _answerable(c, body)
    if call is None:
        return
    if call.status == "deferred" and c.given.authority is Authority.TOOLS:
        c.accept("it is deferred: its callback answers it")
        return
    if call.unsafe and not body.not_done:
        doubt(c, call, f"{body.error.kind}: {body.error.message}")
        return
    attempt_failed(c, call, body.error, body.duration_ms, said_by(c))


def lost(c: Consequences, body: ReportLostLease) -> None:
    """Nobody holds the lease that an unsafe call was started under, and nobody has answered."""
    call = c.state.calls.get(body.call_id)
    if call is None:
        c.refuse("unknown_call", body.call_id)
    elif call.settled or call.status == "held" or body.attempt < call.attempt:
        c.accept("the attempt was settled before")
    elif call.status == "deferred":
        c.accept("it is deferred: it needs no lease")
    elif not call.at_large or body.attempt > call.attempt:
        c.refuse("not_started", "only a started unsafe call can be lost")
    elif body.lease_id != call.lease_id:
        c.refuse("other_lease", "the attempt was started under another lease")
    else:
        doubt(c, call, "the worker's lease ended without an answer")


def settle(c: Consequences, body: SettleToolCall) -> None:
    """A person or a reconciler answers the question of a call in doubt (law L7 says who may say what)."""
    refused = _may_settle(c, body)
    if refused is not None:
        c.refuse(*refused)
        return
    call = c.state.calls.get(body.call_id)
    if call is None:
        c.refuse("unknown_call", body.call_id)
    elif call.settled or c.state.terminal is not None or body.attempt < call.attempt:
        c.late(body.call_id, body.attempt, _said(body))
    elif not call.at_large or body.attempt > call.attempt:
        c.refuse("not_in_doubt", "only a started unsafe call can be settled by hand")
    elif body.happened:
        try:
            result = json_payload(None) if body.result is None else body.result
            read_payload(result)
        except PayloadUnreadable as unreadable:
            c.refuse("invalid_result", str(unreadable))
            return
        completed = ToolCallCompleted(
            call_id=call.call_id, attempt=call.attempt, result=result, settled_by=body.basis
        )
        c.emit(completed)
        advance(c)
    else:
        message = body.evidence or "it was settled that it did not happen"
        error = Failure(kind=DID_NOT_HAPPEN, message=message[:MESSAGE_CHARACTERS_MAX], retryable=True)
        attempt_failed(c, call, error, 0, body.basis)


def _may_settle(c: Consequences, body: SettleToolCall) -> tuple[str, str] | None:
    actor = c.given.meta.actor
    if c.given.authority is Authority.TOOLS:
        if body.happened or body.basis in ("key_voided", "deadline_passed"):
            return None
        return "not_conclusive", "a reconciler's no needs a voided key or a deadline that passed"
    needed = {"operator", "supervisor"} if body.happened else {"operator"}
    if actor.kind == "person" and needed & set(actor.roles):
        return None
    return "not_authorized", f"needs a person who is {' or '.join(sorted(needed))}"


def _answerable(c: Consequences, body: CompleteToolCall | FailToolCall) -> CallState | None:
    """The call that this answer may settle; None once the answer has been dealt with."""
    call = c.state.calls.get(body.call_id)
    by_callback = c.given.authority is Authority.CALLBACK
    if call is None:
        c.refuse("unknown_call", body.call_id)
    elif call.settled or c.state.terminal is not None:
        c.late(body.call_id, body.attempt, _said(body))
    elif body.attempt > call.attempt or body.attempt < 1:
        c.refuse("unknown_attempt", f"attempt {call.attempt} is the latest")
    elif by_callback and not deferrable(c, call):
        c.refuse("not_deferred", "the tool answers its calls itself")
    elif call.unsafe and not _leased(call, body.attempt):
        c.refuse("not_started", "an unsafe call is answered by who was allowed to start it")
    elif call.unsafe and not by_callback and body.lease_id != _leased(call, body.attempt):
        c.refuse("other_lease", "the attempt was started under another lease")
    elif by_callback and not call.unsafe and isinstance(body, CompleteToolCall):
        # All attempts of such a call are one for its target: it may answer by the first token that it was given.
        return call
    elif body.attempt < call.attempt or call.status == "held":
        _late_attempt(c, call, body)
    else:
        return call
    return None


def _leased(call: CallState, attempt: int) -> str:
    return call.leases[attempt - 1] if attempt <= len(call.leases) else ""


def _late_attempt(c: Consequences, call: CallState, body: CompleteToolCall | FailToolCall) -> None:
    """An answer to an attempt that was settled as failed.

    If it says that the unsafe effect did happen after all, the attempt that waits to be started must not
    start: at most once goes before all else, and a person is asked.
    """
    c.late(body.call_id, body.attempt, _said(body))
    if call.unsafe and call.status in ("requested", "held") and isinstance(body, CompleteToolCall):
        c.emit(
            ToolCallInDoubt(
                call_id=call.call_id,
                attempt=call.attempt,
                lease_id=body.lease_id,
                reason=f"attempt {body.attempt}, which was settled as failed, says now that it happened",
            )
        )


def doubt(c: Consequences, call: CallState, reason: str) -> None:
    """Nobody knows whether the effect of an unsafe call happened: that is asked, once."""
    if call.status == "in_doubt":
        c.accept(f"still in doubt: {reason}")
        return
    c.emit(
        ToolCallInDoubt(
            call_id=call.call_id,
            attempt=call.attempt,
            lease_id=call.lease_id,
            reason=reason[:MESSAGE_CHARACTERS_MAX],
        )
    )


def attempt_failed(c: Consequences, call: CallState, error: Failure, duration_ms: int, by: str) -> None:
    """The attempt is settled: the next one if it may be, else the workflow is told."""
    tool = c.application.tool(call.tool, call.tool_version)
    wanted = Wanted(call.call_id, call.tool, call.tool_version, call.args_sha256, call.grant_id)
    again = (
        error.retryable
        and c.state.ending is None
        and isinstance(call.asked, ToolCallRequested)
        and tool is not None
        and _attempts_used(call, error) < tool.retry.attempts
        and denial(c.application, c.state, wanted, c.time_ms) is None
    )
    c.emit(
        ToolCallFailed(
            call_id=call.call_id,
            attempt=call.attempt,
            error=error,
            final=not again,
            duration_ms=duration_ms,
            settled_by=by,
        )
    )
    if again and c.state.paused is not None:
        hold(c, call, began=True)
    elif again and tool is not None and isinstance(call.asked, ToolCallRequested):
        chance = derived_id(c.state.run_id, f"jitter:{call.call_id}:{call.attempt}").replace("-", "")
        delay_ms = tool.retry.delay_ms(call.attempt, int(chance[:12], 16) / 16**12)
        c.emit(replace(call.asked, attempt=call.attempt + 1, not_before_ms=c.time_ms + delay_ms))
    # Also after a retry: if the workflow is over already, the new attempt is refused and the run may end.
    advance(c)


def _attempts_used(call: CallState, error: Failure) -> int:
    """How many of the tool's attempts are gone with this failure: those that took place, up to a limit."""
    free = call.attempts_not_made + (error.kind in NEVER_TOOK_PLACE)
    return call.attempt - min(free, FREE_ATTEMPTS_MAX)


def _said(body: CompleteToolCall | FailToolCall | SettleToolCall) -> str:
    match body:
        case CompleteToolCall():
            return f"it worked; result {body.result.sha256}"
        case FailToolCall():
            return f"{body.error.kind}: {body.error.message}"[:MESSAGE_CHARACTERS_MAX]
        case SettleToolCall():
            said = "it happened" if body.happened else "it did not happen"
            return f"{said} ({body.basis}): {body.evidence}"[:MESSAGE_CHARACTERS_MAX]
