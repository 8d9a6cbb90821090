"""How the status looks to people: one page, coloured where a terminal shows it, and nothing hidden where none does."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from penstock.cli.status import ENDED, Status, Waiting

GOOD: Final = "green"
BAD: Final = "bold red"
CARE: Final = "yellow"
QUIET: Final = "dim"

# A record that waits so long, in seconds, is worth a look, or a person.
_CARE_S: Final = 5.0
_BAD_S: Final = 60.0
_AGES: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"))
# What belongs to the person who looks, and what it takes.
_BAD_RUNS: Final = ("in_doubt", "stalled", "parked", "failed")


def page(status: Status, at: float | None = None) -> RenderableType:
    """The whole page; `at` is when it was asked, in seconds since the epoch."""
    parts: list[RenderableType] = [_title(status, time.time() if at is None else at), _servers(status)]
    if not status.database_problem:
        parts += [Rule(style=QUIET), _groups(status), Rule(style=QUIET), _counts(status)]
    hints = list(_hints(status))
    if hints:
        parts += [Rule(style=QUIET), *(Text(hint, style=QUIET) for hint in hints)]
    return Group(*parts)


def age(seconds: float) -> str:
    """As people say it: 0.4 s, 12 s, 3 min, 2.5 h, 4 d."""
    for unit_s, unit in _AGES:
        if seconds >= unit_s:
            return f"{seconds / unit_s:.3g} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _title(status: Status, at: float) -> Text:
    what = ("all well", GOOD) if status.well else ("something is down", BAD)
    clock = time.strftime("%H:%M:%S", time.localtime(at))
    return Text.assemble(("penstock", "bold"), f"  {clock}  ", what, (f"  {status.api_url}", QUIET))


def _servers(status: Status) -> Table:
    table = _grid()
    words = Text()
    for name, pid in status.processes.items():
        words.append("● " if pid else "○ ", GOOD if pid else BAD)
        words.append(f"{name} ")
        port = status.metrics_ports.get(name)
        shown = f", metrics on port {port}  " if port else "  "
        words.append(f"{pid}{shown}" if pid else "doesn't run  ", QUIET if pid else BAD)
    if not status.processes:
        words.append("none were started from this folder", QUIET)
    table.add_row("processes", words)
    broker = status.broker_problem or f"answers at {status.broker}"
    table.add_row("broker", Text(broker, BAD if status.broker_problem else ""))
    table.add_row(
        "database", Text(status.database_problem or "answers", BAD if status.database_problem else "")
    )
    return table


def _groups(status: Status) -> RenderableType:
    if not status.groups:
        return Text("queues aren't known while the broker is away", BAD)
    table = Table(box=None, pad_edge=False, header_style=QUIET)
    for name in ("queue", "read by"):
        table.add_column(name)
    for name in ("depth", "oldest", "in/s", "out/s"):
        table.add_column(name, justify="right", min_width=9)
    for line in status.groups:
        table.add_row(
            line.topic.removeprefix("penstock."),
            line.group.removeprefix("penstock.").rpartition(".")[2],
            f"{line.depth:,}",
            Text(age(line.oldest_age_s) if line.depth else "-", _urgency(line.oldest_age_s)),
            _rate(line.in_per_s),
            _rate(line.out_per_s),
        )
    return table


def _counts(status: Status) -> Table:
    table = _grid()
    table.add_row("runs", _list(status.runs, bad=_BAD_RUNS, order=ENDED))
    if status.runs_open.count:
        table.add_row("", Text(f"{status.runs_open.count:,} open, {_oldest(status.runs_open)}", QUIET))
    waits = status.approvals
    said = f"{waits.count:,} wait for a person, {_oldest(waits)}" if waits.count else "none wait"
    table.add_row("approvals", Text(said, CARE if waits.count else ""))
    calls = Text(f"{status.calls_open.count:,} open")
    if status.calls_open.count:
        calls.append(f", {_oldest(status.calls_open)}", QUIET)
    doubt = status.calls_in_doubt
    calls.append("  ")
    calls.append(
        f"{doubt.count:,} in doubt" + (f", {_oldest(doubt)}" if doubt.count else ""), _if(doubt.count, BAD)
    )
    calls.append(f"  {status.call_retries:,} retries so far")
    table.add_row("calls", calls)
    table.add_row("parked", Text(f"{status.inputs_parked:,} inputs", _if(status.inputs_parked, BAD)))
    table.add_row("dead letters", _list(status.dead_letters, bad=status.dead_letters, order=()))
    table.add_row("leases", _leases(status))
    return table


def _leases(status: Status) -> Text:
    words = Text()
    for lease in status.leases:
        held = lease.left_s > 0
        words.append("● " if held else "○ ", GOOD if held else CARE)
        words.append(f"{lease.worker} ")
        words.append(f"{age(lease.left_s)} left  " if held else f"ran out {age(-lease.left_s)} ago  ", QUIET)
    return words or Text("none held", QUIET)


def _hints(status: Status) -> Iterator[str]:
    if None in status.processes.values():
        yield "a process doesn't run: its log in .penstock/logs says why"
    if status.approvals.count:
        yield "penstock approvals list"
    if status.calls_in_doubt.count:
        yield "penstock settle CALL --happened | --did-not-happen  --evidence WHAT-YOU-SAW"
        for call in status.in_doubt[:5]:
            yield f"  {call.call_id}  {call.tool} v{call.tool_version}, attempt {call.attempt}, run {call.run_id}"
    if status.inputs_parked:
        yield "mend the code, then penstock release RUN INPUT, or penstock discard RUN INPUT"


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style=QUIET, min_width=12)
    table.add_column(overflow="fold")
    return table


def _list(counts: Mapping[str, int], bad: Iterable[str], order: tuple[str, ...]) -> Text:
    """The open ones first, then those that ended, in the order given."""
    words, alarming = Text(), frozenset(bad)
    for name in sorted(counts, key=lambda one: (order.index(one) if one in order else -1, one)):
        words.append(f"{counts[name]:,} ", _if(name in alarming, BAD))
        words.append(f"{name}  ", _if(name in alarming, BAD))
    return words or Text("none")


def _oldest(waiting: Waiting) -> str:
    return f"the oldest for {age(waiting.oldest_age_s)}"


def _rate(per_s: float | None) -> str:
    return "" if per_s is None else f"{per_s:,.0f}" if per_s >= 10 or not per_s else f"{per_s:.1f}"


def _urgency(oldest_age_s: float) -> str:
    return BAD if oldest_age_s >= _BAD_S else CARE if oldest_age_s >= _CARE_S else ""


def _if(wrong: object, style: str) -> str:
    return style if wrong else ""
