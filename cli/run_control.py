"""`penstock run pause|continue|retry`: a person has a run wait, lets it go on, or has it done again."""

from typing import Annotated

import typer

from penstock.cli.questions import As, Reason
from penstock.cli.run_app import run_app
from penstock.runtime.settings import Settings


@run_app.command()
def pause(run_id: str, reason: Reason, who: As = "olga") -> None:
    """Have a run wait: it takes inputs, what is under way ends, and it asks for nothing new."""
    from penstock.cli import speaking_control

    speaking_control.pause(Settings.load(), run_id, reason, who)
    typer.echo(
        f"asked; `penstock trail {run_id}` shows what became of it, `penstock run continue` lets it go on"
    )


@run_app.command("continue")
def go_on(run_id: str, reason: Reason = "", who: As = "olga") -> None:
    """Let a paused run go on."""
    from penstock.cli import speaking_control

    speaking_control.go_on(Settings.load(), run_id, reason, who)
    typer.echo(f"asked; `penstock trail {run_id}` shows what became of it")


@run_app.command()
def retry(
    run_id: str,
    key: Annotated[
        str, typer.Option(help="Another key is another retry; the same again is the same run.")
    ] = "",
    version: Annotated[
        int | None, typer.Option(help="Of its workflow; the failed run's own unless said.")
    ] = None,
    who: As = "olga",
) -> None:
    """Do a failed run again, from the start, as a new run."""
    from penstock.cli import speaking_control

    started = speaking_control.retry(Settings.load(), run_id, key, version, who)
    typer.echo(f"asked for run {started}; `penstock trail {started}` shows what becomes of it")
