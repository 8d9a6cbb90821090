"""GET /v1/runs/{id}/result: what a run came to, at once or as soon as it ends."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from penstock.api import telling
from penstock.api.callers import READ, Caller
from penstock.api.door import Door, moment
from penstock.api.preconditions import etag
from penstock.api.run_views import links
from penstock.api.views import Columns
from penstock.api.waiting_room import WaitingRoom

WAIT_S_MAX: Final = 30
RETRY_AFTER_S: Final = 1
# One request in so many may be one that waits here.
_PLACES_PART: Final = 4
_ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"], dependencies=[door.receipts.of_run])
    room = WaitingRoom(door.views, max(1, door.settings.api_requests_max // _PLACES_PART))

    @router.get("/v1/runs/{run_id}/result")
    async def result(
        run_id: str,
        request: Request,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        wait_s: Annotated[float, Query(ge=0, le=WAIT_S_MAX, allow_inf_nan=False)] = 0,
    ) -> dict[str, Any]:
        """200 once the run has ended, well or badly, with its result or error; 202 with Retry-After until then."""
        caller.needs(READ, "read a run")
        row = await telling.known(door, caller, run_id)
        if wait_s > 0 and not _ended(row):
            await room.wait(request, caller.tenant, run_id, wait_s)
            row = await telling.known(door, caller, run_id)
        response.headers["ETag"] = etag(row["last_seq"] if row else 0)
        if not _ended(row):
            response.status_code = 202
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return {
            "run_id": run_id,
            "status": row["status"] if row else "accepted",
            "result": row["result"] if row else None,
            "error": row["error"] if row else None,
            "ended_at": moment(row["ended_at_ms"]) if row else None,
            "last_seq": row["last_seq"] if row else 0,
            "links": links(run_id, None if row else door.accepted.receipt(run_id, caller.tenant)),
        }

    return router


def _ended(row: Columns | None) -> bool:
    return row is not None and row["status"] in _ENDED
