"""How a run ends (law L13): no terminal event while a started unsafe call is unsettled."""

from typing import Final, assert_never

from penstock.declare.errors import InvalidInput
from penstock.declare.workflows import Workflow
from penstock.schemas.canonical import PayloadTooLarge, payload_of
from penstock.schemas.envelope.records import Failure
from penstock.schemas.run.records import (
    EndOutcome,
    RunCancelled,
    RunCompleted,
    RunEnding,
    RunFailed,
    ToolCallFailed,
)
from penstock.streams.describing import message_of
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.differences import trace
from penstock.streams.runs.loop import Stall
from penstock.streams.runs.parts import CallState
from penstock.streams.runs.policy import Denial, Wanted
from penstock.streams.runs.replay import Returned
from penstock.streams.runs.requesting import refuse_call

MESSAGE_CHARACTERS_MAX: Final = 4000
ENDING: Final = "ending"


def begin(c: Consequences, outcome: EndOutcome, reason: str, detail: str) -> None:
    """The run takes no more steps. What hasn't started won't; the rest is waited for."""
    c.emit(RunEnding(outcome=outcome, reason=reason, detail=detail))
    refuse_unstarted(c, f"the run is ending: {reason}")
    for call in c.state.open_calls:
        if call.status == "deferred" and not call.unsafe:
            give_up(c, call)
    close(c)


def close(c: Consequences) -> None:
    """The end itself, once nothing of an ending run is outstanding."""
    ending = c.state.ending
    if ending is None or c.state.terminal is not None or c.state.calls_open:
        return
    match ending.outcome:
        case "cancelled":
            c.emit(RunCancelled(reason=ending.detail or ending.reason))
        case "failed" | "unknown":
            c.emit(RunFailed(error=Failure(kind=ending.reason, message=ending.detail)))
        case _:
            assert_never(ending.outcome)


def give_up(c: Consequences, call: CallState) -> None:
    """Nobody waits for the callback of a call that did no harm if it is never answered; a later one is late."""
    error = Failure(kind=ENDING, message="the run is ending: its callback isn't waited for")
    failed = ToolCallFailed(
        call_id=call.call_id, attempt=call.attempt, error=error, final=True, duration_ms=0, settled_by="run"
    )
    c.emit(failed)


def finish(c: Consequences, workflow: Workflow[object, object], returned: Returned) -> Stall | None:
    """The workflow is over; its end is held back while a started unsafe call is unsettled.

    Returns a stall if what it returned isn't what it declares.
    """
    if returned.error is None:
        try:
            content = payload_of(workflow.encode_result(returned.value))
        except (InvalidInput, PayloadTooLarge) as error:
            return Stall("exception", trace(error))
        end: RunCompleted | RunFailed = RunCompleted(result=content)
    else:
        message = message_of(returned.error, MESSAGE_CHARACTERS_MAX)
        end = RunFailed(error=Failure(kind=type(returned.error).__name__, message=message))
    refuse_unstarted(c, "the workflow is over")
    if not any(call.at_large for call in c.state.open_calls):
        c.emit(end)
    return None


def refuse_unstarted(c: Consequences, detail: str) -> None:
    """Unsafe calls that nobody has begun won't be, nor will what a pause has held."""
    for call in c.state.open_calls:
        if (call.unsafe and not call.at_large) or call.status == "held":
            wanted = Wanted(call.call_id, call.tool, call.tool_version, call.args_sha256, call.grant_id)
            refuse_call(c, wanted, call.step, Denial("ending", detail))
