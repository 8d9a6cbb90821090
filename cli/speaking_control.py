"""What a person says to a run about its going on: pause, continue, and who decides its questions."""

from penstock.audit.reading import WaitingApproval
from penstock.cli.speaking import speaking_as, tenant_of, told, waiting_approval
from penstock.runtime.settings import Settings


def pause(settings: Settings, run_id: str, reason: str, subject: str) -> None:
    """Have a run wait."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.pause(run_id, reason))


def go_on(settings: Settings, run_id: str, reason: str, subject: str) -> None:
    """Let a paused run go on."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.go_on(run_id, reason))


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
