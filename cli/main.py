"""`penstock …`: the operator's door. Each command imports what it needs when it is called."""

import os
import sys
from typing import Annotated

import typer

from penstock.cli.commands import COMMANDS, LOOK, PANELS, START
from penstock.cli.completing import words
from penstock.cli.later import group_of

ROLES = ("runs", "tools", "timers", "schedules", "webhooks", "all", "views")
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
As = Annotated[str, typer.Option("--as", help="The operator of the deployment who says it.")]
Reason = Annotated[str, typer.Option(help="Why; it stays on the log.")]

app = typer.Typer(
    name="penstock",
    cls=group_of(COMMANDS, PANELS),
    help="Runs AI applications on an immutable log.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.command(rich_help_panel=START)
def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Come back when all is up.")] = False,
    apart: Annotated[
        bool, typer.Option(help="A process for each role, instead of one worker for all but views.")
    ] = False,
) -> None:
    """Start broker, database, worker, views and API, and keep them running until Ctrl-C.

    Example: penstock up --detach
    """
    from penstock.cli import standing
    from penstock.cli.preparing import prepare
    from penstock.runtime.settings import Settings

    if apart:
        os.environ["PENSTOCK_APART"] = "true"  # also for the process that supervises, if it is another
    settings = Settings()
    with standing.alone(settings):
        prepared = prepare(settings)
        if not detach:
            standing.supervise(settings, prepared)
    if detach:
        standing.detach(settings)


@app.command(hidden=True)
def supervise() -> None:
    """Keep running what `up --detach` has prepared."""
    from penstock.cli import standing
    from penstock.cli.local import state
    from penstock.runtime.errors import SetupError
    from penstock.runtime.settings import Settings

    settings = Settings()
    prepared = state.read(settings)
    if prepared is None:
        raise SetupError("nothing is prepared: type `penstock up --detach`")
    with standing.alone(settings):
        standing.supervise(settings, prepared)


@app.command(rich_help_panel=START)
def down() -> None:
    """Stop what `up` started; the data stays.

    Example: penstock down
    """
    from penstock.cli import standing
    from penstock.runtime.settings import Settings

    standing.down(Settings())


@app.command(rich_help_panel=START)
def worker(
    role: Annotated[
        str,
        typer.Argument(
            help="runs, tools, timers, schedules, webhooks, all (of these), or views",
            autocompletion=words(*ROLES),
        ),
    ],
    name: Annotated[
        str,
        typer.Option(help="Static membership: started again under its name, it has its partitions at once."),
    ] = "",
) -> None:
    """Run one worker in the foreground.

    Example: penstock worker all --name worker-1
    """
    if role not in ROLES:
        from penstock.runtime.errors import SetupError

        raise SetupError(f"there is no worker {role!r}: type one of {', '.join(ROLES)}")
    from penstock.runtime.stacks import tell_on_signal

    tell_on_signal()
    if name:
        os.environ["PENSTOCK_WORKER_NAME"] = name
    if role == "views":
        from penstock.audit.projector import main as project

        raise typer.Exit(project() or 0)
    from penstock.streams.worker import main as work

    raise typer.Exit(work(role) or 0)


@app.command(rich_help_panel=START)
def api() -> None:
    """Run the API in the foreground.

    Example: penstock api
    """
    from penstock.runtime.stacks import tell_on_signal

    tell_on_signal()
    from penstock.api.app import main as serve

    raise typer.Exit(serve() or 0)


@app.command(rich_help_panel=LOOK)
def doctor(as_json: AsJson = False) -> None:
    """Look for what is wrong with settings, keys, broker, topics and database, and say what to type.

    Changes nothing. Exits with 1 if something is wrong. `--json`: {"findings": [{"check", "problem", "mend"}]}.

    Example: penstock doctor --json
    """
    from penstock.cli.doctor_page import show

    raise typer.Exit(show(as_json))


@app.command(rich_help_panel=LOOK)
def openapi(
    page: Annotated[bool, typer.Option("--page", help="As a page of Markdown.")] = False,
) -> None:
    """Print the API's OpenAPI 3.1 document, for whoever makes a client of it. Needs no server.

    Example: penstock openapi > openapi.json
    """
    from penstock.cli.openapi import text

    sys.stdout.write(text(page))


@app.command(rich_help_panel=START)
def prepare() -> None:
    """Make topics, tables and keys on servers that the environment names, check everything, and end.

    Example: penstock prepare
    """
    from penstock.cli.preparing import furnish
    from penstock.cli.standing import alone
    from penstock.runtime.settings import Settings

    settings = Settings.load()
    with alone(settings):
        furnish(settings)


@app.command(rich_help_panel=START)
def migrate(as_json: AsJson = False) -> None:
    """Bring the database to this version.

    Example: penstock migrate --json
    """
    from penstock.cli.told import tell
    from penstock.runtime.postgres import migrate as apply
    from penstock.runtime.settings import Settings

    applied = apply(Settings.load())
    tell(as_json, "\n".join(applied) or "nothing to apply", applied=list(applied))


@app.command("reset-derived", rich_help_panel=LOOK)
def reset_derived(
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    who: As = "olga",
    as_json: AsJson = False,
) -> None:
    """Drop what was derived from another log (journal, claims, views), after a broker was wiped for good.

    Example: penstock reset-derived --reason "the broker was lost, its volume too"
    """
    from penstock.cli.deeds import insist_on_reason
    from penstock.cli.mending import reset_derived as empty
    from penstock.cli.told import tell
    from penstock.runtime.settings import Settings

    insist_on_reason(reason)
    if not yes:
        question = "Runs that stand only in this database are lost with it. Empty it?"
        typer.confirm(question, abort=True, err=as_json)
    empty(Settings.partial(), who, reason)
    tell(as_json, "emptied; type `penstock down`, if it is up, and `penstock up`", emptied=True)


@app.command("rebuild-views", rich_help_panel=LOOK)
def rebuild_views(reason: Reason = "", who: As = "olga", as_json: AsJson = False) -> None:
    """Empty the views; their worker fills them again from the log. Meanwhile they show less: see `rebuild`.

    Example: penstock rebuild-views --reason "an old backup was put back"
    """
    from penstock.cli.mending import rebuild_views as empty
    from penstock.cli.told import tell
    from penstock.runtime.settings import Settings

    known = empty(Settings.partial(), who, reason)
    tell(as_json, f"emptied, {known} runs were known; the views worker fills them again", runs_known=known)


def main() -> None:
    """The program's entry. An expected failure is one message and an exit code, never a traceback."""
    from penstock.cli.ending import run_and_exit

    run_and_exit(app)


if __name__ == "__main__":
    main()
