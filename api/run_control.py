"""POST /v1/runs/{id}/pause and /continue: a person has a run wait, and lets it go on."""

import uuid
from collections.abc import Collection
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.callers import PAUSE, Caller
from penstock.api.door import Door, IdempotencyKey, moment
from penstock.api.inbox import input_id_of
from penstock.api.problems import Problem, not_found
from penstock.api.run_views import links, run_of, waits_for
from penstock.api.views import Columns
from penstock.schemas.ids import is_uuid

_SAID_ANYWAY: Final = frozenset({"InputAccepted", "InputRefused", "InputParked"})
_OUTCOMES: Final = {"RunPaused": "paused", "RunContinued": "continued", "InputParked": "parked"}


class PauseBody(BaseModel):
    """Why a run is paused."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


class ContinueBody(BaseModel):
    """Why a run goes on."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2000)


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"])

    @router.post("/v1/runs/{run_id}/pause", status_code=202)
    async def pause(
        run_id: str,
        body: PauseBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Have it wait. 200 with what came of it and what it waits for, or 202 if that takes longer."""
        return await _say(door, caller, response, run_id, "pause", body.reason, idempotency_key)

    @router.post("/v1/runs/{run_id}/continue", status_code=202)
    async def go_on(
        run_id: str,
        body: ContinueBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Let it go on. 200 with what came of it, or 202 if that takes longer."""
        return await _say(door, caller, response, run_id, "continue", body.reason, idempotency_key)

    return router


async def _say(
    door: Door, caller: Caller, response: Response, run_id: str, verb: str, reason: str, key: str | None
) -> dict[str, Any]:
    """Say it, and answer with the effect. Raises problems."""
    caller.needs(PAUSE, f"{verb} a run")
    await known(door, caller, run_id)
    effects = _SAID_ANYWAY | {"RunPaused" if verb == "pause" else "RunContinued"}
    input_id = input_id_of(run_id, caller, key, verb, reason) or str(uuid.uuid4())
    effect = await door.inbox.past_effect(caller, run_id, input_id, effects)
    if effect is None:
        await door.inbox.say(
            caller,
            lambda client: (
                client.pause(run_id, reason, input_id=input_id)
                if verb == "pause"
                else client.go_on(run_id, reason, input_id=input_id)
            ),
        )
        effect = await door.inbox.effect(caller, run_id, input_id, effects)
    answer = {"run_id": run_id, "input_id": input_id, "links": links(run_id)}
    if effect is None:
        return answer | {"outcome": "pending"}
    refused(effect, verb)
    response.status_code = 200
    row = await known(door, caller, run_id)
    outcome = _OUTCOMES.get(effect["type"]) or ("already-paused" if verb == "pause" else "not-paused")
    return answer | {"outcome": outcome, "seq": effect["seq"]} | pause_document(row)


async def known(door: Door, caller: Caller, run_id: str) -> Columns:
    """The run's row; 404 if the tenant has none, or the views don't show it yet."""
    row = await run_of(door.views, caller.tenant, run_id) if is_uuid(run_id) else None
    if row is None:
        raise not_found("run")
    return row


def refused(effect: Columns, verb: str, about_the_caller: Collection[str] = ("not_a_person",)) -> None:
    """Raises a problem if the run refused it: 403 where that is about who asked, else 409."""
    if effect["type"] != "InputRefused":
        return
    reason, detail = effect["event"]["reason"], effect["event"]["detail"]
    raise Problem(
        403 if reason in about_the_caller else 409,
        f"{verb}-refused:{reason}",
        "Refused by the run",
        detail or f"The run says {reason}: look at it again.",
        more={"reason": reason, "seq": effect["seq"]},
    )


def pause_document(row: Columns) -> dict[str, Any]:
    """What the views say of a run's pause: status, who paused it since when and why, and what it waits for."""
    return {
        "status": row["status"],
        "paused_by": row["paused_by"],
        "pause_reason": row["pause_reason"],
        "paused_at": moment(row["paused_at_ms"]),
        "waits_for": waits_for(row),
    }
