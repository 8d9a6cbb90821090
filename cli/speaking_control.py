"""What a person says to a run about its going on: pause, continue, again; and who decides its questions."""

import json

from penstock.audit import reading
from penstock.audit.reading import WaitingApproval
from penstock.cli.speaking import (
    ACKNOWLEDGED_S,
    SOURCE,
    NotFound,
    speaking_as,
    tenant_of,
    told,
    waiting_approval,
)
from penstock.producers.retries import Retry
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings


def pause(settings: Settings, run_id: str, reason: str, subject: str) -> None:
    """Have a run wait."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.pause(run_id, reason))


def go_on(settings: Settings, run_id: str, reason: str, subject: str) -> None:
    """Let a paused run go on."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.go_on(run_id, reason))


def retry(settings: Settings, run_id: str, key: str, version: int | None, subject: str) -> str:
    """Do a failed run again, from the start; the new run's id. Raises NotFound."""
    with connect(settings, application_name=SOURCE) as connection:
        run, start = reading.run(connection, run_id), reading.start_of(connection, run_id)
    if run is None or start is None or run.status != "failed" or run.workflow is None:
        stands = "unknown to the views" if run is None else run.status
        raise NotFound(f"run {run_id} is {stands}: only a run that has failed can be retried")
    attributes = start["search_attributes"]
    again = Retry(run_id, tuple(dict.fromkeys((*start["requesters_before"], start["requester"]))))
    with speaking_as(settings, run.tenant, subject) as client:
        started = client.start(
            run.workflow,
            start["input"]["content"],
            key,
            version or run.workflow_version,
            start["priority"],
            None if attributes is None else json.loads(attributes),
            again,
        )
        started.wait(ACKNOWLEDGED_S)
    return started.run_id


def delegate(settings: Settings, approval_id: str, to: str, subject: str, reason: str) -> WaitingApproval:
    """Hand a question on; the approval as it stood."""
    approval = waiting_approval(settings, approval_id)
    with speaking_as(settings, approval.tenant, subject) as client:
        told(client.delegate(approval.run_id, approval.approval_id, to, reason))
    return approval


def escalate(settings: Settings, approval_id: str, subject: str, reason: str) -> WaitingApproval:
    """Have a question go to the role that its workflow named; the approval as it stood."""
    approval = waiting_approval(settings, approval_id)
    with speaking_as(settings, approval.tenant, subject) as client:
        told(client.escalate(approval.run_id, approval.approval_id, reason))
    return approval
