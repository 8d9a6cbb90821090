"""`penstock run start|list|show|events|result|cancel|signal`. Each command imports what it needs when it is called.

They speak to the log with the operator's key of this home directory and read the views: no API needs to run.
"""

from typing import Annotated

import typer

from penstock.cli.completing import RunId, WorkflowName, run_statuses
from penstock.cli.run_app import run_app
from penstock.runtime.settings import Settings

__all__ = ["run_app"]

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
As = Annotated[str, typer.Option("--as", help="The person of api-keys.json who says it.")]
Tenant = Annotated[str, typer.Option(help="Whose runs.")]
Key = Annotated[
    str, typer.Option(help="Idempotency key: the same again counts once. Without it each is a new one.")
]
Attribute = Annotated[
    list[str] | None, typer.Option(help="name:value, as desk:disputes or urgent:true; once for each.")
]
Wait = Annotated[
    float, typer.Option("--wait", min=0, help="So many seconds, at most, showing how it goes on.")
]


@run_app.command()
def start(
    workflow: WorkflowName,
    input: Annotated[str, typer.Option(help="JSON, @FILE with JSON, or - for standard input.")] = "null",
    version: Annotated[int | None, typer.Option(min=1, help="Without it, the newest.")] = None,
    attribute: Attribute = None,
    key: Key = "",
    who: As = "ana",
    tenant: Tenant = "local",
    wait: Wait = 0,
    as_json: AsJson = False,
) -> None:
    """Start a run. With --wait, exits with 1 if it ends otherwise than completed, with 3 if it hasn't ended in time.

    Example: penstock run start case-review --input '{"case_id": "C-2025-0117"}' --attribute desk:disputes --wait 60
    """
    from penstock.cli import run_speaking

    run_speaking.start(
        Settings.load(), workflow, input, version, attribute or [], key, who, tenant, wait, as_json=as_json
    )


@run_app.command("list")
def list_runs(
    workflow: Annotated[str | None, typer.Option(help="Its name.")] = None,
    version: Annotated[int | None, typer.Option(min=1)] = None,
    status: Annotated[
        str | None,
        typer.Option(help="As show names it, or `open`: any that hasn't ended.", autocompletion=run_statuses),
    ] = None,
    requester: Annotated[str | None, typer.Option(help="Who started it.")] = None,
    started_after: Annotated[str | None, typer.Option(help="RFC 3339, as 2026-11-28T09:00:00Z.")] = None,
    started_before: Annotated[str | None, typer.Option(help="RFC 3339.")] = None,
    ended_after: Annotated[str | None, typer.Option(help="RFC 3339.")] = None,
    ended_before: Annotated[str | None, typer.Option(help="RFC 3339.")] = None,
    attribute: Attribute = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    tenant: Tenant = "local",
    as_json: AsJson = False,
) -> None:
    """Runs that fit all of these, newest first.

    Example: penstock run list --workflow case-review --status open --attribute desk:disputes
    """
    from penstock.cli import run_asking, run_reading, run_shown

    times = (started_after, started_before, ended_after, ended_before)
    chosen = run_asking.chosen(workflow, version, status, requester, times, attribute or [])
    with run_reading.views(Settings.load()) as ask:
        found = run_reading.listed(ask, tenant, chosen, limit)
    run_shown.as_json(found) if as_json else run_shown.runs(found)


@run_app.command()
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """One run: status, input, result, and what it waits for.

    Example: penstock run show 330e33a1-3861-5cf0-b4db-54ae97c97fea --json
    """
    from penstock.cli import run_reading, run_shown

    with run_reading.views(Settings.load()) as ask:
        found = run_reading.one(ask, run_id)
    run_shown.as_json(found) if as_json else run_shown.run(found)


@run_app.command()
def events(
    run_id: RunId,
    from_seq: Annotated[int, typer.Option(min=1, help="From this event on.")] = 1,
    as_json: AsJson = False,
) -> None:
    """One run's history in order: where each event stands, what caused it, who acted.

    Example: penstock run events 330e33a1-3861-5cf0-b4db-54ae97c97fea --from-seq 12
    """
    from penstock.audit import reading
    from penstock.cli import shown
    from penstock.cli.speaking import NotFound
    from penstock.runtime.postgres import connect

    with connect(Settings.load(), application_name="penstock.cli") as connection:
        run = reading.run(connection, run_id)
        lines = reading.trail(connection, run_id, from_seq)
    if run is None:
        raise NotFound(f"the views know no run {run_id}: `penstock run list` shows those that they know")
    shown.as_json(lines) if as_json else shown.trail(run, lines)


@run_app.command()
def result(run_id: RunId, wait: Wait = 0, as_json: AsJson = False) -> None:
    """What a run came to. Exits with 1 if it ended otherwise than completed, with 3 if it hasn't ended.

    Example: penstock run result 330e33a1-3861-5cf0-b4db-54ae97c97fea --wait 60
    """
    from penstock.cli import run_reading, run_speaking

    with run_reading.views(Settings.load()) as ask:
        run_reading.one(ask, run_id)
        run_speaking.told_the_end(ask, run_id, wait, as_json=as_json)


@run_app.command()
def cancel(
    run_id: RunId,
    reason: Annotated[str, typer.Option(help="Why; it stays on the log.")],
    key: Key = "",
    who: As = "olga",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """End a run early, and say what came of it; it is cancelled when every outstanding call of it is settled.

    Example: penstock run cancel 330e33a1-3861-5cf0-b4db-54ae97c97fea --reason "opened twice"
    """
    from penstock.cli import run_speaking

    run_speaking.cancel(Settings.load(), run_id, reason, key, who, wait, as_json=as_json)


@run_app.command()
def signal(
    run_id: RunId,
    name: str,
    payload: Annotated[str, typer.Option(help="JSON, @FILE with JSON, or - for standard input.")] = "null",
    key: Key = "",
    who: As = "ana",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Tell a run what its workflow waits for, and say what came of it.

    Example: penstock run signal 330e33a1-3861-5cf0-b4db-54ae97c97fea statement --payload '{"text": "not mine"}'
    """
    from penstock.cli import run_speaking

    run_speaking.signal(Settings.load(), run_id, name, payload, key, who, wait, as_json=as_json)
