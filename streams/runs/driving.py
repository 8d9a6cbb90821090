"""Driving the workflow: replay the history, put what it asks for on the log, until nothing comes at once."""

from penstock.declare.workflows import Workflow
from penstock.schemas.run.records import RunResumed, RunStalled
from penstock.streams.runs import ending
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.differences import trace
from penstock.streams.runs.loop import Stall
from penstock.streams.runs.replay import Execution
from penstock.streams.runs.requesting import request


def advance(c: Consequences) -> None:
    """Go as far as it goes: an ending run to its end, a running one to its next wait, a paused one nowhere."""
    if c.state.terminal is not None or c.state.stalled is not None:
        return
    if c.state.ending is not None:
        ending.close(c)
        return
    if c.state.paused is not None:
        return
    _drive(c, resuming=False)


def resume(c: Consequences) -> None:
    """Try a stalled run under the code that is loaded now."""
    _drive(c, resuming=True)


def _drive(c: Consequences, resuming: bool) -> None:
    started = c.state.started
    assert started is not None
    workflow = c.application.workflow(started.workflow, started.workflow_version)
    if workflow is None:
        detail = f"{started.workflow} v{started.workflow_version} isn't registered: register it again."
        _stall(c, Stall("missing_version", detail), code_hash="")
        return
    try:
        with c.watchdog(c.state.run_id):
            execution = c.execution
            if execution is None:
                execution = c.execution = Execution(workflow, c.state, c.application)
            execution.consume(c.state)
            if resuming and stall_of(execution, workflow) is None:
                c.emit(RunResumed(code_hash=workflow.code_hash))
            stall = _follow(c, workflow, execution)
            if stall is not None or execution.returned is not None:
                # Here, because what its `finally` blocks do may block, too.
                c.execution = None
                execution.close()
    except Stall as raised:
        c.fold_anew()
        # By a rule, or by the watchdog; a run that came to its end all the same has nothing to stall.
        stall = None if c.state.ending or c.state.terminal else raised
    if stall is not None:
        _stall(c, stall, workflow.code_hash)


def _follow(c: Consequences, workflow: Workflow[object, object], execution: Execution) -> Stall | None:
    """Put asks on the log until the workflow waits or is over; why it can't go on, if it can't."""
    while True:
        stall = stall_of(execution, workflow)
        if stall is not None:
            return stall
        if execution.returned is not None:
            return ending.finish(c, workflow, execution.returned)
        told = len(c.state.history)
        for ask in execution.new_asks():
            if c.state.started is not None and ask.step > c.state.started.max_steps:
                detail = f"the workflow asked for more than {c.state.started.max_steps} steps"
                ending.begin(c, "failed", "max_steps", detail)
                return None
            request(c, ask)
        if len(c.state.history) == told:
            return None
        execution.consume(c.state)


def stall_of(execution: Execution, workflow: Workflow[object, object]) -> Stall | None:
    """Why this execution can't be gone on with: it doesn't fit, or it raised what it doesn't declare."""
    stall = execution.stall
    if stall is not None:
        return stall if stall.kind == "nondeterminism" else Stall(stall.kind, trace(stall))
    returned = execution.returned
    if returned is None or returned.error is None or isinstance(returned.error, workflow.fails_with):
        return None
    return Stall("exception", trace(returned.error))


def _stall(c: Consequences, stall: Stall, code_hash: str) -> None:
    before = c.state.stalled
    if before is not None and before.code_hash == code_hash:
        c.accept(f"still stalled: {stall.detail.splitlines()[0]}")
        return
    c.emit(RunStalled(kind=stall.kind, detail=stall.detail, code_hash=code_hash))
