"""GET /v1/runs/{id}/events: a run's history, by entity_seq."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query

from penstock.api.callers import READ, Caller
from penstock.api.door import Door, moment
from penstock.api.telling import known
from penstock.api.views import Columns

LIMIT_MAX: Final = 1000


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"], dependencies=[door.receipts.of_run])

    @router.get("/v1/runs/{run_id}/events")
    async def events(
        run_id: str,
        caller: Annotated[Caller, Depends(door.keys)],
        from_seq: Annotated[int, Query(ge=1, lt=2**53)] = 1,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> dict[str, Any]:
        """The events from a seq on, in order. Read on with from_seq = next_seq; it is good for ever."""
        caller.needs(READ, "read a run")
        row = await known(door, caller, run_id)
        found = await door.views.events(caller.tenant, run_id, from_seq, limit) if row else []
        return {
            "run_id": run_id,
            "status": row["status"] if row else "accepted",
            "last_seq": row["last_seq"] if row else 0,
            "events": [event_document(each) for each in found],
            "next_seq": found[-1]["seq"] + 1 if found else from_seq,
        }

    return router


def event_document(row: Columns) -> dict[str, Any]:
    """An event as pages and streams show it."""
    return {
        "seq": row["seq"],
        "id": row["event_id"],
        "type": row["type"],
        "time": moment(row["time_ms"]),
        "actor": row["actor"],
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset"],
        "cause": {
            "id": row["cause_id"],
            "topic": row["cause_topic"],
            "partition": row["cause_partition"],
            "offset": row["cause_offset"],
            "time": moment(row["cause_time_ms"]),
            "index": row["cause_index"],
            "count": row["cause_count"],
        },
        "event": row["event"],
    }
