"""The queries that list runs, newest first, a page at a time.

Guarantees: a page reads at most LOOK_MAX entries of one index, whatever the filters are, so that no list is a scan of
the table. Where what the index doesn't know leaves few of those, the page is short, and goes on where it stopped
looking. A run that starts meanwhile stands before the first page, so that what follows a cursor doesn't move.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock.api.run_filters import Place, RunFilter

LOOK_MAX: Final = 2_000
_OPEN: Final = "r.phase IN ('accepted', 'running', 'stalled', 'ending')"
_GONE_WRONG: Final = "r.phase IN ('failed', 'cancelled', 'refused')"
_ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})
_WAITING_MAX: Final = 20

COLUMNS: Final = (
    "run_id, workflow, workflow_version, status, requester, priority, created_at_ms, started_at_ms, ended_at_ms,"
    " deadline_ms, parked_inputs, last_seq, last_event_at_ms"
)
# What a run waits for, as far as the views know it.
WAITING: Final = f"""
(SELECT json_agg(a) FROM (SELECT approval_id, tool, role, quorum, expires_at_ms FROM views.approval_row AS a
   WHERE a.run_id = r.run_id AND a.status = 'waiting' ORDER BY requested_at_ms, approval_id
   LIMIT {_WAITING_MAX}) AS a) AS approvals_waiting,
(SELECT json_agg(c) FROM (SELECT call_id, tool, attempt, status, callback_expires_at_ms FROM views.tool_call_row AS c
   WHERE c.run_id = r.run_id AND c.status IN ('requested', 'started', 'deferred', 'held', 'in_doubt')
   ORDER BY requested_at_ms, call_id LIMIT {_WAITING_MAX}) AS c) AS calls_open"""

# What of that its own row knows.
_OF_ITSELF: Final = """
r.paused_by, r.pause_reason, r.paused_at_ms, ARRAY(SELECT 'timer ' || t FROM unnest(r.sleeping) AS t) AS waits_for"""


@dataclass(frozen=True, slots=True)
class Query:
    """A statement and its values. Its rows are the page, then `looked_at_ms` and `looked_id` of the last entry that
    it looked at, if it stopped before the end."""

    select: str
    values: Mapping[str, object]


def query(
    tenant: str,
    chosen: RunFilter,
    place: Place | None,
    limit: int,
    *,
    waiting: bool = False,
    look: int = LOOK_MAX,
) -> Query:
    """A page of the tenant's runs below a place. `waiting`: with what each waits for."""
    values = {
        "tenant": tenant,
        "workflow": chosen.workflow,
        "version": chosen.version,
        "status": chosen.status,
        "requester": chosen.requester,
        "after_ms": chosen.created_after_ms,
        "before_ms": chosen.created_before_ms
        if chosen.created_before_ms is not None
        else chosen.ended_before_ms,
        "ended_after_ms": chosen.ended_after_ms,
        "ended_before_ms": chosen.ended_before_ms,
        "place_ms": place and place.created_at_ms,
        "place_id": place and place.run_id,
        "limit": limit,
        "look": look,
        **{f"pair_{at}": pair for at, pair in enumerate(chosen.pairs)},
    }
    index, looked = _by_attribute(values, place) if chosen.pairs else _by_run(chosen, values, place)
    left = " AND ".join(_left(chosen)) or "true"
    more = f", {_OF_ITSELF}, {WAITING}" if waiting else ""
    return Query(
        f"""
WITH page AS MATERIALIZED (
  SELECT r.* FROM {looked} WHERE {left} ORDER BY r.created_at_ms DESC, r.run_id DESC LIMIT %(limit)s),
looked_to AS MATERIALIZED (
  SELECT r.created_at_ms AS looked_at_ms, r.run_id AS looked_id {index}
  OFFSET %(look)s - 1 LIMIT CASE WHEN (SELECT count(*) FROM page) < %(limit)s THEN 1 ELSE 0 END)
SELECT {COLUMNS}, r.error::json AS error, r.search_attributes::json AS search_attributes,
       looked_at_ms, looked_id{more}
FROM (SELECT) AS one LEFT JOIN page AS r ON true LEFT JOIN looked_to ON true
ORDER BY created_at_ms DESC, run_id DESC""",
        values,
    )


def _by_attribute(values: Mapping[str, object], place: Place | None) -> tuple[str, str]:
    """What reads the entries of an index in their order, and the runs that they lead to."""
    conditions = ["r.tenant = %(tenant)s", "r.pair = %(pair_0)s", *_range(values, place)]
    index = f"FROM views.run_attribute AS r WHERE {' AND '.join(conditions)} {_ORDER}"
    return index, f"(SELECT r.run_id {index} LIMIT %(look)s) AS looked JOIN views.run_row AS r USING (run_id)"


def _by_run(chosen: RunFilter, values: Mapping[str, object], place: Place | None) -> tuple[str, str]:
    """As _by_attribute. The conditions here are those of an index that gives the order too (migration 0013)."""
    conditions = ["r.tenant = %(tenant)s", *_index(chosen), *_range(values, place)]
    index = f"FROM views.run_row AS r WHERE {' AND '.join(conditions)} {_ORDER}"
    return index, f"(SELECT r.* {index} LIMIT %(look)s) AS r"


_ORDER: Final = "ORDER BY r.created_at_ms DESC, r.run_id DESC"


def _index(chosen: RunFilter) -> list[str]:
    if chosen.status is not None and chosen.status not in _ENDED:
        if chosen.workflow is not None and chosen.version is not None:
            return [_OPEN, "r.workflow = %(workflow)s", "r.workflow_version = %(version)s"]
        return [_OPEN]
    if chosen.status in ("failed", "cancelled", "refused"):
        return [_GONE_WRONG]
    if chosen.requester is not None:
        return ["r.requester = %(requester)s"]
    return ["r.workflow = %(workflow)s"] if chosen.workflow is not None else []


def _range(values: Mapping[str, object], place: Place | None) -> list[str]:
    conditions: list[str] = []
    if values["after_ms"] is not None:
        conditions.append("r.created_at_ms >= %(after_ms)s")
    if values["before_ms"] is not None:
        conditions.append("r.created_at_ms < %(before_ms)s")
    if place is not None:
        conditions.append("(r.created_at_ms, r.run_id) < (%(place_ms)s, %(place_id)s)")
    return conditions


def _left(chosen: RunFilter) -> list[str]:
    """All that is asked, also what the index has seen to: it costs nothing to look again."""
    conditions = {
        "r.workflow = %(workflow)s": chosen.workflow,
        "r.workflow_version = %(version)s": chosen.version,
        "r.requester = %(requester)s": chosen.requester,
        "r.created_at_ms < %(before_ms)s": chosen.created_before_ms,
        "r.ended_at_ms >= %(ended_after_ms)s": chosen.ended_after_ms,
        "r.ended_at_ms < %(ended_before_ms)s": chosen.ended_before_ms,
    }
    asked = [condition for condition, given in conditions.items() if given is not None]
    if chosen.status is not None:
        asked.append(_OPEN if chosen.status == "open" else "r.status = %(status)s")
    for at in range(1, len(chosen.pairs)):
        asked.append(
            "EXISTS (SELECT FROM views.run_attribute AS o WHERE o.tenant = %(tenant)s"
            f" AND o.pair = %(pair_{at})s AND o.created_at_ms = r.created_at_ms AND o.run_id = r.run_id)"
        )
    return asked
