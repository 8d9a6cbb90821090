"""POST /v1/runs/cancel, /v1/runs/signal; GET /v1/bulk/{id}, POST /v1/bulk/{id}/stop: many runs at once, by a filter."""

import time
import uuid
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.bulk_driving import BulkDriver
from penstock.api.bulk_rows import Bulk, BulkRows, bulk_of
from penstock.api.callers import Caller
from penstock.api.door import Door, IdempotencyKey, moment
from penstock.api.problems import Problem, not_found
from penstock.api.run_commands import CancelBody
from penstock.api.run_filters import INT4_MAX, RunFilter, Status, filter_of
from penstock.api.run_views import page_of, summary
from penstock.api.views import Columns
from penstock.schemas.canonical import NotCanonical, canonical_json
from penstock.schemas.ids import derived_id, is_uuid, tenant_id

BULK: Final = ("operator",)
SAMPLE_RUNS: Final = 20
# Of 1,000 runs each.
COUNTED_PAGES_MAX: Final = 20
LIMIT_MAX: Final = 500
_ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})
_Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class Chosen(BaseModel):
    """Which runs, as GET /v1/runs filters them; only open ones. `all` says that no filter is meant to be none."""

    model_config = ConfigDict(extra="forbid")

    workflow: _Text | None = None
    version: int | None = Field(default=None, ge=1, le=INT4_MAX)
    status: Status | None = None
    requester: _Text | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None
    attributes: list[str] = Field(default_factory=list, max_length=8, description="name:value, all of them.")
    all: bool = False


class BulkCancel(BaseModel):
    """What is cancelled and why. A dry run, which says what would be, unless `dry_run` is false."""

    model_config = ConfigDict(extra="forbid")

    filter: Chosen
    reason: str = Field(min_length=1, max_length=2000)
    dry_run: bool = True


class BulkSignal(BulkCancel):
    """What is signalled, and why."""

    name: _Text
    payload: Any = None


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    rows = BulkRows(door.views, str(uuid.uuid4()))
    driver = BulkDriver(door, rows)
    router = APIRouter(tags=["bulk"], lifespan=driver.running)

    @router.post("/v1/runs/cancel")
    async def cancel(
        body: BulkCancel,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Cancel all open runs that fit. 200 for a dry run: how many, and some of them; 202 with an id to follow."""
        caller.needs(BULK, "cancel many runs")
        words = {"reason": body.reason}
        return await _asked(door, rows, driver, caller, response, "cancel", words, body, idempotency_key)

    @router.post("/v1/runs/signal")
    async def signal(
        body: BulkSignal,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Signal all open runs that fit; as cancel."""
        caller.needs(BULK, "signal many runs")
        words = {"reason": body.reason, "name": body.name, "payload": body.payload}
        return await _asked(door, rows, driver, caller, response, "signal", words, body, idempotency_key)

    _follow(router, door, rows)
    return router


def _follow(router: APIRouter, door: Door, rows: BulkRows) -> None:
    @router.get("/v1/bulk/{bulk_id}")
    async def read(
        bulk_id: str,
        caller: Annotated[Caller, Depends(door.keys)],
        after: Annotated[int, Query(ge=0, lt=2**53)] = 0,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> dict[str, Any]:
        """How far it is, and what was done to each run, in order. Read on with after = next_after until it is null."""
        caller.needs(BULK, "read a bulk operation")
        row = await _known(rows, caller, bulk_id)
        told = await rows.runs(bulk_id, after, limit)
        page = {
            "done": [_told(each) for each in told],
            "next_after": told[-1]["n"] if len(told) == limit else None,
        }
        return _document(row) | {"runs": await rows.counts(bulk_id)} | page

    @router.post("/v1/bulk/{bulk_id}/stop")
    async def stop(
        bulk_id: str, body: CancelBody, caller: Annotated[Caller, Depends(door.keys)]
    ) -> dict[str, Any]:
        """Tell no more runs. What was told stays told; a few may be on their way."""
        caller.needs(BULK, "stop a bulk operation")
        await _known(rows, caller, bulk_id)
        await door.inbox.record(
            caller,
            lambda operators: operators.record(caller.actor, "run.bulk_stop", bulk_id, body.reason, {}),
        )
        await rows.stop(caller, bulk_id, _now_ms())
        return _document(await _known(rows, caller, bulk_id))


async def _asked(
    door: Door,
    rows: BulkRows,
    driver: BulkDriver,
    caller: Caller,
    response: Response,
    kind: str,
    words: dict[str, Any],
    body: BulkCancel,
    key: str | None,
) -> dict[str, Any]:
    chosen = _filter(body.filter)
    try:
        canonical_json(words)
    except NotCanonical as error:
        raise Problem(422, "invalid-request", "Invalid request", f"Correct this: {error}.") from error
    if body.dry_run:
        return await _would(door, caller, chosen)
    key = key or str(uuid.uuid4())
    bulk_id = derived_id(tenant_id(caller.tenant), f"bulk:{caller.subject}:{key}")
    now_ms = _now_ms()
    before_ms = now_ms if chosen.created_before_ms is None else min(now_ms, chosen.created_before_ms)
    # What starts after it was asked isn't meant.
    meant = replace(chosen, created_before_ms=before_ms)
    await rows.add(Bulk(bulk_id, caller, kind, words, meant, now_ms))
    row = await _known(rows, caller, bulk_id)
    kept = bulk_of(row)
    asked = replace(chosen, created_before_ms=None), kind, words
    if asked != (replace(kept.chosen, created_before_ms=None), kept.kind, kept.words):
        detail = "This Idempotency-Key came with another operation: use a new key for a new one."
        raise Problem(
            409, "idempotency-conflict", "Idempotency-Key used before", detail, more={"bulk_id": bulk_id}
        )
    driver.look()
    response.status_code = 202
    response.headers["Location"] = f"/v1/bulk/{bulk_id}"
    response.headers["Idempotency-Key"] = key
    return _document(row)


def _filter(chosen: Chosen) -> RunFilter:
    if chosen.status in _ENDED:
        detail = (
            f"Correct `filter.status`: a run that is {chosen.status} has ended, and is told nothing any more."
        )
        raise Problem(422, "invalid-request", "Invalid request", detail)
    found = filter_of(
        workflow=chosen.workflow,
        version=chosen.version,
        status=chosen.status or "open",
        requester=chosen.requester,
        started_after=chosen.started_after,
        started_before=chosen.started_before,
        attribute=chosen.attributes,
    )
    if found == RunFilter(status="open") and not chosen.all:
        detail = (
            "Correct `filter`: it leaves nobody out. If all open runs are meant, say so with `all`: true."
        )
        raise Problem(422, "invalid-request", "Invalid request", detail)
    return found


async def _would(door: Door, caller: Caller, chosen: RunFilter) -> dict[str, Any]:
    """How many runs it would tell, as far as is counted, and the newest of them."""
    count, place = 0, None
    sample: list[dict[str, Any]] = []
    for _ in range(COUNTED_PAGES_MAX):
        page = await page_of(door.views, caller.tenant, chosen, place, 1_000)
        sample += [summary(row) for row in page.rows[: SAMPLE_RUNS - len(sample)]]
        count, place = count + len(page.rows), page.next
        if place is None:
            break
    return {"dry_run": True, "count": count, "count_is_whole": place is None, "sample": sample}


async def _known(rows: BulkRows, caller: Caller, bulk_id: str) -> Columns:
    row = await rows.one(caller.tenant, bulk_id) if is_uuid(bulk_id) else None
    if row is None:
        raise not_found("bulk operation")
    return row


def _document(row: Columns) -> dict[str, Any]:
    bulk = bulk_of(row)
    running = row["status"] == "running"
    return {
        "bulk_id": bulk.bulk_id,
        "kind": bulk.kind,
        **bulk.words,
        # Nobody drives it right now: the next API process that looks takes it up where it was.
        "status": "waiting" if running and not row["driven"] else row["status"],
        "asked_by": bulk.caller.subject,
        "asked_at": moment(bulk.asked_at_ms),
        "ended_at": moment(row["ended_at_ms"]),
        "stopped_by": row["stopped_by"],
        "runs_told": row["runs"],
        "links": {"self": f"/v1/bulk/{bulk.bulk_id}", "stop": f"/v1/bulk/{bulk.bulk_id}/stop"},
    }


def _told(row: Columns) -> dict[str, Any]:
    came_of = (
        None
        if row["came_of"] is None
        else {"type": row["came_of"], "seq": row["seq"], "reason": row["reason"]}
    )
    return {
        "n": row["n"],
        "run_id": row["run_id"],
        "state": row["state"],
        "error": row["error"],
        "came_of": came_of,
        "links": {"run": f"/v1/runs/{row['run_id']}"},
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
