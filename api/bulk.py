"""POST /v1/runs/cancel, /signal, /pause, /continue, /retry and /migrate; GET /v1/bulk/{id}, POST /v1/bulk/{id}/stop:
many runs at once, by a filter."""

import time
import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from penstock.api import bulk_asking
from penstock.api.bulk_asking import document, known, told
from penstock.api.bulk_driving import BulkDriver
from penstock.api.bulk_rows import BulkRows
from penstock.api.bulk_shapes import BULK, BulkBody, BulkMigrate, BulkRetry, BulkSignal, Kind
from penstock.api.callers import Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.run_commands import CancelBody

LIMIT_MAX: Final = 500


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    rows = BulkRows(door.views, str(uuid.uuid4()))
    driver = BulkDriver(door, rows)
    router = APIRouter(tags=["bulk"], lifespan=driver.running)
    asking = _Asking(door, rows, driver)

    @router.post("/v1/runs/cancel")
    async def cancel(
        body: BulkBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Cancel all open runs that fit. 200 for a dry run: how many, and some of them; 202 with an id to follow."""
        caller.needs(BULK, "cancel many runs")
        return await asking.ask(caller, response, "cancel", body, idempotency_key)

    @router.post("/v1/runs/signal")
    async def signal(
        body: BulkSignal,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Signal all open runs that fit; as cancel."""
        caller.needs(BULK, "signal many runs")
        return await asking.ask(caller, response, "signal", body, idempotency_key)

    _of_control(router, door, asking)
    _follow(router, door, rows)
    return router


def _of_control(router: APIRouter, door: Door, asking: "_Asking") -> None:
    @router.post("/v1/runs/pause")
    async def pause(
        body: BulkBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Have all open runs that fit wait; as cancel."""
        caller.needs(BULK, "pause many runs")
        return await asking.ask(caller, response, "pause", body, idempotency_key)

    @router.post("/v1/runs/continue")
    async def go_on(
        body: BulkBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Let all paused runs that fit go on; as cancel."""
        caller.needs(BULK, "continue many runs")
        return await asking.ask(caller, response, "continue", body, idempotency_key)

    @router.post("/v1/runs/retry")
    async def retry(
        body: BulkRetry,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Do all failed runs that fit again, each as a new run, also those that were retried before; as cancel."""
        caller.needs(BULK, "retry many runs")
        return await asking.ask(caller, response, "retry", body, idempotency_key)

    @router.post("/v1/runs/migrate")
    async def migrate(
        body: BulkMigrate,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Have all open runs that fit go on under another version, if its code fits their history; with `trial` each
        only says whether it would; as cancel."""
        caller.needs(BULK, "migrate many runs")
        return await asking.ask(caller, response, "migrate", body, idempotency_key)


class _Asking:
    """Has an operation done by whoever drives."""

    def __init__(self, door: Door, rows: BulkRows, driver: BulkDriver) -> None:
        self._door = door
        self._rows = rows
        self._driver = driver

    async def ask(
        self, caller: Caller, response: Response, kind: Kind, body: BulkBody, key: str | None
    ) -> dict[str, Any]:
        """The answer. Raises problems: 409, 422, 503."""
        answer, key = await bulk_asking.ask(self._door, self._rows, caller, kind, body, key)
        if key is not None:
            self._driver.look()
            response.status_code = 202
            response.headers["Location"] = answer["links"]["self"]
            response.headers["Idempotency-Key"] = key
        return answer


def _follow(router: APIRouter, door: Door, rows: BulkRows) -> None:
    @router.get("/v1/bulk/{bulk_id}")
    async def read(
        bulk_id: str,
        caller: Annotated[Caller, Depends(door.keys)],
        cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,15}$")] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> dict[str, Any]:
        """How far it is, and what was done to each run, in order. Read on with cursor = next_cursor, until it
        is null."""
        caller.needs(BULK, "read a bulk operation")
        row = await known(rows, caller, bulk_id)
        found = await rows.runs(bulk_id, int(cursor or 0), limit)
        page = {
            "done": [told(each) for each in found],
            "next_cursor": str(found[-1]["n"]) if len(found) == limit else None,
        }
        return document(row) | {"runs": await rows.counts(bulk_id)} | page

    @router.post("/v1/bulk/{bulk_id}/stop")
    async def stop(
        bulk_id: str, body: CancelBody, caller: Annotated[Caller, Depends(door.keys)]
    ) -> dict[str, Any]:
        """Tell no more runs. What was told stays told; a few may be on their way."""
        caller.needs(BULK, "stop a bulk operation")
        await known(rows, caller, bulk_id)
        await door.inbox.record(
            caller,
            lambda operators: operators.record(caller.actor, "run.bulk_stop", bulk_id, body.reason, {}),
        )
        await rows.stop(caller, bulk_id, time.time_ns() // 1_000_000)
        return document(await known(rows, caller, bulk_id))
