"""What the views say in numbers: what is open, how old, what waits for people, what failed. Reads only.

Each number is a sum over what is open or was put aside, found through an index of just that: a million runs that
have ended cost nothing here. The names and labels are stable: dashboards and `penstock status` build on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow


@dataclass(frozen=True, slots=True)
class Measure:
    """One number. Names that end with `_s` are seconds; the others count. A group with nothing has no measure."""

    name: str
    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Question:
    """A query whose columns are first the labels, then the values; a value without a row's number is left out."""

    labels: tuple[str, ...]
    values: tuple[str, ...]
    select: str


_OPEN_RUN: Final = "phase IN ('accepted', 'running', 'stalled', 'ending')"
_AGE: Final = "greatest(0, extract(epoch FROM clock_timestamp()) - min({})::float8 / 1000)"

_QUESTIONS: Final = (
    _Question(
        ("tenant", "workflow", "status"),
        ("runs_open", "runs_open_oldest_age_s"),
        f"SELECT tenant, workflow, status, count(*), {_AGE.format('coalesce(started_at_ms, last_event_at_ms)')}"
        f" FROM views.run_row WHERE {_OPEN_RUN} GROUP BY tenant, workflow, status",
    ),
    _Question(
        ("tenant", "workflow"),
        ("inputs_parked",),
        "SELECT tenant, workflow, sum(cardinality(parked_inputs)) FROM views.run_row WHERE parked_inputs <> '{}'"
        " GROUP BY tenant, workflow",
    ),
    _Question(
        ("tenant", "tool", "role"),
        ("approvals_waiting", "approvals_waiting_oldest_age_s"),
        f"SELECT tenant, tool, role, count(*), {_AGE.format('requested_at_ms')}"
        " FROM views.approval_row WHERE status = 'waiting' GROUP BY tenant, tool, role",
    ),
    # A call is open only as long as its run: there is no index of open calls, or each call would write to it twice.
    _Question(
        ("tenant", "tool", "status"),
        ("calls_open", "calls_open_oldest_age_s"),
        f"SELECT c.tenant, c.tool, c.status, count(*), {_AGE.format('c.requested_at_ms')}"
        " FROM views.run_row AS r JOIN views.tool_call_row AS c USING (run_id)"
        f" WHERE r.{_OPEN_RUN} AND c.status IN ('requested', 'started', 'deferred', 'held')"
        " GROUP BY c.tenant, c.tool, c.status",
    ),
    _Question(
        ("tenant", "tool"),
        ("calls_in_doubt", "calls_in_doubt_oldest_age_s"),
        f"SELECT tenant, tool, count(*), {_AGE.format('started_at_ms')}"
        " FROM views.tool_call_row WHERE in_doubt GROUP BY tenant, tool",
    ),
    _Question(
        ("tenant", "tool"),
        ("call_retries",),
        "SELECT tenant, tool, sum(attempt - 1) FROM views.tool_call_row WHERE attempt > 1 GROUP BY tenant, tool",
    ),
    _Question(
        ("topic", "group", "reason"),
        ("dead_letters",),
        "SELECT topic, consumer_group, error_class, count(*) FROM views.dead_letter"
        " GROUP BY topic, consumer_group, error_class",
    ),
)

NAMES: Final = tuple(name for question in _QUESTIONS for name in question.values)


def measures(connection: Connection[TupleRow]) -> Sequence[Measure]:
    """All numbers as they are now, in the order of NAMES. A label that nothing is known of is empty.

    `call_retries` counts the attempts after the first one, of all calls there ever were; the others what is now.
    Raises psycopg.OperationalError if Postgres is away.
    """
    found: list[Measure] = []
    for question in _QUESTIONS:
        rows = connection.execute(question.select.encode()).fetchall()
        for at, name in enumerate(question.values, len(question.labels)):
            for row in rows:
                labels = {label: str(row[i] or "") for i, label in enumerate(question.labels)}
                if row[at] is not None:
                    found.append(Measure(name, float(row[at]), labels))
    return found
