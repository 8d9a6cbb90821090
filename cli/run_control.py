"""`penstock run pause|continue|retry|migrate`: a person has a run wait, lets it go on, has it done again, or moves it
to another version."""

from typing import Annotated

import typer

from penstock.cli.completing import RunId
from penstock.cli.questions import As, AsJson, Reason
from penstock.cli.run_app import run_app
from penstock.cli.told import tell
from penstock.runtime.settings import Settings


@run_app.command()
def pause(run_id: RunId, reason: Reason, who: As = "olga", as_json: AsJson = False) -> None:
    """Have a run wait: it takes inputs, what is under way ends, and it asks for nothing new.

    Example: penstock run pause 330e33a1-3861-5cf0-b4db-54ae97c97fea --reason "the card network is down"
    """
    from penstock.cli import speaking_control

    speaking_control.pause(Settings.load(), run_id, reason, who)
    tell(
        as_json,
        f"asked; `penstock trail {run_id}` shows what became of it, `penstock run continue` lets it go on",
        run_id=run_id,
        said="pause",
    )


@run_app.command("continue")
def go_on(run_id: RunId, reason: Reason = "", who: As = "olga", as_json: AsJson = False) -> None:
    """Let a paused run go on.

    Example: penstock run continue 330e33a1-3861-5cf0-b4db-54ae97c97fea --reason "it is up again"
    """
    from penstock.cli import speaking_control

    speaking_control.go_on(Settings.load(), run_id, reason, who)
    tell(as_json, f"asked; `penstock trail {run_id}` shows what became of it", run_id=run_id, said="continue")


@run_app.command()
def retry(
    run_id: RunId,
    key: Annotated[
        str, typer.Option(help="Another key is another retry; the same again is the same run.")
    ] = "",
    version: Annotated[
        int | None, typer.Option(help="Of its workflow; the failed run's own unless said.")
    ] = None,
    who: As = "olga",
    as_json: AsJson = False,
) -> None:
    """Do a failed run again, from the start, as a new run.

    Example: penstock run retry 330e33a1-3861-5cf0-b4db-54ae97c97fea --version 4
    """
    from penstock.cli import speaking_control

    started = speaking_control.retry(Settings.load(), run_id, key, version, who)
    tell(
        as_json,
        f"asked for run {started}; `penstock trail {started}` shows what becomes of it",
        run_id=started,
        retry_of=run_id,
        said="retry",
    )


@run_app.command()
def migrate(
    run_id: RunId,
    to: Annotated[int, typer.Option("--to", min=1, max=2**31 - 1, help="The version that it is to have.")],
    reason: Reason,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Its worker only says whether its history fits.")
    ] = False,
    who: As = "olga",
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="So many seconds, at most, for what comes of it.")
    ] = 5,
    as_json: AsJson = False,
) -> None:
    """Have a run go on under another version of its workflow, if its history fits that; else it says why not.

    Example: penstock run migrate 330e33a1-3861-5cf0-b4db-54ae97c97fea --to 4 --reason "3 rounds wrongly" --dry-run
    """
    from penstock.cli import run_speaking

    run_speaking.migrate(Settings.load(), run_id, to, reason, who, wait, trial=dry_run, as_json=as_json)
