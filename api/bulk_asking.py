"""Asking for a bulk operation: what it would do, and having it done; the same Idempotency-Key asks once."""

import time
import uuid
from dataclasses import replace
from typing import Any, Final

from penstock.api.bulk_rows import Bulk, BulkRows, bulk_of
from penstock.api.bulk_shapes import BulkBody, Kind, meant, spoken
from penstock.api.callers import Caller
from penstock.api.door import Door, moment
from penstock.api.problems import not_found
from penstock.api.repeats import conflict
from penstock.api.run_filters import RunFilter
from penstock.api.run_views import page_of, summary
from penstock.api.views import Columns
from penstock.schemas.ids import derived_id, is_uuid, tenant_id

SAMPLE_RUNS: Final = 20
# Of 1,000 runs each.
COUNTED_PAGES_MAX: Final = 20
PAGE_RUNS: Final = 1_000


def operation(caller: Caller, kind: Kind, words: dict[str, Any], chosen: RunFilter, key: str) -> Bulk:
    """What is asked now. What starts later isn't meant."""
    now_ms = time.time_ns() // 1_000_000
    before_ms = now_ms if chosen.created_before_ms is None else min(now_ms, chosen.created_before_ms)
    bulk_id = derived_id(tenant_id(caller.tenant), f"bulk:{caller.subject}:{key}")
    return Bulk(bulk_id, caller, kind, words, replace(chosen, created_before_ms=before_ms), now_ms)


def same(one: Bulk, other: Bulk) -> bool:
    """Whether both ask for the same, at whatever time."""
    return _asked(one) == _asked(other)


async def would(door: Door, caller: Caller, chosen: RunFilter) -> dict[str, Any]:
    """How many runs it would tell, as far as is counted, and the newest of them."""
    count, place = 0, None
    sample: list[dict[str, Any]] = []
    for _ in range(COUNTED_PAGES_MAX):
        page = await page_of(door.views, caller.tenant, chosen, place, PAGE_RUNS)
        sample += [summary(row) for row in page.rows[: SAMPLE_RUNS - len(sample)]]
        count, place = count + len(page.rows), page.next
        if place is None:
            break
    return {"dry_run": True, "count": count, "count_is_whole": place is None, "sample": sample}


async def ask(
    door: Door, rows: BulkRows, caller: Caller, kind: Kind, body: BulkBody, key: str | None
) -> tuple[dict[str, Any], str | None]:
    """The answer, and the key that repeats the request; None for a dry run. Raises problems: 409, 422, 503."""
    chosen, words = meant(kind, body.filter), spoken(body.words())
    if body.dry_run:
        return await would(door, caller, chosen), None
    key = key or str(uuid.uuid4())
    asked = operation(caller, kind, words, chosen, key)
    await rows.add(asked)
    row = await known(rows, caller, asked.bulk_id)
    if not same(asked, bulk_of(row)):
        detail = "This Idempotency-Key came with another operation: use a new key for a new one."
        raise conflict(detail, bulk_id=asked.bulk_id)
    return document(row), key


async def known(rows: BulkRows, caller: Caller, bulk_id: str) -> Columns:
    """An operation of the tenant's. Raises a 404 problem."""
    row = await rows.one(caller.tenant, bulk_id) if is_uuid(bulk_id) else None
    if row is None:
        raise not_found("bulk operation")
    return row


def document(row: Columns) -> dict[str, Any]:
    """An operation as it is shown."""
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


def told(row: Columns) -> dict[str, Any]:
    """What was done to one run, and what came of it."""
    event = {"type": row["came_of"], "seq": row["seq"], "reason": row["reason"], "detail": row["detail"]}
    about = row["tells"] or row["run_id"]
    return {
        "n": row["n"],
        "run_id": row["run_id"],
        "new_run_id": row["tells"],
        "state": row["state"],
        "error": row["error"],
        "came_of": None if row["came_of"] is None else event,
        "links": {"run": f"/v1/runs/{about}"},
    }


def _asked(bulk: Bulk) -> tuple[object, ...]:
    return replace(bulk.chosen, created_before_ms=None), bulk.kind, bulk.words
