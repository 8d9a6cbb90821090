"""What the API reads of runs beside api/views.py: pages of a list, one run, open runs by version."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.api.door import moment
from penstock.api.receipts import query_of
from penstock.api.run_filters import Place, RunFilter
from penstock.api.run_lists import WAITING, query
from penstock.api.views import Columns, Views

RUN: Final = f"""
SELECT r.*, {WAITING} FROM views.run AS r WHERE r.run_id = %(run_id)s AND r.tenant = %(tenant)s"""

# Through the index of just these (migration 0013).
_OPEN_BY_VERSION: Final = """
SELECT workflow, workflow_version, count(*) AS runs FROM views.run_row
WHERE tenant = %(tenant)s AND phase IN ('accepted', 'running', 'stalled', 'ending')
  AND (%(workflow)s::text IS NULL OR workflow = %(workflow)s)
GROUP BY workflow, workflow_version"""


@dataclass(frozen=True, slots=True)
class Page:
    """Some runs, newest first, and where the list goes on; None if this is its end."""

    rows: list[Columns]
    next: Place | None


async def page_of(
    views: Views, tenant: str, chosen: RunFilter, place: Place | None, limit: int, *, waiting: bool = False
) -> Page:
    """A page of at most `limit` of the tenant's runs. It may be short and still not the last one."""
    asked = query(tenant, chosen, place, limit + 1, waiting=waiting)
    found = await views.ask(asked.select, asked.values)
    rows = [row for row in found if row["run_id"] is not None]
    if len(rows) > limit:
        rows = rows[:limit]
        return Page(rows, Place(rows[-1]["created_at_ms"], rows[-1]["run_id"]))
    looked = found[0]["looked_id"]
    return Page(rows, None if looked is None else Place(found[0]["looked_at_ms"], looked))


async def run_of(views: Views, tenant: str, run_id: str) -> Columns | None:
    """A run of the tenant's, as it stands after one of its events, with input, result and what it waits for."""
    found = await views.ask(RUN, {"tenant": tenant, "run_id": run_id})
    return found[0] if found else None


async def open_by_version(
    views: Views, tenant: str, workflow: str | None = None
) -> Mapping[tuple[str | None, int | None], int]:
    """How many of the tenant's open runs each version of a workflow, or of all, has."""
    rows = await views.ask(_OPEN_BY_VERSION, {"tenant": tenant, "workflow": workflow})
    return {(row["workflow"], row["workflow_version"]): row["runs"] for row in rows}


def unseen(run_id: str, receipt: str | None) -> Columns:
    """The row of a run that was accepted, before the views show it."""
    return defaultdict(lambda: None, run_id=run_id, status="accepted", last_seq=0, receipt=receipt)


def summary(row: Columns) -> dict[str, Any]:
    """A run in a list."""
    return {
        "run_id": row["run_id"],
        "workflow": row["workflow"],
        "workflow_version": row["workflow_version"],
        "status": row["status"],
        "requester": row["requester"],
        "priority": row["priority"],
        "search_attributes": row["search_attributes"] or {},
        "created_at": moment(row["created_at_ms"]),
        "started_at": moment(row["started_at_ms"]),
        "ended_at": moment(row["ended_at_ms"]),
        "deadline": moment(row["deadline_ms"]),
        "error": row["error"],
        "last_seq": row["last_seq"],
        "last_event_at": moment(row["last_event_at_ms"]),
        "links": links(row["run_id"], row.get("receipt")),
    }


def waits_for(row: Columns) -> list[dict[str, Any]]:
    """What must happen before the run goes on, of each kind the first few. Empty if it has ended."""
    if row["status"] in ("completed", "failed", "cancelled", "refused"):
        return []
    found = [{"kind": "parked_input", "input_id": input_id} for input_id in row["parked_inputs"]]
    if row.get("paused_at_ms") is not None:
        found.append({"kind": "continue", "paused_by": row["paused_by"], "reason": row["pause_reason"]})
    if row["status"] == "stalled":
        found.append({"kind": "code", "error": row["error"]})
    for approval in row["approvals_waiting"] or ():
        expires_at = moment(approval.pop("expires_at_ms"))
        found.append({"kind": "approval", **approval, "expires_at": expires_at})
    for call in row["calls_open"] or ():
        expires_at = moment(call.pop("callback_expires_at_ms"))
        found.append({"kind": "call", **call, "callback_expires_at": expires_at})
    timers = [each.split()[1] for each in row.get("waits_for") or () if each.startswith("timer ")]
    found += [{"kind": "timer", "timer_id": timer_id} for timer_id in timers]
    # Awaited signals aren't in the views; or it is about to take its next step.
    return found or [{"kind": "timer_or_signal"}]


def links(run_id: str, receipt: str | None = None) -> dict[str, str]:
    """Where a client goes from here. With the receipt of a run that the views may not show yet."""
    own, shown = f"/v1/runs/{run_id}", query_of(receipt)
    below = ("result", "events", "cancel", "pause", "continue", "retry")
    return {
        "self": f"{own}{shown}",
        **{name: f"{own}/{name}{shown}" for name in below},
        "signals": f"{own}/signals/{{name}}{shown}",
    }
