"""/v1/schedules/{name}/parked-inputs: what a schedule's decider failed on is seen, decided again, or given up."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response

from penstock.api.callers import READ, Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.problems import not_found
from penstock.api.rights import RELEASE
from penstock.api.schedule_shapes import ScheduleName, SchedulePause, ScheduleReason
from penstock.api.schedule_telling import Telling
from penstock.api.schedule_views import PARKED, parked_line
from penstock.api.telling import Prefer
from penstock.producers.receipt import Receipt
from penstock.producers.schedules import ScheduleClient
from penstock.schemas.ids import derived_id, is_uuid, schedule_id

# Of a path, whatever it is: what no input can be called isn't there.
ParkedInput = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]
_ROUTE: Final = "/v1/schedules/{name}/parked-inputs"


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["schedules"])

    @router.get(_ROUTE)
    async def parked_inputs(
        name: ScheduleName, caller: Annotated[Caller, Depends(door.keys)], response: Response
    ) -> dict[str, Any]:
        """What the schedule's decider failed on and what waits behind it, the oldest first, at most a hundred."""
        caller.needs(READ, "read a schedule")
        await Telling(door, caller, response, name, None, None).known()
        asked = {"schedule_id": schedule_id(caller.tenant, name), "tenant": caller.tenant}
        return {
            "name": name,
            "parked_inputs": [parked_line(row) for row in await door.views.ask(PARKED, asked)],
        }

    @router.post(_ROUTE + "/{parked_input_id}/release", status_code=202)
    async def release(
        name: ScheduleName,
        parked_input_id: ParkedInput,
        body: ScheduleReason,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Have it decided again, the oldest first, and then those parked behind it. 200 with the schedule, or 202 if
        that takes longer; 409 if another one is older, or if deciding it fails again."""
        telling = Telling(door, caller, response, name, idempotency_key, prefer)
        return await _mend(telling, "release", parked_input_id, body.reason)

    @router.post(_ROUTE + "/{parked_input_id}/discard", status_code=202)
    async def discard(
        name: ScheduleName,
        parked_input_id: ParkedInput,
        body: SchedulePause,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Give it up: nothing follows from it. 200 with the schedule, or 202 if that takes longer."""
        telling = Telling(door, caller, response, name, idempotency_key, prefer)
        return await _mend(telling, "discard", parked_input_id, body.reason)

    return router


async def _mend(telling: Telling, verb: str, parked_input_id: str, reason: str) -> dict[str, Any]:
    """Record who does what and why, then say it. Raises problems."""
    door, caller = telling.door, telling.caller
    caller.needs(RELEASE, f"{verb} a parked input")
    row = await telling.known()
    input_id = telling.input_id(verb, parked_input_id, reason)
    if await telling.effect(input_id) is None:
        if not is_uuid(parked_input_id) or parked_input_id not in row["parked_inputs"]:
            raise not_found("parked input")
        detail = {"schedule": telling.name, "input_id": input_id}
        await door.inbox.record(
            caller,
            lambda operators: operators.record(
                caller.actor,
                f"parked-input.{verb}",
                parked_input_id,
                reason,
                detail,
                action_id=derived_id(input_id, "action"),
            ),
        )
    return await telling.tell(input_id, _said(telling.name, verb, parked_input_id, reason, input_id))


def _said(
    name: str, verb: str, parked_input_id: str, reason: str, input_id: str
) -> Callable[[ScheduleClient], Receipt]:
    if verb == "release":
        return lambda client: client.release(name, parked_input_id, reason, input_id=input_id)
    return lambda client: client.discard(name, parked_input_id, reason, input_id=input_id)
