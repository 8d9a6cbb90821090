"""`penstock approvals delegate|escalate`: who may decide a question hands it on."""

from typing import Annotated

import typer

from penstock.cli.questions import As, Reason, approvals_app
from penstock.runtime.settings import Settings


@approvals_app.command()
def delegate(
    approval_id: str,
    to: Annotated[str, typer.Option("--to", help="The person who may vote on it then, without the role.")],
    who: As,
    reason: Reason = "",
) -> None:
    """Hand a question to another person; whoever holds the role may still vote."""
    from penstock.cli import speaking_control

    approval = speaking_control.delegate(Settings.load(), approval_id, to, who, reason)
    typer.echo(f"{who} handed it to {to}; `penstock trail {approval.run_id}` shows what became of it")


@approvals_app.command()
def escalate(approval_id: str, who: As, reason: Reason = "") -> None:
    """Have the role decide a question that its workflow named for it, before its time."""
    from penstock.cli import speaking_control

    approval = speaking_control.escalate(Settings.load(), approval_id, who, reason)
    typer.echo(f"{who} asked for it; `penstock trail {approval.run_id}` shows what became of it")
