"""`penstock run pause|continue`: a person has a run wait, and lets it go on."""

import typer

from penstock.cli.questions import As, Reason
from penstock.runtime.settings import Settings


def pause(run_id: str, reason: Reason, who: As = "olga") -> None:
    """Have a run wait: it takes inputs, what is under way ends, and it asks for nothing new."""
    from penstock.cli import speaking_control

    speaking_control.pause(Settings.load(), run_id, reason, who)
    typer.echo(
        f"asked; `penstock trail {run_id}` shows what became of it, `penstock run continue` lets it go on"
    )


def go_on(run_id: str, reason: Reason = "", who: As = "olga") -> None:
    """Let a paused run go on."""
    from penstock.cli import speaking_control

    speaking_control.go_on(Settings.load(), run_id, reason, who)
    typer.echo(f"asked; `penstock trail {run_id}` shows what became of it")
