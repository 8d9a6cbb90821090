"""A run's beginning, its cancellation, and its resumption after a stall."""

from penstock.declare.errors import InvalidInput
from penstock.declare.workflows import PRIORITY_MAX, PRIORITY_MIN
from penstock.schemas.attributes import InvalidAttributes, decode_attributes
from penstock.schemas.canonical import PayloadUnreadable, read_payload
from penstock.schemas.run.records import CancelRun, ResumeRun, RunStarted, StartRun
from penstock.streams.runs import ending
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.driving import advance, resume


def start(c: Consequences, body: StartRun) -> None:
    """Begin a run, once; the same again is told so, and another body under the same key is a conflict."""
    before = c.state.started
    if before is not None:
        if (before.workflow, before.body_sha256) == (body.workflow, body.body_sha256):
            c.accept("already started")
        else:
            c.refuse("idempotency_conflict", "the same Idempotency-Key started a run with another body")
        return
    workflow = c.application.workflow(body.workflow, body.workflow_version)
    if workflow is None:
        version = "" if body.workflow_version is None else f" v{body.workflow_version}"
        c.refuse("unknown_workflow", f"{body.workflow}{version} isn't registered")
        return
    priority = workflow.priority if body.priority is None else body.priority
    if not PRIORITY_MIN <= priority <= PRIORITY_MAX:
        c.refuse("invalid_priority", f"a priority is from {PRIORITY_MIN} to {PRIORITY_MAX}")
        return
    try:
        decode_attributes(body.search_attributes)
    except InvalidAttributes as error:
        c.refuse("invalid_search_attributes", str(error))
        return
    try:
        workflow.decode_input(read_payload(body.input))
    except (InvalidInput, PayloadUnreadable) as error:
        c.refuse("invalid_input", str(error))
        return
    actor = c.given.meta.actor
    deadline_ms = None if workflow.deadline_ms is None else c.time_ms + workflow.deadline_ms
    c.emit(
        RunStarted(
            workflow=workflow.name,
            workflow_version=workflow.version,
            input=body.input,
            body_sha256=body.body_sha256,
            requester=actor.subject,
            requester_roles=actor.roles,
            deadline_ms=deadline_ms,
            max_steps=workflow.max_steps,
            code_hash=workflow.code_hash,
            priority=priority,
            retry_of=body.retry_of,
            requesters_before=body.requesters_before,
            search_attributes=body.search_attributes,
        )
    )
    advance(c)


def cancel(c: Consequences, body: CancelRun) -> None:
    """End it early: it takes no more steps, and is cancelled once nothing of it is outstanding."""
    if c.state.ending is not None:
        c.accept(f"already ending: {c.state.ending.reason}")
        return
    ending.begin(c, "cancelled", "requested", body.reason)


def try_again(c: Consequences, body: ResumeRun) -> None:
    """The code that is loaded may be another one now."""
    if c.state.stalled is None:
        c.accept("not stalled")
        return
    if c.state.paused is not None:
        c.accept("paused: the code is tried when the run is continued")
        return
    resume(c)
