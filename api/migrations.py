"""POST /v1/runs/{id}/migrate: an operator has a run go on under another version of its workflow, or asks whether it
could."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.bulk_shapes import BULK
from penstock.api.callers import Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.inbox import input_id_of
from penstock.api.run_filters import INT4_MAX
from penstock.api.telling import Asked, Prefer, Said
from penstock.schemas.ids import is_uuid


class MigrateBody(BaseModel):
    """To which version, and why. With `trial` the run only says whether its history fits, and stays as it is."""

    model_config = ConfigDict(extra="forbid")

    to_version: int = Field(ge=1, le=INT4_MAX, strict=True)
    reason: str = Field(min_length=1, max_length=2000)
    trial: bool = False


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"], dependencies=[door.receipts.of_run])

    @router.post("/v1/runs/{run_id}/migrate", status_code=202)
    async def migrate(
        run_id: str,
        body: MigrateBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Have it go on under another version of its workflow. The worker replays its history under that version's
        code: 200 if all of it fits, 409 with the difference if it doesn't, and then it stays as it was; 202 if that
        takes longer."""
        caller.needs(BULK, "migrate a run")
        words = (body.to_version, body.trial, body.reason)
        named = is_uuid(run_id) and input_id_of(run_id, caller, idempotency_key, "migrate", *words)
        input_id = named or str(uuid.uuid4())
        said = Said(
            run_id,
            input_id,
            lambda client: client.migrate(
                run_id, body.to_version, body.reason, trial=body.trial, input_id=input_id
            ),
        )
        return await Asked(door, caller, response, prefer).say(said, "migration-refused", "Not migrated")

    return router
