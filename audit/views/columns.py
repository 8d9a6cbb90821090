"""What stands in a row of a view, and which columns each view has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

# JSON is text; an array of text is a tuple.
Column: TypeAlias = str | int | tuple[str, ...] | None
Row: TypeAlias = dict[str, Column]
RowSoFar: TypeAlias = Mapping[str, Column]

UNCHANGED: Final[RowSoFar] = {}


@dataclass(frozen=True, slots=True)
class Table:
    """The table below a view that is folded: its primary key, Postgres's type of each column by name.

    Payloads aren't in it: a column that ends with `_seq` names the event that has one, and the view shows it.
    """

    name: str
    key: str
    types: Mapping[str, str]


def table(name: str, key: str, **columns: str) -> Table:
    """Columns are given by type, as words; those that end with `_array` are arrays."""
    types = {column: kind for kind, words in columns.items() for column in words.split()}
    return Table(name, key, {column: kind.replace("_array", "[]") for column, kind in types.items()})


RUN: Final = table(
    "run_row",
    "run_id",
    text="run_id tenant workflow status phase requester body_sha256 code_hash error search_attributes"
    " paused_by pause_reason retry_of",
    text_array="parked_inputs sleeping requesters_before",
    int4="workflow_version priority",
    int8="started_at_ms deadline_ms ended_at_ms last_seq last_event_at_ms started_seq result_seq created_at_ms"
    " paused_at_ms",
)

TOOL_CALL: Final = table(
    "tool_call_row",
    "call_id",
    text="call_id run_id tenant tool effect status lease_id worker grant_id args_sha256 error settled_by",
    int4="step tool_version attempt late_answers",
    int8="requested_at_ms started_at_ms settled_at_ms duration_ms last_seq requested_seq result_seq"
    " callback_expires_at_ms",
)

APPROVAL: Final = table(
    "approval_row",
    "approval_id",
    text="approval_id run_id tenant tool args_sha256 role status requester rule reason grant_id spent_by"
    " delegate escalate_to escalated_by",
    text_array="decided_by voters delegated_by",
    int4="step tool_version quorum rule_version",
    int8="requested_at_ms decided_at_ms expires_at_ms escalate_at_ms escalated_at_ms last_seq requested_seq",
)


def text(value: str) -> str:
    """Text as Postgres takes it: the NUL that it can't hold becomes U+FFFD."""
    return value if "\x00" not in value else value.replace("\x00", "\ufffd")
