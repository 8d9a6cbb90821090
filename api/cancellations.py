"""POST /case-review/{task_id}/cancel."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from penstock.api import telling
from penstock.api.callers import CANCEL, Caller
from penstock.api.case_reviews import known_run, links
from penstock.api.door import Door, IdempotencyKey
from penstock.api.inbox import input_id_of
from penstock.api.telling import Said


class CancelReviewBody(BaseModel):
    """Why a review is cancelled."""

    reason: str = Field(min_length=1, max_length=2000)


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["case reviews"], dependencies=[door.receipts.of_review])

    @router.post("/case-review/{task_id}/cancel", status_code=202)
    async def cancel(
        task_id: str,
        body: CancelReviewBody,
        caller: Annotated[Caller, Depends(door.keys)],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Ask for an early end. It is cancelled when every call under way is settled."""
        caller.needs(CANCEL, "cancel a case review")
        await known_run(door, caller, task_id)
        input_id = input_id_of(task_id, caller, idempotency_key, "cancel", body.reason) or str(uuid.uuid4())
        said = Said(task_id, input_id, lambda client: client.cancel(task_id, body.reason, input_id=input_id))
        effect = await telling.once(door, caller, said)
        telling.outcome(effect, "cancel-refused", "Not cancelled")
        outcome = "pending" if effect is None else effect["type"]
        return {"task_id": task_id, "outcome": outcome, "links": links(task_id)}

    return router
