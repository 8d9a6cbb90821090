"""POST /v1/calls/{id}/settlement: an operator answers whether a call in doubt happened (law L8)."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api import telling
from penstock.api.callers import SETTLE, Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.inbox import input_id_of
from penstock.api.problems import Problem, not_found
from penstock.api.telling import Said
from penstock.schemas.canonical import NotCanonical, canonical_json


class Settlement(BaseModel):
    """The answer. `result` is what the call returned, if it happened and that is known."""

    model_config = ConfigDict(extra="forbid")

    happened: bool
    evidence: str = Field(min_length=1, max_length=4000, description="What was looked at, for the audit.")
    result: Any = None


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["calls"])

    @router.post("/v1/calls/{call_id}/settlement", status_code=202)
    async def settle(
        call_id: str,
        body: Settlement,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Settle a call in doubt. 200 with what came of it, or 202 if that takes longer."""
        caller.needs(SETTLE, "settle a call")
        row = await door.views.call(caller.tenant, call_id)
        if row is None:
            raise not_found("call")
        run_id, attempt, result = row["run_id"], row["attempt"], _result(body)
        words = (call_id, body.happened, body.evidence, result)
        input_id = input_id_of(run_id, caller, idempotency_key, "settle", *words) or str(uuid.uuid4())
        said = Said(
            run_id,
            input_id,
            lambda client: client.settle(
                run_id,
                call_id,
                attempt,
                happened=body.happened,
                result=result,
                evidence=body.evidence,
                input_id=input_id,
            ),
        )
        effect = await telling.came_of(door, caller, said)
        if effect is None:
            # An unsafe call that waits for a callback may be settled, too: the outside system may be gone for good.
            if row["status"] not in ("in_doubt", "deferred"):
                raise _no_question(row["status"])
            effect = await telling.tell(door, caller, said, door.inbox.effect_s)
        answer = {"call_id": call_id, "run_id": run_id, "input_id": input_id}
        if effect is None:
            return answer | {"outcome": "pending", "seq": None}
        telling.check_accepted(effect, "settlement-refused", "Not settled")
        response.status_code = 200
        return answer | {"outcome": effect["type"], "seq": effect["seq"]}

    return router


def _result(body: Settlement) -> bytes | None:
    if body.result is None:
        return None
    try:
        return canonical_json(body.result)
    except NotCanonical as error:
        raise Problem(422, "invalid-request", "Invalid request", f"Correct `result`: {error}.") from error


def _no_question(status: str) -> Problem:
    return Problem(
        409,
        "not-in-doubt",
        "Nothing to settle",
        f"The call is {status}, not in doubt: only a call whose effect nobody knows can be settled.",
    )
