"""Schedules as the command line shows them, read by the API's own queries: tables for people, JSON for programs."""

import json
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from penstock.api.schedule_views import ONE, PAGE, PARKED, document, parked_line, summary
from penstock.cli.run_reading import Ask, views
from penstock.cli.screen import console
from penstock.cli.speaking import NotFound
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings
from penstock.schemas.ids import schedule_id

Row = dict[str, Any]
STATES: Final = ("active", "paused", "over", "deleted")


def listed(settings: Settings, tenant: str, state: str | None, limit: int, *, as_json: bool) -> None:
    """Some of a tenant's schedules, by name."""
    if state is not None and state not in STATES:
        raise SetupError(f"there is no state {state!r}: type one of {', '.join(STATES)}")
    with views(settings) as ask:
        rows = ask(PAGE, {"tenant": tenant, "state": state, "after": "", "limit": limit})
    found = [summary(row) for row in rows]
    if as_json:
        program(found)
        return
    if not found:
        console.print("no schedule fits: `penstock schedules create --help` says how to make one")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "state", "workflow", "times", "due next", "fired", "missed", "last run"):
        table.add_column(column, overflow="fold")
    for each in found:
        table.add_row(
            each["name"],
            each["state"],
            escape(f"{each['workflow']} v{each['version'] or 'newest'}"),
            escape(_times(each)),
            _short(each["next_due_at"]),
            str(each["fired"]),
            str(each["missed"]),
            next(iter(each["last_run_ids"]), ""),
        )
    console.print(table)


def one(settings: Settings, tenant: str, name: str, *, as_json: bool) -> None:
    """All that is known of one."""
    with views(settings) as ask:
        found = known(ask, tenant, name, deleted=True)
        found["parked"] = parked(ask, tenant, name)
    program(found) if as_json else shown(found)


def known(ask: Ask, tenant: str, name: str, *, deleted: bool = False) -> Row:
    """The schedule's document. Raises NotFound, also for one that was deleted unless that is wanted."""
    rows = ask(ONE, {"schedule_id": schedule_id(tenant, name), "tenant": tenant})
    if not rows or (rows[0]["state"] == "deleted" and not deleted):
        raise NotFound(
            f"the views know no schedule {name}: `penstock schedules list` shows those that they know"
        )
    return document(rows[0])


def parked(ask: Ask, tenant: str, name: str) -> list[Row]:
    """The inputs that its decider failed on, the oldest first, and that nobody has released or given up."""
    return [
        parked_line(row) for row in ask(PARKED, {"schedule_id": schedule_id(tenant, name), "tenant": tenant})
    ]


def shown(found: Row) -> None:
    """One schedule, for people."""
    version = found["version"] or "newest"
    console.print(
        f"schedule {found['name']}  {found['state']}  {found['workflow']} v{version}  {_times(found)}",
        markup=False,
    )
    for name in ("input", "search_attributes", "catch_up", "starts_at", "ends_at", "pause_reason"):
        if found[name]:
            console.print(f"  {name:<13} {_plain(found[name])}", markup=False)
    for name in (
        "last_due_at",
        "fired",
        "missed",
        "last_missed_at",
        "created_by",
        "changed_by",
        "deleted_by",
    ):
        if found[name]:
            console.print(f"  {name:<13} {_plain(found[name])}", markup=False)
    for each in found.get("parked", ()):
        console.print(
            f"  parked        {each['input_id']}  {each['type']}  {each['error']['message']}", markup=False
        )
    if found.get("parked"):
        console.print(
            f"  it decides nothing until the first is released or given up: `penstock schedules release {found['name']}"
            " <input>`, or `discard`",
            markup=False,
        )
    for due in found["next_due"]:
        console.print(f"  due           {due}", markup=False)
    for run_id in found["last_run_ids"]:
        console.print(f"  run           {run_id}", markup=False)


def program(found: object) -> None:
    """For programs."""
    print(json.dumps(found, indent=2, default=str, ensure_ascii=False))


def _times(found: Row) -> str:
    return (
        f"every {found['every_s']:g} s"
        if found["cron"] is None
        else f"{found['cron']} ({found['time_zone']})"
    )


def _short(moment: str | None) -> str:
    return "" if moment is None else moment[:19].replace("T", " ")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
