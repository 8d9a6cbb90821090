"""The commands that look at runs and speak to them. Each imports what it needs when it is called."""

import json
from typing import Annotated

import typer

from penstock.cli.completing import ApprovalId, CallId, ParkedInputId, RunId, runs
from penstock.cli.told import tell
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

approvals_app = typer.Typer(help="Questions that wait for a person.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
As = Annotated[str, typer.Option("--as", help="The person, with an API key, who says it.")]
Reason = Annotated[str, typer.Option(help="Why; it stays on the log.")]


def status(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="One screen, renewed every second.")] = False,
    once: Annotated[bool, typer.Option("--once", help="One page; as without --watch.")] = False,
) -> None:
    """What runs, what waits for people, how far behind each group is; exits with 1 if something is down.

    Example: penstock status --watch
    """
    from penstock.cli import shown
    from penstock.cli import status as looking
    from penstock.cli.screen import console
    from penstock.cli.status_page import page
    from penstock.cli.status_watch import watch as show_again_and_again

    settings = Settings.load()
    if watch and not once and not as_json:
        show_again_and_again(settings, console)
        return
    found = looking.look(settings)
    if as_json:
        shown.as_json(found)
    else:
        console.print(page(found))
    raise typer.Exit(0 if found.well else 1)


def trail(run_id: RunId, as_json: AsJson = False) -> None:
    """One run's whole trail: every event in order, where it stands, what caused it, who acted.

    Example: penstock trail 330e33a1-3861-5cf0-b4db-54ae97c97fea
    """
    from penstock.audit import reading
    from penstock.cli import shown
    from penstock.runtime.postgres import connect

    with connect(Settings.load(), application_name="penstock.trail") as connection:
        run = reading.run(connection, run_id)
        lines = reading.trail(connection, run_id)
    if run is None:
        raise SetupError(f"the views know no run {run_id}: is it the id that `start` returned?")
    if as_json:
        shown.as_json(lines)
    else:
        shown.trail(run, lines)


def tail(
    run_id: Annotated[
        str, typer.Argument(metavar="[RUN]", help="Of this run, until it has ended.", autocompletion=runs)
    ] = "",
    tenant: Annotated[str, typer.Option(help="Of this tenant's runs, from now on; of all without it.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one document a line.")] = False,
    from_seq: Annotated[int, typer.Option("--from", min=1, help="A run's events from this seq on.")] = 1,
) -> None:
    """Print events as they come: of one run until it has ended, or of all runs until Ctrl-C.

    Example: penstock tail 330e33a1-3861-5cf0-b4db-54ae97c97fea --from 7
    """
    from penstock.cli import tail as following

    following.follow(Settings.load(), run_id, tenant, from_seq, as_json=as_json)


@approvals_app.command("list")
def list_approvals(as_json: AsJson = False) -> None:
    """What waits for a person, oldest first.

    Example: penstock approvals list --json
    """
    from penstock.audit import reading
    from penstock.cli import shown
    from penstock.runtime.postgres import connect

    with connect(Settings.load(), application_name="penstock.approvals") as connection:
        waiting = reading.waiting_approvals(connection)
    if as_json:
        shown.as_json(waiting)
    else:
        shown.approvals(waiting)


@approvals_app.command("grant")
def grant(approval_id: ApprovalId, who: As, reason: Reason = "", as_json: AsJson = False) -> None:
    """Vote for it.

    Example: penstock approvals grant 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --as sam --reason "the receipt is there"
    """
    from penstock.cli import speaking

    approval = speaking.vote(Settings.load(), approval_id, "grant", who, reason)
    tell(
        as_json,
        f"{who} voted for it; `penstock trail {approval.run_id}` shows what became of the vote",
        run_id=approval.run_id,
        approval_id=approval_id,
        said="grant",
    )


@approvals_app.command("refuse")
def refuse(approval_id: ApprovalId, who: As, reason: Reason = "", as_json: AsJson = False) -> None:
    """Vote against it.

    Example: penstock approvals refuse 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --as sam --reason "no receipt"
    """
    from penstock.cli import speaking

    approval = speaking.vote(Settings.load(), approval_id, "refuse", who, reason)
    tell(
        as_json,
        f"{who} voted against it; `penstock trail {approval.run_id}` shows what became of the vote",
        run_id=approval.run_id,
        approval_id=approval_id,
        said="refuse",
    )


def settle(
    call_id: CallId,
    evidence: Annotated[str, typer.Option(help="What you looked at; it stays on the log.")],
    happened: Annotated[
        bool | None,
        typer.Option(
            "--happened/--did-not-happen", help="Only if a late send is impossible too: did-not-happen."
        ),
    ] = None,
    result: Annotated[str, typer.Option(help="What the call returned, as JSON, if it happened.")] = "",
    who: As = "olga",
    as_json: AsJson = False,
) -> None:
    """Answer whether the effect of a call in doubt happened.

    Example: penstock settle 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --happened --evidence "journal entry 4711"
    """
    from penstock.cli import speaking
    from penstock.schemas.canonical import canonical_json

    if happened is None:
        raise SetupError("say --happened or --did-not-happen")
    try:
        value = canonical_json(json.loads(result)) if result else None
    except ValueError as error:
        raise SetupError(
            f"--result isn't JSON ({error}): quote it, as in --result '{{\"id\": 1}}'"
        ) from error
    call = speaking.settle(
        Settings.load(), call_id, happened=happened, result=value, evidence=evidence, subject=who
    )
    tell(
        as_json,
        f"said; `penstock trail {call.run_id}` shows what became of it",
        run_id=call.run_id,
        call_id=call_id,
        said="settle",
    )


def cancel(run_id: RunId, reason: Reason, who: As = "olga", as_json: AsJson = False) -> None:
    """Ask a run to end early; it is cancelled when every outstanding call of it is settled.

    Example: penstock cancel 330e33a1-3861-5cf0-b4db-54ae97c97fea --reason "opened twice"
    """
    from penstock.cli import speaking

    speaking.cancel(Settings.load(), run_id, reason, who)
    tell(as_json, f"asked; `penstock trail {run_id}` shows what became of it", run_id=run_id, said="cancel")


def release(
    run_id: RunId,
    parked_input_id: ParkedInputId,
    reason: Reason = "",
    who: As = "olga",
    as_json: AsJson = False,
) -> None:
    """Have a parked input decided again, and then those parked behind it.

    Example: penstock release 330e33a1-3861-5cf0-b4db-54ae97c97fea 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --reason fixed
    """
    from penstock.cli import speaking

    speaking.release(Settings.load(), run_id, parked_input_id, reason, who)
    tell(
        as_json,
        f"asked; `penstock trail {run_id}` shows what became of it",
        run_id=run_id,
        input_id=parked_input_id,
        said="release",
    )


def discard(
    run_id: RunId, parked_input_id: ParkedInputId, reason: Reason, who: As = "olga", as_json: AsJson = False
) -> None:
    """Give a parked input up.

    Example: penstock discard 330e33a1-3861-5cf0-b4db-54ae97c97fea 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --reason spam
    """
    from penstock.cli import speaking

    speaking.discard(Settings.load(), run_id, parked_input_id, reason, who)
    tell(
        as_json,
        f"asked; `penstock trail {run_id}` shows what became of it",
        run_id=run_id,
        input_id=parked_input_id,
        said="discard",
    )
