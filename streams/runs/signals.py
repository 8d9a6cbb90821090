"""Signals: an input that a workflow takes when it comes to it, in the order in which they came.

A signal is let in if the workflow declares it and it fits; waiting for one is no step and leaves no event, because
which one is taken follows from the order of the history.
"""

from typing import Final

from penstock.declare.errors import InvalidInput
from penstock.schemas.canonical import PayloadUnreadable, read_payload
from penstock.schemas.run.records import SignalReceived, SignalRun
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance

SIGNALS_MAX: Final = 10_000


def signal(c: Consequences, body: SignalRun) -> None:
    """Somebody tells the workflow something."""
    started, before = c.state.started, c.state.signals.get(body.signal_id)
    assert started is not None
    workflow = c.application.workflow(started.workflow, started.workflow_version)
    said = (body.name, body.payload.sha256)
    if before is not None:
        if before == said:
            c.accept("received before")
        else:
            c.refuse("signal_conflict", "the same signal_id has said something else before")
    elif c.state.ending is not None:
        c.refuse("ending", "the run is ending: nobody would take the signal")
    elif workflow is None:
        c.refuse("missing_version", "the workflow's version isn't registered, so nobody knows its signals")
    elif len(c.state.signals) >= SIGNALS_MAX:
        c.refuse("too_many_signals", f"a run takes {SIGNALS_MAX} signals")
    else:
        try:
            workflow.check_signal(body.name, read_payload(body.payload))
        except (InvalidInput, PayloadUnreadable) as error:
            c.refuse("invalid_signal", str(error))
            return
        c.emit(SignalReceived(name=body.name, signal_id=body.signal_id, payload=body.payload))
        advance(c)
