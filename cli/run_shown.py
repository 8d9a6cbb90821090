"""How runs look on the command line: tables and lines for people, the API's own JSON for programs."""

import json
from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from penstock.cli.screen import console

Row = dict[str, Any]


def as_json(found: object) -> None:
    """For programs."""
    print(json.dumps(found, indent=2, default=str, ensure_ascii=False))


def runs(found: Sequence[Row]) -> None:
    """One line a run, newest first."""
    if not found:
        console.print("no run fits: leave filters out, or ask for another tenant with --tenant")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("run", "workflow", "status", "requester", "started", "ended", "attributes"):
        table.add_column(column, overflow="fold")
    for run in found:
        table.add_row(
            run["run_id"],
            escape(f"{run['workflow'] or '-'} v{run['workflow_version'] or '-'}"),
            run["status"],
            escape(run["requester"] or ""),
            _short(run["started_at"]),
            _short(run["ended_at"]),
            escape(" ".join(f"{name}:{_plain(value)}" for name, value in run["search_attributes"].items())),
        )
    console.print(table)


def run(found: Row) -> None:
    """All that is known of one run."""
    head = f"run {found['run_id']}  {found['workflow']} v{found['workflow_version']}  {found['status']}"
    console.print(head, markup=False)
    for name in ("requester", "started_at", "ended_at", "deadline", "last_seq", "error"):
        if found[name] is not None:
            console.print(f"  {name:<11} {_plain(found[name])}", markup=False)
    for name in ("search_attributes", "input", "result"):
        if found[name]:
            console.print(f"  {name:<11} {_plain(found[name])}", markup=False)
    for waiting in found["waits_for"]:
        about = " ".join(f"{name}={_plain(value)}" for name, value in waiting.items() if name != "kind")
        console.print(f"  waits for   {waiting['kind']} {about}", markup=False)


def _short(moment: str | None) -> str:
    return "" if moment is None else moment[:19].replace("T", " ")


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
