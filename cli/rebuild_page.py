"""How a rebuild looks: its progress on stderr, which rows differ, what rebuilds have left."""

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.table import Table

from penstock.audit.leftovers import Leftovers
from penstock.audit.row_diff import RowDifference, TableDiff
from penstock.audit.shadowing import Tell
from penstock.cli.rebuilding import Found
from penstock.cli.screen import console, stderr

# The speed is that of the last so many seconds.
SPEED_S: Final = 15.0
EVERY_S: Final = 10.0
VALUE_CHARACTERS_MAX: Final = 300
_HEADS: Final = {
    "only_in_views": "only in the views",
    "only_in_log": "only by the log",
    "differs": "differs",
}


class Pace:
    """How fast records are done, in words."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def words(self, done: int, of: int) -> str:
        """`1,000 of 2,000 records, 500 a second, 2 s left`."""
        now = self._clock()
        self._seen.append((now, done))
        while now - self._seen[0][0] > SPEED_S and len(self._seen) > 2:
            self._seen.popleft()
        since, then = self._seen[0]
        seconds = now - since
        speed = (done - then) / seconds if seconds > 0 else 0.0
        told = f"{done:,} of {of:,} records"
        return told if speed <= 0 else f"{told}, {speed:,.0f} a second, {_span((of - done) / speed)} left"


@contextmanager
def progress() -> Iterator[Tell]:
    """Shows how far the fold is: one line that changes on a terminal, a line now and then elsewhere."""
    pace = Pace()
    if stderr.is_terminal:
        with stderr.status("folding the log ...") as status:
            yield lambda done, of: status.update(f"folding the log: {pace.words(done, of)}")
        return
    last = -EVERY_S

    def tell(done: int, of: int) -> None:
        nonlocal last
        words = pace.words(done, of)
        if time.monotonic() - last >= EVERY_S or done == of:
            last = time.monotonic()
            stderr.print(f"folding the log: {words}", markup=False)

    yield tell


def differences(ident: str, found: Found) -> None:
    """A line a view, then the first rows of each."""
    table = Table(
        "view", "rows", "only in the views", "only by the log", "differ", "columns", box=None, pad_edge=False
    )
    for diff in found.diffs:
        columns = ", ".join(f"{name} {count:,}" for name, count in diff.columns.items())
        counts = (diff.rows, diff.only_in_views, diff.only_in_log, diff.differ)
        table.add_row(diff.view, *(f"{count:,}" for count in counts), columns or "-")
    console.print(table)
    for diff in found.diffs:
        _rows(diff)
    if found.differences:
        console.print(
            f"rebuild {ident}: {found.differences:,} rows of the views aren't as the log says", markup=False
        )
    else:
        console.print(
            f"rebuild {ident}: the views say what the log says; there is nothing to swap", markup=False
        )


def swapped(before: str) -> None:
    """What was done, and how to be rid of the rest."""
    console.print(
        f"swapped; what stood there is in the schema {before} until `penstock rebuild --drop`", markup=False
    )


def left(standing: Leftovers) -> str:
    """What there is, and what to type."""
    lines = []
    if (begun := standing.begun) is not None:
        state = (
            "at work"
            if begun.at_work
            else "abandoned: `penstock rebuild --resume` goes on, `--drop` removes it"
        )
        lines.append(
            f"rebuild {begun.rebuild} of {begun.view}, begun {begun.begun_at:%Y-%m-%d %H:%M} by {begun.subject}"
            f" ({begun.reason}): {begun.records_done:,} of {begun.records:,} records, {_megabytes(begun.size_bytes)};"
            f" {state}"
        )
    lines += [
        f"{name}: replaced tables, {_megabytes(size)}; `penstock rebuild --drop` removes them"
        for name, size in standing.before.items()
    ]
    return "\n".join(lines) or "rebuilds have left nothing; `penstock rebuild all` begins one"


def _rows(diff: TableDiff) -> None:
    for row in diff.first:
        key = " ".join(str(value) for value in row.key.values())
        console.print(f"{diff.view} {key}: {_HEADS[row.kind]}", markup=False)
        for line in _values(row):
            console.print(f"    {line}", style="dim", markup=False)
    if diff.differences > len(diff.first):
        console.print(
            f"{diff.view}: {diff.differences - len(diff.first):,} more (`--first N` shows more)", markup=False
        )


def _values(row: RowDifference) -> Iterator[str]:
    if row.in_views is not None and row.in_log is not None:
        for name in row.columns:
            yield f"{name}: the views say {_short(row.in_views[name])}, the log {_short(row.in_log[name])}"
    else:
        yield _short(row.in_views if row.in_views is not None else row.in_log)


def _short(value: Any) -> str:
    words = json.dumps(value, ensure_ascii=False)
    return words if len(words) <= VALUE_CHARACTERS_MAX else f"{words[:VALUE_CHARACTERS_MAX]} ..."


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
