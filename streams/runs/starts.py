"""The start of an unsafe call: granted once, to one lease, after everything was checked again (law L7)."""

from penstock.schemas.run.records import StartToolCall, ToolCallStarted
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance
from penstock.streams.runs.pausing import hold
from penstock.streams.runs.policy import Denial, Wanted, denial
from penstock.streams.runs.requesting import refuse_call


def start_call(c: Consequences, body: StartToolCall) -> None:
    """An effector asks to begin. A refusal of the asker ends nothing; a refusal of the call is final."""
    call = c.state.calls.get(body.call_id)
    if call is None:
        c.refuse("unknown_call", body.call_id)
    elif not body.lease_id:
        c.refuse("no_lease", "name the lease under which the call will run")
    elif call.settled:
        c.refuse("already_settled", f"the call is {call.status}")
    elif not call.unsafe:
        c.refuse("not_unsafe", "read and idempotent calls begin without asking")
    elif body.attempt != call.attempt:
        c.refuse("other_attempt", f"attempt {call.attempt} is the current one")
    elif call.at_large:
        c.refuse("already_started", f"it was started under lease {call.lease_id}")
    elif call.status == "held":
        c.refuse("held", "the run is paused: the next attempt is requested when it is continued")
    else:
        wanted = Wanted(call.call_id, call.tool, call.tool_version, call.args_sha256, call.grant_id)
        refused = (
            Denial("ending", "the run is ending")
            if c.state.ending is not None
            else denial(c.application, c.state, wanted, c.time_ms)
        )
        if refused is not None:
            refuse_call(c, wanted, call.step, refused)
            advance(c)
            return
        if c.state.paused is not None:
            hold(c, call, began=False)
            return
        c.emit(
            ToolCallStarted(
                call_id=call.call_id, attempt=call.attempt, lease_id=body.lease_id, worker=body.worker
            )
        )
