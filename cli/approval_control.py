"""`penstock approvals delegate|escalate`: who may decide a question hands it on."""

from typing import Annotated

import typer

from penstock.cli.completing import ApprovalId
from penstock.cli.questions import As, AsJson, Reason, approvals_app
from penstock.cli.told import tell
from penstock.runtime.settings import Settings


@approvals_app.command()
def delegate(
    approval_id: ApprovalId,
    to: Annotated[str, typer.Option("--to", help="The person who may vote on it then, without the role.")],
    who: As,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Hand a question to another person; whoever holds the role may still vote.

    Example: penstock approvals delegate 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --to sue --as sam --reason "on leave"
    """
    from penstock.cli import speaking_control

    approval = speaking_control.delegate(Settings.load(), approval_id, to, who, reason)
    tell(
        as_json,
        f"{who} handed it to {to}; `penstock trail {approval.run_id}` shows what became of it",
        run_id=approval.run_id,
        approval_id=approval_id,
        delegate=to,
        said="delegate",
    )


@approvals_app.command()
def escalate(approval_id: ApprovalId, who: As, reason: Reason = "", as_json: AsJson = False) -> None:
    """Have the role decide a question that its workflow named for it, before its time.

    Example: penstock approvals escalate 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --as sam --reason "above my limit"
    """
    from penstock.cli import speaking_control

    approval = speaking_control.escalate(Settings.load(), approval_id, who, reason)
    tell(
        as_json,
        f"{who} asked for it; `penstock trail {approval.run_id}` shows what became of it",
        run_id=approval.run_id,
        approval_id=approval_id,
        said="escalate",
    )
