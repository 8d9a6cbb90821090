"""Which open runs hold a version of a workflow, by status and by what they wait for: can it go (F2)?

Guarantees: the count is of all of them; what they wait for is looked up for the LOOK_MAX oldest, and the report says
so where there are more. A run that waits for several things counts with each.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.api.door import moment
from penstock.api.views import Columns
from penstock.declare.workflows import Workflow

LOOK_MAX: Final = 5_000
FIRST_RUNS: Final = 5
_SAYS_CHARACTERS: Final = 200
_HELD: Final = """
FROM views.run_row AS r
WHERE {tenant} r.workflow = %(workflow)s AND r.workflow_version = %(version)s
  AND r.phase IN ('accepted', 'running', 'stalled', 'ending')"""
_STATUSES: Final = """
SELECT status, count(*) AS runs, min(created_at_ms) AS oldest_ms,
       (array_agg(run_id ORDER BY created_at_ms, run_id))[1:{first}] AS run_ids {held} GROUP BY status"""
_WAITS: Final = """
WITH held AS MATERIALIZED (
  SELECT r.* {held} ORDER BY r.created_at_ms, r.run_id LIMIT {look}),
waits AS MATERIALIZED (
  SELECT h.run_id, 'approval' AS kind, a.role AS what, '' AS how, a.requested_at_ms AS since_ms,
         a.expires_at_ms AS due_ms
  FROM held AS h JOIN views.approval_row AS a USING (run_id) WHERE a.status = 'waiting'
  UNION ALL
  SELECT h.run_id, 'call', c.tool, c.status, c.requested_at_ms, NULL
  FROM held AS h JOIN views.tool_call_row AS c USING (run_id)
  WHERE c.status IN ('requested', 'started', 'deferred', 'held', 'in_doubt')
  UNION ALL
  SELECT h.run_id, 'timer', '', '', e.time_ms, (e.event::json ->> 'due_ms')::bigint
  FROM (SELECT * FROM held WHERE cardinality(sleeping) > 0) AS h JOIN views.run_event_row AS e USING (run_id)
  WHERE e.type = 'TimerArmed' AND e.event::json ->> 'timer_id' = ANY (h.sleeping)
  UNION ALL
  SELECT run_id, 'continue', paused_by, '', paused_at_ms, NULL FROM held WHERE paused_at_ms IS NOT NULL
  UNION ALL
  SELECT run_id, 'code', error::json ->> 'kind', left(split_part(error::json ->> 'message', E'\\n', 1), {says}),
         last_event_at_ms, NULL
  FROM held WHERE phase = 'stalled'
  UNION ALL
  SELECT run_id, 'parked_input', error::json ->> 'kind',
         left(split_part(error::json ->> 'message', E'\\n', 1), {says}), last_event_at_ms, NULL
  FROM held WHERE cardinality(parked_inputs) > 0),
known AS (
  SELECT * FROM waits
  UNION ALL
  -- A decision goes on until the workflow waits, and what else it may wait for leaves a row: this one awaits a signal.
  SELECT run_id, 'signal', '', '', last_event_at_ms, NULL FROM held
  WHERE NOT EXISTS (SELECT FROM waits WHERE waits.run_id = held.run_id))
SELECT kind, what, how, count(DISTINCT run_id) AS runs, min(since_ms) AS since_ms, min(due_ms) AS first_due_ms,
       max(due_ms) AS last_due_ms, (array_agg(run_id ORDER BY since_ms, run_id))[1:{first}] AS run_ids
FROM known GROUP BY kind, what, how ORDER BY runs DESC, kind, what, how"""


def statuses_query(tenant: str | None) -> str:
    """Of each status how many runs hold the version; `tenant` None: of all of them, else named in the values."""
    return _STATUSES.format(held=_held(tenant), first=FIRST_RUNS)


def waits_query(tenant: str | None) -> str:
    """What they wait for."""
    return _WAITS.format(held=_held(tenant), first=FIRST_RUNS, look=LOOK_MAX, says=_SAYS_CHARACTERS)


def report(
    name: str,
    version: int,
    registered: Mapping[int, Workflow[object, object]] | None,
    statuses: Sequence[Columns],
    waits: Sequence[Columns],
) -> dict[str, Any]:
    """The report of both queries' rows. `registered` are the workflow's versions by number; None: nobody knows."""
    open_runs = sum(row["runs"] for row in statuses)
    own = registered.get(version) if registered else None
    return {
        "workflow": name,
        "version": version,
        "registered": None if registered is None else own is not None,
        # Unless a start names another version.
        "new_runs_begin_on_it": None
        if registered is None
        else bool(registered) and version == max(registered),
        "open_runs": open_runs,
        "drained": open_runs == 0,
        "oldest_started_at": moment(min((row["oldest_ms"] for row in statuses), default=None)),
        "statuses": [
            {
                "status": row["status"],
                "runs": row["runs"],
                "oldest_started_at": moment(row["oldest_ms"]),
                "run_ids": row["run_ids"],
            }
            for row in sorted(statuses, key=lambda row: (-row["runs"], row["status"]))
        ],
        "waits_for": [_wait(row, own) for row in waits],
        "waits_for_is_whole": open_runs <= LOOK_MAX,
    }


def _held(tenant: str | None) -> str:
    return _HELD.format(tenant="" if tenant is None else "r.tenant = %(tenant)s AND")


def _wait(row: Columns, workflow: Workflow[object, object] | None) -> dict[str, Any]:
    common = {"runs": row["runs"], "oldest_since": moment(row["since_ms"]), "run_ids": row["run_ids"]}
    first, last = moment(row["first_due_ms"]), moment(row["last_due_ms"])
    match row["kind"]:
        case "approval":
            own: dict[str, Any] = {"role": row["what"], "first_expires_at": first, "last_expires_at": last}
        case "call":
            own = {"tool": row["what"], "status": row["how"]}
        case "timer":
            own = {"first_due_at": first, "last_due_at": last}
        case "continue":
            own = {"paused_by": row["what"]}
        case "signal":
            own = {"signals": None if workflow is None else sorted(workflow.signals)}
        case _:
            own = {"error": row["what"], "says": row["how"]}
    return {"kind": row["kind"], **own, **common}
