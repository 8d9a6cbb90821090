"""What a person says to a run about its going on: pause, continue."""

from penstock.cli.speaking import speaking_as, tenant_of, told
from penstock.runtime.settings import Settings


def pause(settings: Settings, run_id: str, reason: str, subject: str) -> None:
    """Have a run wait."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.pause(run_id, reason))


def go_on(settings: Settings, run_id: str, reason: str, subject: str) -> None:
    """Let a paused run go on."""
    with speaking_as(settings, tenant_of(settings, run_id), subject) as client:
        told(client.go_on(run_id, reason))
