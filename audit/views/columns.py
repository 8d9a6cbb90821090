"""What stands in a row of a view, and which columns each view has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

# A column of type json holds JSON text; an array of text is a tuple.
Column: TypeAlias = str | int | tuple[str, ...] | None
Row: TypeAlias = dict[str, Column]
RowSoFar: TypeAlias = Mapping[str, Column]

UNCHANGED: Final[RowSoFar] = {}


@dataclass(frozen=True, slots=True)
class Table:
    """A view that is folded: its primary key, its columns in the table's order, those that hold JSON."""

    name: str
    key: str
    columns: tuple[str, ...]
    json: frozenset[str]


RUN: Final = Table(
    "run",
    "run_id",
    (
        *("run_id", "tenant", "workflow", "workflow_version", "status", "phase", "requester", "input"),
        *("body_sha256", "code_hash", "started_at_ms", "deadline_ms", "ended_at_ms", "result", "error"),
        *("parked_inputs", "last_seq", "last_event_at_ms"),
    ),
    frozenset({"input", "result", "error"}),
)

TOOL_CALL: Final = Table(
    "tool_call",
    "call_id",
    (
        *("call_id", "run_id", "tenant", "step", "tool", "tool_version", "effect", "attempt", "status"),
        *("lease_id", "worker", "grant_id", "arguments", "args_sha256", "result", "error", "settled_by"),
        *("late_answers", "requested_at_ms", "started_at_ms", "settled_at_ms", "duration_ms", "last_seq"),
    ),
    frozenset({"arguments", "result", "error"}),
)

APPROVAL: Final = Table(
    "approval",
    "approval_id",
    (
        *("approval_id", "run_id", "tenant", "step", "tool", "tool_version", "arguments", "args_sha256"),
        *("role", "quorum", "status", "requester", "decided_by", "rule", "rule_version", "reason"),
        *("grant_id", "spent_by", "requested_at_ms", "decided_at_ms", "expires_at_ms", "last_seq"),
    ),
    frozenset({"arguments"}),
)


def text(value: str) -> str:
    """Text as Postgres takes it: the NUL that it can't hold becomes U+FFFD."""
    return value if "\x00" not in value else value.replace("\x00", "\ufffd")
