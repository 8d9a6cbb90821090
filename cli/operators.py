"""`penstock actions`: what operators did."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.questions import AsJson
from penstock.runtime.settings import Settings

if TYPE_CHECKING:
    from rich.table import Table

LIMIT_MAX = 10_000


def actions(
    as_json: AsJson = False,
    action: Annotated[str, typer.Option(help="Only this: thing.verb, as in key.create.")] = "",
    subject: Annotated[str, typer.Option("--by", help="Only what this person did.")] = "",
    target: Annotated[str, typer.Option(help="Only what was done to this.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="How many.")] = 100,
) -> None:
    """What operators did, newest first: who, what, why; of all tenants.

    Example: penstock actions --action key.revoke --limit 20
    """
    from rich.markup import escape

    from penstock.audit.actions import actions as read
    from penstock.cli import shown
    from penstock.cli.screen import console
    from penstock.runtime.postgres import connect

    with connect(Settings.load(), application_name="penstock.actions") as connection:
        found = read(connection, action=action, subject=subject, target=target, limit=limit)
    if as_json:
        shown.as_json(found)
        return
    table = _table("time", "who", "did", "to", "why", "detail")
    for one in found:
        table.add_row(
            datetime.fromtimestamp(one.time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            escape(f"{one.subject} ({one.tenant})"),
            escape(one.action),
            escape(one.target),
            escape(one.reason),
            escape(json.dumps(one.detail, ensure_ascii=False)[:200]),
        )
    console.print(table if found else "no operator has done anything that matches")


def _table(*columns: str) -> "Table":
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    return made
