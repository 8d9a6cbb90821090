"""`penstock rebuild`: views made anew beside the live ones, compared with them row by row, and put in their place."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from penstock.cli.completing import tables
from penstock.cli.questions import As, AsJson
from penstock.runtime.settings import Settings

FIRST_DEFAULT = 20


def rebuild(
    view: Annotated[
        str, typer.Argument(help="run, tool_call, approval ..., or all.", autocompletion=tables)
    ] = "",
    reason: Annotated[str, typer.Option(help="Why; it stays on the log.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the rebuild that was begun.")] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Remove what rebuilds have left: a shadow, replaced tables.")
    ] = False,
    diff_only: Annotated[
        bool, typer.Option("--diff-only", help="Don't swap; exits with 1 if rows differ.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Swap without asking.")] = False,
    first: Annotated[int, typer.Option(min=0, max=10_000, help="How many rows of each view to show.")] = (
        FIRST_DEFAULT
    ),
    who: As = "olga",
    as_json: AsJson = False,
) -> None:
    """Fold the log anew beside the views that are shown, show which rows differ, and swap if you agree.

    Without a view it shows what rebuilds have left. Ctrl-C leaves the shadow, for --resume. `--json`: {"rebuild",
    "differences", "views", "swapped", "before"}.

    Example: penstock rebuild approval --reason "who voted was wrong in 0.1" --diff-only
    """
    from penstock.cli import rebuild_page, rebuilding

    settings = Settings.load()
    if drop and not (view or resume):
        gone = rebuilding.drop(settings, who, reason)
        print(
            json.dumps(gone)
            if as_json
            else "\n".join(f"dropped {name}" for name in gone) or "nothing to drop"
        )
        return
    if not (view or resume):
        standing = rebuilding.left(settings)
        print(json.dumps(asdict(standing), default=str) if as_json else rebuild_page.left(standing))
        return
    with rebuilding.at_work(settings, view, who, reason, resume=resume) as work:
        with rebuild_page.progress() as tell:
            work.catch_up(tell)
        found = work.compare(first)
        if not as_json:
            rebuild_page.differences(work.ident, found)
        swapped = bool(found.differences) and not diff_only
        if swapped and not yes:
            swapped = typer.confirm("Put the new tables in the place of the old ones?", err=as_json)
        before = work.swap(found) if swapped else ""
        if before and not as_json:
            rebuild_page.swapped(before)
        if drop or not found.differences:
            work.drop()
    if as_json:
        print(json.dumps(rebuilding.document(work.ident, found, swapped, before), indent=2, default=str))
    raise typer.Exit(1 if found.differences and not swapped else 0)
