"""How workflows, their versions and who holds them look to people."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from penstock.cli.screen import console

Row = Mapping[str, Any]
_SHORT: Final = 19


def versions(found: Sequence[Row]) -> None:
    """One line a version."""
    if not found:
        console.print("the application registers no workflow, and no open run holds one")
        return
    table = _table("workflow", "version", "code", "new runs", "open runs", "oldest since", "signals")
    for one in found:
        table.add_row(
            escape(one["workflow"]),
            str(one["version"]),
            _code(one),
            "yes" if one["new_runs_begin_on_it"] else "",
            str(one["open_runs"]),
            _time(one["oldest_started_at"]),
            escape(" ".join(one["signals"] or ())),
        )
    console.print(table)


def drain_line(found: Row) -> str:
    """How far it is, in a line."""
    head = f"{found['workflow']} v{found['version']}: {found['open_runs']} open runs"
    if found["drained"]:
        return f"{head}; the views are still behind the log"
    counts = ", ".join(f"{one['runs']} {one['status']}" for one in found["statuses"])
    return f"{head}: {counts}; the oldest since {_time(found['oldest_started_at'])}"


def drain(found: Row) -> None:
    """All of the report, and what to do next."""
    if found["open_runs"]:
        console.print(drain_line(found), markup=False)
        table = _table("status", "runs", "oldest since", "the first of them")
        for one in found["statuses"]:
            shown = one["status"], str(one["runs"]), _time(one["oldest_started_at"]), " ".join(one["run_ids"])
            table.add_row(*shown)
        console.print(table)
        table = _table("waits for", "runs", "oldest since", "the first of them")
        for one in found["waits_for"]:
            shown = _wait(one), str(one["runs"]), _time(one["oldest_since"]), " ".join(one["run_ids"])
            table.add_row(*map(escape, shown))
        console.print(table)
        if not found["waits_for_is_whole"]:
            console.print("what they wait for was looked up for the oldest of them only", style="dim")
    console.print(_next(found), markup=False)


def _next(found: Row) -> str:
    name, version = found["workflow"], found["version"]
    if found["open_runs"]:
        return (
            f"`penstock workflows drain {name} --version {version} --watch` waits until none holds it; "
            f"`penstock workflows migrate {name} --from {version} --to VERSION` moves them"
        )
    if not found["views_caught_up"]:
        return (
            "no run is known to hold it, but the views are behind the log: `penstock status` says who is slow"
        )
    whose = "" if found["tenant"] is None else f" of tenant {found['tenant']}"
    if found["new_runs_begin_on_it"]:
        return f"no open run{whose} holds {name} v{version}, but new runs begin on it: register a newer version first"
    if found["tenant"] is not None:
        return f"no open run{whose} holds {name} v{version}; ask without --tenant whether its code can go"
    return f"no open run holds {name} v{version}: its code can go"


def _wait(one: Row) -> str:
    match one["kind"]:
        case "approval":
            return f"approval by {one['role']}, the first expires {_time(one['first_expires_at'])}"
        case "call":
            return f"call of {one['tool']}, {one['status']}"
        case "timer":
            return f"timer, the first due {_time(one['first_due_at'])}, the last {_time(one['last_due_at'])}"
        case "continue":
            return f"being continued: paused by {one['paused_by']}"
        case "signal":
            names = one["signals"]
            return "a signal" if names is None else f"a signal: {' or '.join(names) or 'it declares none'}"
        case "code":
            return f"other code: {one['error']}: {one['says']}"
        case _:
            return f"a parked input: {one['error']}: {one['says']}"


def _code(one: Row) -> str:
    if one["registered"] is None:
        return "not here"
    return str(one["code_hash"])[:12] if one["registered"] else "not registered"


def _time(moment: str | None) -> str:
    return "" if moment is None else moment[:_SHORT].replace("T", " ")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
