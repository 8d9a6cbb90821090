"""`penstock schedules create|list|show|pause|resume|trigger|delete`. Each command imports what it needs when called.

They speak to the log with the operator's key of this home directory and read the views: no API needs to run.
"""

from typing import Annotated

import typer

from penstock.cli.completing import ScheduleName, words, workflows
from penstock.runtime.settings import Settings

schedules_app = typer.Typer(
    help="Start runs at their times: by a cron expression, or at an interval.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
As = Annotated[
    str, typer.Option("--as", help="The operator of api-keys.json who says it: never votes on its runs.")
]
Tenant = Annotated[str, typer.Option(help="Whose schedules.")]
Key = Annotated[
    str, typer.Option(help="Idempotency key: the same again counts once. Without it each is a new one.")
]
Wait = Annotated[float, typer.Option("--wait", min=0, help="So many seconds, at most, for what comes of it.")]
Reason = Annotated[str, typer.Option(help="Why; it stays on the log.")]


@schedules_app.command()
def create(
    name: str,
    workflow: Annotated[str, typer.Option(help="Which workflow it starts.", autocompletion=workflows)],
    input: Annotated[str, typer.Option(help="JSON, @FILE with JSON, or - for standard input.")] = "null",
    version: Annotated[int | None, typer.Option(min=1, help="Without it, the newest at each start.")] = None,
    cron: Annotated[
        str | None, typer.Option(help="Minute, hour, day of month, month, day of week: '30 6 * * MON-FRI'.")
    ] = None,
    zone: Annotated[str, typer.Option(help="IANA zone in which --cron is read, as Europe/Berlin.")] = "UTC",
    every: Annotated[str | None, typer.Option(help="Instead of --cron: 90s, 15m, 2h, 1d.")] = None,
    starts: Annotated[
        str | None, typer.Option(help="Nothing is due before; --every counts from it. RFC 3339.")
    ] = None,
    ends: Annotated[str | None, typer.Option(help="Nothing is due after. RFC 3339.")] = None,
    catch_up: Annotated[
        str, typer.Option(help="What passed while nothing ran: skip, last (one run for all), all (each one).")
    ] = "last",
    window: Annotated[str, typer.Option(help="What passed longer ago is never made up for.")] = "1d",
    at_most: Annotated[int, typer.Option("--max", help="With `all`: so many, the latest.")] = 100,
    attribute: Annotated[
        list[str] | None, typer.Option(help="What its runs are looked for by: name:value, once for each.")
    ] = None,
    priority: Annotated[int | None, typer.Option(help="-100 to 100; without it the workflow's own.")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="It begins paused.")] = False,
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Make a schedule, and say when it is due. The same again is the same one.

    On the night when clocks skip 02:30 it is due at 03:00, and once when they show it twice.

    Example: penstock schedules create nightly --workflow case-review --cron "30 2 * * *" --zone Europe/Berlin
    """
    from penstock.cli import schedule_speaking as speaking

    times = speaking.times_given(cron, zone, every, starts, ends)
    catching_up = (catch_up, window, at_most)
    plan = speaking.plan_of(workflow, input, version, priority, attribute or [], times, catching_up)
    asked = speaking.Asked(Settings.load(), tenant, name, who, key, wait, as_json)
    asked.say(
        ("create", plan, paused),
        lambda client, input_id: client.create(name, plan, paused=paused, input_id=input_id),
    )


@schedules_app.command("list")
def list_schedules(
    state: Annotated[
        str | None,
        typer.Option(
            help="active, paused, over or deleted; without it all but deleted ones.",
            autocompletion=words("active", "paused", "over", "deleted"),
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    tenant: Tenant = "local",
    as_json: AsJson = False,
) -> None:
    """Schedules by name: when they are due next, what they fired and missed.

    Example: penstock schedules list --state paused
    """
    from penstock.cli import schedule_shown

    schedule_shown.listed(Settings.load(), tenant, state, limit, as_json=as_json)


@schedules_app.command()
def show(name: ScheduleName, tenant: Tenant = "local", as_json: AsJson = False) -> None:
    """One schedule: its plan, its next five due times in its zone, its last runs.

    Example: penstock schedules show nightly --json
    """
    from penstock.cli import schedule_shown

    schedule_shown.one(Settings.load(), tenant, name, as_json=as_json)


@schedules_app.command()
def pause(
    name: ScheduleName,
    reason: Reason,
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Have it start nothing by itself, until it is resumed.

    Example: penstock schedules pause nightly --reason "the case store is being moved"
    """
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)
    asked.say(("pause", reason), lambda client, input_id: client.pause(name, reason, input_id=input_id))


@schedules_app.command()
def resume(
    name: ScheduleName,
    reason: Reason = "",
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Have a paused one go on from now: what was due meanwhile isn't made up for.

    Example: penstock schedules resume nightly
    """
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)
    asked.say(("resume", reason), lambda client, input_id: client.resume(name, reason, input_id=input_id))


@schedules_app.command()
def trigger(
    name: ScheduleName,
    reason: Reason = "",
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Have it start a run now, beside those at its times, also while it is paused. Who triggers it doesn't vote on it.

    Example: penstock schedules trigger nightly --reason "the store was down at night"
    """
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)
    asked.say(("trigger", reason), lambda client, input_id: client.trigger(name, reason, input_id=input_id))


@schedules_app.command()
def delete(
    name: ScheduleName,
    reason: Reason = "",
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """End it. What it has started goes on, and its name is free again.

    Example: penstock schedules delete nightly --reason "the desk is closed for good"
    """
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)
    asked.say(("delete", reason), lambda client, input_id: client.delete(name, reason, input_id=input_id))
