"""Has an operation on many runs done: says what it would do, asks whether it is meant, and puts it into the table of
operations, of which any API process takes it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import typer

from penstock.api.bulk_asking import SAMPLE_RUNS, operation, same
from penstock.api.bulk_rows import ADD, ONE, bulk_of, values_of
from penstock.api.bulk_shapes import BULK, Chosen, Kind, meant, spoken
from penstock.api.callers import Caller
from penstock.api.run_filters import Place, RunFilter
from penstock.api.run_lists import query
from penstock.api.run_views import summary
from penstock.cli import bulk_following, run_shown
from penstock.cli.outcomes import NOT_YET
from penstock.cli.run_asking import right, value_of
from penstock.cli.run_reading import Ask, views
from penstock.cli.screen import stderr
from penstock.cli.speaking import actor_of
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

PAGE_RUNS: Final = 1_000
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, of which runs of whom, by whom."""

    kind: Kind
    words: dict[str, Any]
    chosen: RunFilter
    tenant: str
    who: str
    key: str


def words_of(kind: Kind, reason: str, signal: str, payload: str, to_version: int | None) -> dict[str, Any]:
    """What each run is told. Raises SetupError for what doesn't belong to it."""
    if (kind == "signal") != bool(signal):
        raise SetupError("`--signal NAME` says which signal it is, for `penstock run bulk signal` alone")
    if kind != "retry" and to_version is not None:
        raise SetupError(
            "--to-version is for `penstock run bulk retry`; `penstock workflows migrate` moves runs"
        )
    own: dict[Kind, dict[str, Any]] = {
        "signal": {"name": signal, "payload": value_of("--payload", payload)},
        "retry": {"version": to_version},
    }
    return right(lambda: spoken({"reason": reason, **own.get(kind, {})}))


def words_to_migrate(reason: str, to_version: int, *, trial: bool) -> dict[str, Any]:
    """What each run is told that is to go on under another version, or only to say whether it could."""
    return right(lambda: spoken({"reason": reason, "to_version": to_version, "trial": trial}))


def chosen(
    kind: Kind,
    workflow: str | None,
    version: int | None,
    status: str | None,
    requester: str | None,
    times: Sequence[str | None],
    attributes: Sequence[str],
    *,
    every: bool,
) -> RunFilter:
    """The filter that options mean; `times` are started after and before. Raises SetupError."""
    if not (every or any((workflow, version, status, requester, *times, *attributes))):
        raise SetupError(
            f"nothing says which runs to {kind}: give a filter, or --all if all of them are meant"
        )
    try:
        after, before = (None if time is None else datetime.fromisoformat(time) for time in times)
        given = Chosen(
            workflow=workflow,
            version=version,
            status=status,  # type: ignore[arg-type]  # it says what there is
            requester=requester,
            started_after=after,
            started_before=before,
            attributes=list(attributes),
            all=every,
        )
    except ValueError as error:
        raise SetupError(f"this isn't a filter: {' '.join(str(error).split())}") from error
    return right(lambda: meant(kind, given))


def ask(settings: Settings, asked: Asked, *, dry_run: bool, yes: bool, watch: bool, as_json: bool) -> int:
    """Have it done, once it is meant; the exit code. Raises SetupError."""
    actor = actor_of(settings, asked.tenant, asked.who)
    caller = Caller(asked.tenant, actor.subject, actor.roles)
    right(lambda: caller.needs(BULK, f"{asked.kind} many runs"))
    made = operation(caller, asked.kind, asked.words, asked.chosen, asked.key or str(uuid.uuid4()))
    with views(settings) as view:
        if dry_run or not yes:
            count, sample = would(view, asked.tenant, made.chosen)
            if dry_run:
                _show_dry(asked, count, sample, as_json)
                return 0
            _confirm(asked, count, sample)
        view(ADD, values_of(made))
        (row,) = view(ONE, {"bulk_id": made.bulk_id, "tenant": asked.tenant})
        if not same(made, bulk_of(row)):
            raise SetupError(
                f"the key {asked.key!r} came with another operation, {made.bulk_id}: use a new one"
            )
    if watch:
        return bulk_following.follow(settings, made.bulk_id, watch=True, as_json=as_json, who=asked.who)
    if as_json:
        run_shown.as_json({"bulk_id": made.bulk_id, "status": "waiting"})
    else:
        typer.echo(f"bulk {made.bulk_id} asked for; `penstock bulk show {made.bulk_id} --watch` follows it")
    return NOT_YET


def would(view: Ask, tenant: str, chosen: RunFilter) -> tuple[int, list[Row]]:
    """How many runs it would tell, and the newest of them."""
    count, place, sample = 0, None, list[Row]()
    while True:
        asked = query(tenant, chosen, place, PAGE_RUNS)
        rows = view(asked.select, asked.values)
        found = [row for row in rows if row["run_id"] is not None]
        sample += [summary(row) for row in found[: SAMPLE_RUNS - len(sample)]]
        count += len(found)
        if len(found) == PAGE_RUNS:
            place = Place(found[-1]["created_at_ms"], found[-1]["run_id"])
        elif rows[0]["looked_id"] is not None:
            place = Place(rows[0]["looked_at_ms"], rows[0]["looked_id"])
        else:
            return count, sample


def _show_dry(asked: Asked, count: int, sample: list[Row], as_json: bool) -> None:
    if as_json:
        run_shown.as_json({"dry_run": True, "would": asked.kind, "count": count, "sample": sample})
        return
    run_shown.runs(sample)
    typer.echo(f"nothing was done: without --dry-run {count} runs would be told to {asked.kind}")


def _confirm(asked: Asked, count: int, sample: list[Row]) -> None:
    if not bulk_following.is_terminal():
        raise SetupError(
            f"{count} runs would be told to {asked.kind}: type --yes if they are meant, or --dry-run"
        )
    run_shown.runs(sample)
    stderr.print(f"Tell {count} runs to {asked.kind}?", markup=False)
    typer.confirm("Is that meant?", abort=True, err=True)
