"""Calls that an outside system answers by a callback: handed over, waited for, given up.

A deferred call is open without a lease: nobody repeats it, and no lost lease is reported of it. What ends it is its
callback (which may come first: then there is nothing left to defer), its expiry by log time, or the run's end. For an
unsafe call neither of the last two is an answer: it may have happened, so a person or its reconciler is asked (L8).
"""

from typing import Final

from penstock.schemas.envelope.records import Failure
from penstock.schemas.ids import callback_timer_id
from penstock.schemas.run.records import DeferToolCall, ToolCallDeferred
from penstock.streams.runs.answers import attempt_failed, doubt
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance
from penstock.streams.runs.ending import give_up
from penstock.streams.runs.parts import CallState, TimerState

CALLBACK_EXPIRED: Final = "callback_expired"


def defer(c: Consequences, body: DeferToolCall) -> None:
    """A worker says that an outside system has the call now. It settles nothing."""
    call = c.state.calls.get(body.call_id)
    if call is None:
        c.refuse("unknown_call", body.call_id)
    elif body.attempt < 1 or body.attempt > call.attempt:
        c.refuse("unknown_attempt", f"attempt {call.attempt} is the latest")
    elif _over(c, call, body.attempt):
        c.accept("the attempt was settled before: its callback may have come first")
    elif call.unsafe and not call.lease_id:
        c.refuse("not_started", "an unsafe call is handed over by who was allowed to start it")
    elif call.unsafe and body.lease_id != call.lease_id:
        c.refuse("other_lease", "the attempt was started under another lease")
    elif call.status == "deferred":
        c.accept("already deferred")
    elif call.status == "in_doubt":
        c.accept("in doubt: its callback may still answer it")
    elif c.state.ending is not None and not call.unsafe:
        give_up(c, call)
        advance(c)
    else:
        c.emit(
            ToolCallDeferred(
                call_id=call.call_id,
                attempt=call.attempt,
                lease_id=body.lease_id,
                expires_at_ms=body.expires_at_ms,
            )
        )


def expired(c: Consequences, timer: TimerState) -> None:
    """The time of a callback is over; also while the run is ending, or it might wait for good."""
    call = next((each for each in c.state.open_calls if each.step == timer.step), None)
    if call is None or call.status != "deferred":
        return
    if timer.timer_id != callback_timer_id(c.state.run_id, call.call_id, call.attempt):
        return
    why = "no callback came in the time that the tool gives it"
    if call.unsafe:
        doubt(c, call, why)
    else:
        error = Failure(kind=CALLBACK_EXPIRED, message=why, retryable=True)
        attempt_failed(c, call, error, 0, "timer")


def _over(c: Consequences, call: CallState, attempt: int) -> bool:
    settled = call.settled or call.status == "held" or c.state.terminal is not None
    return settled or attempt < call.attempt
