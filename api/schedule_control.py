"""POST /v1/schedules/{name}/pause, /resume and /trigger."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from penstock.api.callers import Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.rights import SCHEDULE
from penstock.api.schedule_shapes import ScheduleName, SchedulePause, ScheduleReason
from penstock.api.schedule_telling import Telling
from penstock.api.telling import Prefer


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["schedules"])

    @router.post("/v1/schedules/{name}/pause", status_code=202)
    async def pause(
        name: ScheduleName,
        body: SchedulePause,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Have it start nothing by itself. 200 with it, or 202 if that takes longer."""
        caller.needs(SCHEDULE, "pause a schedule")
        telling = Telling(door, caller, response, name, idempotency_key, prefer)
        await telling.known()
        input_id = telling.input_id("pause", body.reason)
        return await telling.tell(input_id, lambda client: client.pause(name, body.reason, input_id=input_id))

    @router.post("/v1/schedules/{name}/resume", status_code=202)
    async def resume(
        name: ScheduleName,
        body: ScheduleReason,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Have it go on from now: what was due meanwhile isn't made up for. 200, or 202 if that takes longer."""
        caller.needs(SCHEDULE, "resume a schedule")
        telling = Telling(door, caller, response, name, idempotency_key, prefer)
        await telling.known()
        input_id = telling.input_id("resume", body.reason)
        return await telling.tell(
            input_id, lambda client: client.resume(name, body.reason, input_id=input_id)
        )

    @router.post("/v1/schedules/{name}/trigger", status_code=202)
    async def trigger(
        name: ScheduleName,
        body: ScheduleReason,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Have it start a run now, beside those at its times, also while it is paused. One Idempotency-Key is one run,
        and whoever asks for it doesn't vote on it. 200 with the run's id, or 202 if that takes longer."""
        caller.needs(SCHEDULE, "trigger a schedule")
        telling = Telling(door, caller, response, name, idempotency_key, prefer)
        await telling.known()
        input_id = telling.input_id("trigger", body.reason)
        return await telling.tell(
            input_id, lambda client: client.trigger(name, body.reason, input_id=input_id)
        )

    return router
