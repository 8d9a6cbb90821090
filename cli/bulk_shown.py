"""How operations on many runs look: tables and lines for people, a line of JSON a run for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from penstock.api.bulk_asking import document
from penstock.cli.run_reading import Ask
from penstock.cli.screen import console, stderr

Row = Mapping[str, Any]
_NEWEST: Final = """
SELECT *, lease_until > now() AS driven FROM penstock.bulk WHERE tenant = %(tenant)s
ORDER BY asked_at_ms DESC, bulk_id LIMIT %(limit)s"""


def listed(ask: Ask, tenant: str, limit: int) -> list[dict[str, Any]]:
    """The newest operations of a tenant."""
    return [document(row) for row in ask(_NEWEST, {"tenant": tenant, "limit": limit})]


def operations(found: Sequence[Row]) -> None:
    """A line an operation."""
    if not found:
        console.print("nothing was asked of many runs yet")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("operation", "tells to", "status", "runs told", "asked by", "at", "why"):
        table.add_column(column, overflow="fold")
    for one in found:
        at = one["asked_at"][:19].replace("T", " ")
        row = (one["bulk_id"], one["kind"], one["status"], str(one["runs_told"]), one["asked_by"], at)
        table.add_row(*map(escape, (*row, one["reason"])))
    console.print(table)


def json_line(run: Row, outcome: str) -> None:
    """What was done to a run, for programs."""
    print(json.dumps({**run, "outcome": outcome}, ensure_ascii=False), flush=True)


class Lines:
    """What was done to each run, where that is worth a line: it wasn't simply taken. A difference is shown once."""

    def __init__(self) -> None:
        self._shown: set[str] = set()

    def say(self, run: Row, outcome: str) -> None:
        """Of one run."""
        if outcome in ("applied", "accepted"):
            return
        first, *rest = ((run["came_of"] or {}).get("detail") or "").splitlines() or [""]
        console.print(f"{run['n']:>6}  {run['run_id']}  {outcome}  {first}".rstrip(), markup=False)
        if rest and "\n".join(rest) not in self._shown:
            self._shown.add("\n".join(rest))
            console.print("\n".join(f"        {each}" for each in rest), markup=False, style="dim")


def progress(operation: Row, known: int, outcomes: Mapping[str, int], *, nobody_drives: bool) -> None:
    """How far it is, on the side."""
    words = f"  {operation['status']}: {operation['runs_told']} told, {known} known{_counted(outcomes)}"
    stderr.print(words, style="dim", markup=False)
    if nobody_drives:
        stderr.print(
            "  no API process does it: start `penstock api`, and it goes on", style="dim", markup=False
        )


def ended(operation: Row, states: Row, outcomes: Mapping[str, int], *, as_json: bool) -> None:
    """Where it stands, when nothing more is shown."""
    if as_json:
        print(json.dumps({**operation, "runs": states, "outcomes": outcomes}, ensure_ascii=False), flush=True)
        return
    by = f" by {operation['stopped_by']}" if operation["stopped_by"] else ""
    told = "asked whether they could" if operation.get("trial") else "told to"
    words = f"{operation['status']}{by}: {operation['runs_told']} runs {told} {operation['kind']}"
    console.print(f"{words}{_counted(outcomes)}", markup=False)


def _counted(outcomes: Mapping[str, int]) -> str:
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()) if count)
    return f" ({counts})" if counts else ""
