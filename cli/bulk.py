"""`penstock run bulk VERB`: tell all runs that fit a filter the same; `penstock bulk list|show|stop`: follow it and
stop it.

An API process does it, from the table of operations, as if it had been asked over HTTP: so it goes on when this
command ends. Each command imports what it needs when it is called.
"""

from typing import Annotated, Literal

import typer

from penstock.cli.completing import bulks, run_statuses
from penstock.cli.questions import AsJson
from penstock.cli.run_app import run_app
from penstock.cli.told import tell
from penstock.runtime.settings import Settings

bulk_app = typer.Typer(help="Operations on many runs.", no_args_is_help=True)

Verb = Literal["cancel", "signal", "pause", "continue", "retry"]
As = Annotated[str, typer.Option("--as", help="The operator, with an API key, who asks for it.")]
Reason = Annotated[str, typer.Option(help="Why; it stays on the log.")]
Tenant = Annotated[str, typer.Option(help="Whose runs.")]
Attribute = Annotated[
    list[str] | None, typer.Option(help="name:value, as desk:disputes or urgent:true; once for each.")
]
Key = Annotated[str, typer.Option(help="The same again is the same operation; without it each is a new one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many it would be, and some of them.")]
Yes = Annotated[bool, typer.Option("--yes", help="Don't ask.")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow it, and say what was done to each run.")]
Id = Annotated[str, typer.Argument(metavar="BULK", help="The operation's id.", autocompletion=bulks)]


@run_app.command()
def bulk(
    verb: Annotated[Verb, typer.Argument(help="What they are told.")],
    reason: Reason,
    workflow: Annotated[str | None, typer.Option(help="Only this one's runs.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="Only runs of this version.")] = None,
    status: Annotated[
        str | None,
        typer.Option(
            help="Only these; else open ones, of continue the paused, of retry the failed.",
            autocompletion=run_statuses,
        ),
    ] = None,
    requester: Annotated[str | None, typer.Option(help="Only what this one started.")] = None,
    started_after: Annotated[str | None, typer.Option(help="RFC 3339, as 2026-11-28T09:00:00Z.")] = None,
    started_before: Annotated[str | None, typer.Option(help="RFC 3339.")] = None,
    attribute: Attribute = None,
    every: Annotated[bool, typer.Option("--all", help="Also without a filter.")] = False,
    signal: Annotated[str, typer.Option(help="Of signal: its name.")] = "",
    payload: Annotated[
        str, typer.Option(help="Of signal: JSON, @FILE with JSON, or - for standard input.")
    ] = "null",
    to_version: Annotated[
        int | None, typer.Option(min=1, help="Of retry: the new runs' version; each one's own, if left out.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    watch: Watch = False,
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    as_json: AsJson = False,
) -> None:
    """Tell all runs that fit the same. Runs that start later aren't meant.

    Exits with 0 if all took it, with 1 if some didn't or it was stopped, with 3 as long as it isn't over.

    Example: penstock run bulk cancel --workflow case-review --version 3 --reason "a bad deploy" --watch
    """
    from penstock.cli import bulk_asking

    words = bulk_asking.words_of(verb, reason, signal, payload, to_version)
    times = (started_after, started_before)
    chosen = bulk_asking.chosen(
        verb, workflow, version, status, requester, times, attribute or [], every=every
    )
    asked = bulk_asking.Asked(verb, words, chosen, tenant, who, key)
    code = bulk_asking.ask(Settings.load(), asked, dry_run=dry_run, yes=yes, watch=watch, as_json=as_json)
    raise typer.Exit(code)


@bulk_app.command("list")
def list_operations(
    tenant: Tenant = "local",
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """What was asked of many runs, newest first, and how far it is.

    Example: penstock bulk list --json
    """
    from penstock.cli import bulk_shown, run_reading, shown

    with run_reading.views(Settings.load()) as ask:
        found = bulk_shown.listed(ask, tenant, limit)
    shown.as_json({"operations": found}) if as_json else bulk_shown.operations(found)


@bulk_app.command("show")
def show(bulk_id: Id, watch: Watch = False, as_json: AsJson = False) -> None:
    """How far an operation is, and what was done to each run; `--json`: a line for each. Exits as `run bulk` does.

    Example: penstock bulk show 330e33a1-3861-5cf0-b4db-54ae97c97fea --watch --json
    """
    from penstock.cli import bulk_following

    raise typer.Exit(bulk_following.follow(Settings.load(), bulk_id, watch=watch, as_json=as_json))


@bulk_app.command("stop")
def stop(bulk_id: Id, reason: Reason, who: As = "olga", as_json: AsJson = False) -> None:
    """Tell no more runs. What was told stays told; up to a hundred may be on their way.

    Example: penstock bulk stop 330e33a1-3861-5cf0-b4db-54ae97c97fea --reason "the wrong ones"
    """
    from penstock.cli import bulk_following

    bulk_following.stop(Settings.load(), bulk_id, reason, who)
    tell(as_json, f"stopped; `penstock bulk show {bulk_id}` says what was done", bulk_id=bulk_id, said="stop")
