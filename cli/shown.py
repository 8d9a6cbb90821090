"""How trails, approvals and the status look: tables for people, JSON for programs."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.markup import escape
from rich.table import Table

from penstock.audit.following import TailLine
from penstock.audit.reading import CallInDoubt, RunLine, TrailLine, WaitingApproval
from penstock.cli.screen import console
from penstock.schemas.headers import TIME_MS_MAX


def as_json(found: object) -> None:
    """Print a dataclass, or a list of them, as JSON."""
    shown = [dataclasses.asdict(one) for one in found] if isinstance(found, list) else found
    if dataclasses.is_dataclass(shown) and not isinstance(shown, type):
        shown = dataclasses.asdict(shown)
    print(json.dumps(shown, indent=2, default=str))


def trail(run: RunLine, lines: Sequence[TrailLine]) -> None:
    """Every event of a run in order."""
    error = f"  {run.error.get('kind')}: {run.error.get('message')}" if run.error else ""
    console.print(
        f"run {run.run_id}  {run.workflow} v{run.workflow_version}  {run.status}{error}", markup=False
    )
    table = _table("seq", "time", "event", "about", "stands at", "cause", "actor")
    for line in lines:
        cause = f"{_short(line.cause_topic)}[{line.cause_partition}]@{line.cause_offset}"
        part = f" {line.cause_index + 1}/{line.cause_count}" if line.cause_count > 1 else ""
        table.add_row(
            str(line.seq),
            _time(line.time_ms),
            line.type.rpartition(".")[2],
            _text(_about(line)),
            _text(f"{_short(line.topic)}[{line.partition}]@{line.offset}"),
            _text(cause + part),
            _text(f"{line.actor.get('kind')} {_short(str(line.actor.get('subject')))}"),
        )
    console.print(table)


def tail(line: TailLine) -> None:
    """One event as it comes: when, of which run, what."""
    event = line.line
    who = f"{event.actor.get('kind')} {_short(str(event.actor.get('subject')))}"
    words = f"{_time(event.time_ms)} {line.run_id} {event.seq:>4} {event.type} {_about(event)}"
    console.print(f"{words.rstrip()}  {who}", markup=False, highlight=False, soft_wrap=True)


def approvals(waiting: Sequence[WaitingApproval]) -> None:
    """The questions that wait for a person."""
    if not waiting:
        console.print("nothing waits for an approval")
        return
    table = _table("approval", "asks for", "arguments", "role", "not by", "expires")
    for one in waiting:
        table.add_row(
            one.approval_id,
            f"{one.tool} v{one.tool_version}",
            _text(json.dumps(one.arguments, ensure_ascii=False)),
            _text(_deciders(one)),
            _text(one.requester or ""),
            _calendar(one.expires_at_ms).strftime("%Y-%m-%d %H:%M"),
        )
    console.print(table)
    console.print("penstock approvals grant APPROVAL --as PERSON", style="dim")


def in_doubt(calls: Sequence[CallInDoubt]) -> None:
    """The calls of which nobody knows whether they happened."""
    table = _table("call in doubt", "run", "tool", "attempt", "arguments")
    for one in calls:
        table.add_row(
            one.call_id,
            one.run_id,
            f"{one.tool} v{one.tool_version}",
            str(one.attempt),
            _text(json.dumps(one.arguments, ensure_ascii=False)),
        )
    console.print(table)
    console.print("penstock settle CALL --happened | --did-not-happen  --evidence WHAT-YOU-SAW", style="dim")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _about(line: TrailLine) -> str:
    """The few words of an event that tell it from others of its kind."""
    words = (line.event.get(name) for name in ("tool", "workflow", "reason", "decision", "kind"))
    return " ".join(str(word) for word in words if word)[:60]


def _deciders(one: WaitingApproval) -> str:
    """Who may decide it: `supervisor x2 or pat`."""
    delegate = f" or {one.delegate}" if one.delegate else ""
    return one.role + (f" x{one.quorum}" if one.quorum > 1 else "") + delegate


def _text(words: str) -> str:
    return escape(words)


def _short(topic: str) -> str:
    return topic.removeprefix("penstock.")


def _time(at_ms: int) -> str:
    return _calendar(at_ms).strftime("%H:%M:%S.%f")[:-3]


def _calendar(at_ms: int) -> datetime:
    """The moment, or the nearest that a calendar has: an event's time may be a stranger's."""
    return datetime.fromtimestamp(min(max(at_ms, 0), TIME_MS_MAX) / 1000, UTC)
