"""What a person asks of the views: one run's trail, what waits for people, how many of each. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrailLine:
    """One event of a run, where it stands and what caused it. `actor` is {"kind", "subject", "roles"}."""

    seq: int
    type: str
    time_ms: int
    topic: str
    partition: int
    offset: int
    actor: Mapping[str, Any]
    cause_id: str
    cause_topic: str
    cause_partition: int
    cause_offset: int
    cause_time_ms: int
    cause_index: int
    cause_count: int
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as it stands. `error` is {"kind", "message"} of what ended or holds it."""

    run_id: str
    tenant: str
    workflow: str | None
    workflow_version: int | None
    status: str
    requester: str | None
    started_at_ms: int | None
    ended_at_ms: int | None
    result: Any
    error: Mapping[str, str] | None
    last_seq: int
    priority: int | None


@dataclass(frozen=True, slots=True)
class WaitingApproval:
    """A question that waits for `quorum` persons who hold `role` and aren't `requester`; `voters` have granted it.

    `delegate` may vote without the role. It goes to the role `escalate_to` by itself at `escalate_at_ms`.
    """

    approval_id: str
    run_id: str
    tenant: str
    tool: str
    tool_version: int
    arguments: Any
    args_sha256: str
    role: str
    quorum: int
    requester: str | None
    requested_at_ms: int
    expires_at_ms: int
    voters: list[str]
    delegate: str | None = None
    escalate_to: str | None = None
    escalate_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CallInDoubt:
    """An unsafe call of which nobody knows whether it happened. Its call id is the key the target saw."""

    call_id: str
    run_id: str
    tenant: str
    tool: str
    tool_version: int
    attempt: int
    arguments: Any
    grant_id: str | None
    lease_id: str | None
    started_at_ms: int | None
    error: Mapping[str, str] | None


def trail(connection: Connection[TupleRow], run_id: str, from_seq: int = 1) -> list[TrailLine]:
    """The run's events in order, from a seq on; empty if the views don't know it."""
    return _all(
        connection,
        TrailLine,
        'SELECT seq, type, time_ms, topic, partition, "offset", actor, cause_id, cause_topic,'
        " cause_partition, cause_offset, cause_time_ms, cause_index, cause_count, event"
        " FROM views.run_event WHERE run_id = %s AND seq >= %s ORDER BY seq",
        (run_id, from_seq),
    )


def start_of(connection: Connection[TupleRow], run_id: str) -> Mapping[str, Any] | None:
    """What a run was started with: the fields of its RunStarted, None if the views know of none."""
    found = connection.execute(
        "SELECT event FROM views.run_event WHERE run_id = %s AND type = 'RunStarted' ORDER BY seq LIMIT 1",
        (run_id,),
    ).fetchone()
    return None if found is None else dict(found[0])


def run(connection: Connection[TupleRow], run_id: str) -> RunLine | None:
    """One run, None if the views don't know it."""
    found = _all(connection, RunLine, _RUNS + " WHERE run_id = %s", (run_id,))
    return found[0] if found else None


def runs(connection: Connection[TupleRow], tenant: str | None = None) -> list[RunLine]:
    """All runs of a tenant, or of all tenants, newest first."""
    return _all(
        connection,
        RunLine,
        _RUNS + " WHERE tenant = coalesce(%s, tenant) ORDER BY started_at_ms DESC NULLS LAST, run_id",
        (tenant,),
    )


def waiting_approvals(connection: Connection[TupleRow], tenant: str | None = None) -> list[WaitingApproval]:
    """The questions that wait for a person, oldest first."""
    return _all(
        connection,
        WaitingApproval,
        "SELECT approval_id, run_id, tenant, tool, tool_version, arguments, args_sha256, role, quorum,"
        " requester, requested_at_ms, expires_at_ms, voters, delegate, escalate_to, escalate_at_ms"
        " FROM views.approval"
        " WHERE status = 'waiting' AND tenant = coalesce(%s, tenant) ORDER BY requested_at_ms, approval_id",
        (tenant,),
    )


def calls_in_doubt(connection: Connection[TupleRow], tenant: str | None = None) -> list[CallInDoubt]:
    """The calls that a reconciler or a person must settle, oldest first."""
    return _all(
        connection,
        CallInDoubt,
        "SELECT call_id, run_id, tenant, tool, tool_version, attempt, arguments, grant_id, lease_id,"
        " started_at_ms, error FROM views.tool_call"
        " WHERE call_id IN (SELECT call_id FROM views.tool_call_row WHERE in_doubt)"
        " AND tenant = coalesce(%s, tenant) ORDER BY started_at_ms, call_id",
        (tenant,),
    )


def counts(connection: Connection[TupleRow], tenant: str | None = None) -> dict[str, int]:
    """How many runs have each status; a status that no run has is missing."""
    rows = connection.execute(
        "SELECT status, count(*) FROM views.run WHERE tenant = coalesce(%s, tenant) GROUP BY status",
        (tenant,),
    )
    return {str(status): int(number) for status, number in rows}


def dead_letters(connection: Connection[TupleRow]) -> int:
    """How many records could not be taken by somebody."""
    row = connection.execute("SELECT count(*) FROM views.dead_letter").fetchone()
    return int(row[0]) if row else 0


_RUNS = (
    "SELECT run_id, tenant, workflow, workflow_version, status, requester, started_at_ms, ended_at_ms,"
    " result, error, last_seq, priority FROM views.run"
)


def _all(
    connection: Connection[TupleRow], kind: type[T], select: str, values: tuple[str | int | None, ...]
) -> list[T]:
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(select.encode(), values).fetchall()
