"""GET and POST /v1/schedules, GET, PUT and DELETE /v1/schedules/{name}: runs that start at their times."""

import re
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Header, Query, Response

from penstock.api.callers import READ, Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.preconditions import TAGS_CHARACTERS_MAX, etag
from penstock.api.problems import not_found
from penstock.api.rights import SCHEDULE
from penstock.api.schedule_shapes import REASON_CHARACTERS_MAX, NewSchedule, PlanBody, ScheduleName, plan_of
from penstock.api.schedule_telling import Telling, moved_on
from penstock.api.schedule_views import (
    CURSOR_CHARACTERS_MAX,
    cursor_of,
    document,
    page_of,
    place_of,
    schedule_of,
    summary,
)
from penstock.api.telling import Prefer
from penstock.producers.schedules import plan_sha256

LIMIT_MAX: Final = 200
State = Literal["active", "paused", "over", "deleted"]
Revision = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=TAGS_CHARACTERS_MAX,
        description="The ETag of the schedule that you looked at, which names its plan: 412 if it has another one now.",
    ),
]
_TAG: Final = re.compile(r'"([0-9]{1,9})"')


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["schedules"])
    _reading(router, door)
    _changing(router, door)
    return router


def _reading(router: APIRouter, door: Door) -> None:
    @router.get("/v1/schedules")
    async def schedules(
        caller: Annotated[Caller, Depends(door.keys)],
        state: Annotated[State | None, Query(description="Without it: all but deleted ones.")] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
        cursor: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX)] = None,
    ) -> dict[str, Any]:
        """The tenant's schedules by name. Read on with cursor = next_cursor until that is null."""
        caller.needs(READ, "list schedules")
        after = place_of(cursor, caller.tenant, state)
        rows = await page_of(door.views, caller.tenant, state, after, limit + 1)
        more = len(rows) > limit
        return {
            "schedules": [summary(row) for row in rows[:limit]],
            "next_cursor": cursor_of(rows[limit - 1]["name"], caller.tenant, state) if more else None,
        }

    @router.get("/v1/schedules/{name}")
    async def read(
        name: ScheduleName, caller: Annotated[Caller, Depends(door.keys)], response: Response
    ) -> dict[str, Any]:
        """One schedule: its plan, its next five due times, its last runs. Its ETag is new with each plan of it."""
        caller.needs(READ, "read a schedule")
        row = await schedule_of(door.views, caller.tenant, name)
        if row is None:
            raise not_found("schedule")
        response.headers["ETag"] = etag(row["revision"])
        return document(row)


def _changing(router: APIRouter, door: Door) -> None:
    @router.post("/v1/schedules", status_code=202)
    async def make(
        body: NewSchedule,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Make a schedule. 200 with it, or 202 if that takes longer. The same again is the same; another one of this
        name is a conflict."""
        caller.needs(SCHEDULE, "make a schedule")
        plan = plan_of(door, body)
        telling = Telling(door, caller, response, body.name, idempotency_key, prefer)
        input_id = telling.input_id("create", plan_sha256(plan, body.paused))
        response.headers["Location"] = f"/v1/schedules/{body.name}"
        return await telling.tell(
            input_id, lambda client: client.create(body.name, plan, paused=body.paused, input_id=input_id)
        )

    @router.put("/v1/schedules/{name}", status_code=202)
    async def change(
        name: ScheduleName,
        body: PlanBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        if_match: Revision = None,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Give it another plan, whole: what isn't said is as in a new one. If-Match is judged by the schedule itself:
        of two changes of the same plan at once one counts. 200 with it, or 202 if that takes longer."""
        caller.needs(SCHEDULE, "change a schedule")
        telling = Telling(door, caller, response, name, idempotency_key, prefer)
        plan = plan_of(door, body)
        await telling.known()
        revision = _revision(if_match)
        input_id = telling.input_id("change", plan_sha256(plan), if_match)
        return await telling.tell(
            input_id,
            lambda client: client.revise(name, plan, expected_revision=revision, input_id=input_id),
        )

    @router.delete("/v1/schedules/{name}", status_code=202)
    async def delete(
        name: ScheduleName,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        reason: Annotated[str, Query(max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\x00]*$")] = "",
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """End it. What it has started goes on. 200 when it has ended, or 202 if that takes longer."""
        caller.needs(SCHEDULE, "delete a schedule")
        telling = Telling(door, caller, response, name, idempotency_key, prefer)
        if idempotency_key is None:
            await telling.known()
        input_id = telling.input_id("delete", reason)
        return await telling.tell(input_id, lambda client: client.delete(name, reason, input_id=input_id))


def _revision(if_match: str | None) -> int | None:
    """The revision that a change is for; None for any. Raises a 412 problem for what names none."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = _TAG.fullmatch(if_match.strip())
    if tag is None:
        raise moved_on(f"If-Match names no ETag of it, which are as {etag(3)}")
    return int(tag[1])
