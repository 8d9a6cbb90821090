"""POST /v1/runs/{id}/cancel, /v1/runs/{id}/signals/{name}: tell a run something, and say what came of it."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.callers import CANCEL, Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.inbox import input_id_of
from penstock.api.preconditions import IfMatch
from penstock.api.problems import Problem
from penstock.api.telling import Asked, Prefer, Said
from penstock.schemas.canonical import NotCanonical, canonical_json, sha256_hex
from penstock.schemas.ids import derived_id, is_uuid

SIGNAL: Final = CANCEL
SignalName = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class CancelBody(BaseModel):
    """Why a run is cancelled; it stays on the log."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


class SignalBody(BaseModel):
    """What a signal says: JSON that fits the model that the workflow declares for it."""

    model_config = ConfigDict(extra="forbid")

    payload: Any = None


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"], dependencies=[door.receipts.of_run])

    @router.post("/v1/runs/{run_id}/cancel", status_code=202)
    async def cancel(
        run_id: str,
        body: CancelBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Ask for an early end: it takes no more steps, and is cancelled when every call under way is settled. 200
        with what came of it, or 202 if that takes longer."""
        caller.needs(CANCEL, "cancel a run")
        asked = Asked(door, caller, response, prefer, if_match)
        input_id = _input_id(run_id, caller, idempotency_key, "cancel", body.reason)
        said = Said(run_id, input_id, lambda client: client.cancel(run_id, body.reason, input_id=input_id))
        return await asked.say(said, "cancel-refused", "Not cancelled")

    @router.post("/v1/runs/{run_id}/signals/{name}", status_code=202)
    async def signal(
        run_id: str,
        name: SignalName,
        body: SignalBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Tell a run what its workflow waits for, now or later. One Idempotency-Key is one signal. 200 with what came
        of it, or 202 if that takes longer."""
        caller.needs(SIGNAL, "signal a run")
        asked = Asked(door, caller, response, prefer, if_match)
        key = idempotency_key or str(uuid.uuid4())
        response.headers["Idempotency-Key"] = key
        input_id = _input_id(run_id, caller, key, "signal", name, _sha256(body.payload))
        signal_id = _input_id(run_id, caller, key, "signal-id")
        said = Said(
            run_id,
            input_id,
            lambda client: client.signal(run_id, name, body.payload, signal_id, input_id=input_id),
        )
        return await asked.say(said, "signal-refused", "Signal not taken")

    return router


def _input_id(run_id: str, caller: Caller, key: str | None, verb: str, *said: object) -> str:
    """An id even where the path names no run: that it is none is said once its caller is known to be let in."""
    if not is_uuid(run_id):
        return str(uuid.uuid4())
    return input_id_of(run_id, caller, key, verb, *said) or derived_id(run_id, f"api:{uuid.uuid4()}")


def _sha256(payload: object) -> str:
    try:
        return sha256_hex(canonical_json(payload))
    except NotCanonical as error:
        raise Problem(422, "invalid-request", "Invalid request", f"Correct `payload`: {error}.") from error
