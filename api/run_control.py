"""POST /v1/runs/{id}/pause and /continue: a person has a run wait, and lets it go on."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api import telling
from penstock.api.callers import PAUSE, Caller
from penstock.api.door import Door, IdempotencyKey, moment
from penstock.api.inbox import input_id_of
from penstock.api.preconditions import IfMatch
from penstock.api.problems import not_found, unavailable
from penstock.api.run_views import links, run_of, waits_for
from penstock.api.telling import Said
from penstock.api.views import Columns
from penstock.runtime.effects import word
from penstock.schemas.ids import is_uuid

ABOUT_THE_CALLER: Final = frozenset({"not_a_person"})
_NOT_SHOWN: Final = "The run was accepted, and the views don't show it yet: send the same again in a moment."
_OUTCOMES: Final = {"RunPaused": "paused", "RunContinued": "continued"}


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
    router = APIRouter(tags=["runs"], dependencies=[door.receipts.of_run])

    @router.post("/v1/runs/{run_id}/pause", status_code=202)
    async def pause(
        run_id: str,
        body: PauseBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> dict[str, Any]:
        """Have it wait. 200 with what came of it and what it waits for, or 202 if that takes longer."""
        said = "pause", body.reason, idempotency_key, if_match
        return await _say(door, caller, response, run_id, *said)

    @router.post("/v1/runs/{run_id}/continue", status_code=202)
    async def go_on(
        run_id: str,
        body: ContinueBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> dict[str, Any]:
        """Let it go on. 200 with what came of it, or 202 if that takes longer."""
        said = "continue", body.reason, idempotency_key, if_match
        return await _say(door, caller, response, run_id, *said)

    return router


async def _say(
    door: Door,
    caller: Caller,
    response: Response,
    run_id: str,
    verb: str,
    reason: str,
    key: str | None,
    if_match: str | None,
) -> dict[str, Any]:
    """Say it, and answer with the effect. Raises problems."""
    caller.needs(PAUSE, f"{verb} a run")
    row = await known(door, caller, run_id)
    input_id = input_id_of(run_id, caller, key, verb, reason) or str(uuid.uuid4())
    said = Said(
        run_id,
        input_id,
        lambda client: (
            client.pause(run_id, reason, input_id=input_id)
            if verb == "pause"
            else client.go_on(run_id, reason, input_id=input_id)
        ),
    )
    effect = await telling.once(door, caller, said, last_seq=row["last_seq"], if_match=if_match)
    answer = {"run_id": run_id, "input_id": input_id, "links": links(run_id)}
    if effect is None:
        return answer | {"outcome": "pending", "seq": None}
    telling.check_accepted(effect, f"{verb}-refused", "Refused by the run", ABOUT_THE_CALLER)
    response.status_code = 200
    row = await known(door, caller, run_id)
    outcome = word(effect, _OUTCOMES, "already-paused" if verb == "pause" else "not-paused")
    return answer | {"outcome": outcome, "seq": effect["seq"]} | pause_document(row)


async def known(door: Door, caller: Caller, run_id: str) -> Columns:
    """The run's row. Raises problems: 404 if the tenant has none, 503 if the views don't show it yet."""
    row = await run_of(door.views, caller.tenant, run_id) if is_uuid(run_id) else None
    if row is None and door.accepted.get(run_id, caller.tenant) is not None:
        raise unavailable("not-shown-yet", "Not shown yet", _NOT_SHOWN, retry_after_s=1)
    if row is None:
        raise not_found("run")
    return row


def pause_document(row: Columns) -> dict[str, Any]:
    """What the views say of a run's pause: status, who paused it since when and why, and what it waits for."""
    return {
        "status": row["status"],
        "paused_by": row["paused_by"],
        "pause_reason": row["pause_reason"],
        "paused_at": moment(row["paused_at_ms"]),
        "waits_for": waits_for(row),
    }
