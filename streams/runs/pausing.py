"""Pausing by a person, and going on. While paused a run takes every input, and asks for nothing new.

What is under way ends: a call that was begun is answered, a read or idempotent one that was asked for before may
still begin (it begins without asking, law L7). An unsafe call that asks to begin isn't granted it, and what failed
isn't tried again: both are held, which is an event, and requested as another attempt when the run is continued. So
nobody keeps an old lease waiting, and no call is lost. Cancelling ends a pause; deadlines and expiries count on.
"""

from dataclasses import replace

from penstock.schemas.run.records import (
    ContinueRun,
    PauseRun,
    RunContinued,
    RunPaused,
    ToolCallHeld,
    ToolCallRequested,
)
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance, resume
from penstock.streams.runs.parts import CallState
from penstock.streams.runs.policy import Wanted, denial
from penstock.streams.runs.requesting import refuse_call


def pause(c: Consequences, body: PauseRun) -> None:
    """A person has it wait. Pausing twice is pausing once."""
    actor = c.given.meta.actor
    if actor.kind != "person":
        c.refuse("not_a_person", f"a run is paused by a person, and this comes from a {actor.kind}")
    elif c.state.ending is not None:
        c.refuse("ending", "the run is ending: it asks for nothing new")
    elif c.state.paused is not None:
        c.accept(f"already paused by {c.state.paused.paused_by}")
    else:
        c.emit(RunPaused(paused_by=actor.subject, reason=body.reason))


def go_on(c: Consequences, body: ContinueRun) -> None:
    """A person lets it go on: what was held is requested again, and the workflow is told what came meanwhile."""
    actor = c.given.meta.actor
    if actor.kind != "person":
        c.refuse("not_a_person", f"a run is continued by a person, and this comes from a {actor.kind}")
        return
    if c.state.paused is None:
        c.accept("not paused")
        return
    c.emit(RunContinued(continued_by=actor.subject, reason=body.reason))
    for call in c.state.open_calls:
        if call.status == "held":
            _request_again(c, call)
    if c.state.stalled is not None:
        resume(c)
    else:
        advance(c)


def hold(c: Consequences, call: CallState, *, began: bool) -> None:
    """The latest attempt is over, without a start or by a failure; the next one waits for `go_on`."""
    c.emit(ToolCallHeld(call_id=call.call_id, attempt=call.attempt, began=began))


def _request_again(c: Consequences, call: CallState) -> None:
    """The next attempt, unless it is no longer allowed: a pause lengthens no grant."""
    wanted = Wanted(call.call_id, call.tool, call.tool_version, call.args_sha256, call.grant_id)
    refused = denial(c.application, c.state, wanted, c.time_ms)
    if refused is not None:
        refuse_call(c, wanted, call.step, refused)
    elif isinstance(call.asked, ToolCallRequested):
        c.emit(replace(call.asked, attempt=call.attempt + 1, not_before_ms=0))
