"""POST /v1/approvals/{id}/delegate and /escalate: who may decide a question hands it on."""

import uuid
from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api import telling
from penstock.api.callers import VOTE, Caller
from penstock.api.door import Door, IdempotencyKey, approval_document
from penstock.api.inbox import input_id_of
from penstock.api.problems import not_found
from penstock.api.telling import Said
from penstock.api.views import Columns
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient
from penstock.runtime.effects import word

ESCALATE: Final = (*VOTE, "operator")
_OUTCOMES: Final = {"ApprovalDelegated": "delegated", "ApprovalEscalated": "escalated"}
# Reasons that are about who asks; all others are about the question's state, or whom it is to go to.
_ABOUT_THE_CALLER: Final = frozenset({"own_request", "wrong_role", "not_a_person", "delegated_away"})

Speak = Callable[[RunClient, str, str], Receipt]


class Delegation(BaseModel):
    """To whom a question goes: a subject of the tenant, as the log names it."""

    model_config = ConfigDict(extra="forbid")

    delegate: str = Field(min_length=1, max_length=255, pattern=r"\S")
    reason: str = Field(default="", max_length=2000)


class EscalationBody(BaseModel):
    """Why a question goes to the role that its workflow named."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2000)


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["approvals"])

    @router.post("/v1/approvals/{approval_id}/delegate", status_code=202)
    async def delegate(
        approval_id: str,
        body: Delegation,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Hand it to a person, who may vote then without the role. 200 with what came of it, or 202."""

        def speak(client: RunClient, run_id: str, input_id: str) -> Receipt:
            return client.delegate(run_id, approval_id, body.delegate, body.reason, input_id=input_id)

        said = ("delegate", approval_id, body.delegate, body.reason)
        row = await _row(door, caller, approval_id, VOTE, "delegate an approval")
        return await _say(door, caller, response, row, said, idempotency_key, speak)

    @router.post("/v1/approvals/{approval_id}/escalate", status_code=202)
    async def escalate(
        approval_id: str,
        body: EscalationBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Have the role decide that the workflow named for it. 200 with what came of it, or 202."""

        def speak(client: RunClient, run_id: str, input_id: str) -> Receipt:
            return client.escalate(run_id, approval_id, body.reason, input_id=input_id)

        said = ("escalate", approval_id, body.reason)
        row = await _row(door, caller, approval_id, ESCALATE, "escalate an approval")
        return await _say(door, caller, response, row, said, idempotency_key, speak)

    return router


async def _row(door: Door, caller: Caller, approval_id: str, roles: tuple[str, ...], action: str) -> Columns:
    """The approval, if the caller has any say in it at all; the run judges the rest. Raises 403 and 404."""
    row = await door.views.approval(caller.tenant, approval_id)
    if row is None:
        caller.needs(roles, action)
        raise not_found("approval")
    if row["delegate"] == caller.subject:
        caller.may(action)
    else:
        named = (row["role"], row["escalate_to"])
        caller.needs((*roles, *(role for role in named if role)), action)
    return row


async def _say(
    door: Door,
    caller: Caller,
    response: Response,
    row: Columns,
    words: tuple[str, ...],
    key: str | None,
    speak: Speak,
) -> dict[str, Any]:
    """Say it, and answer with the effect and the approval as it stands then. Raises problems."""
    run_id, approval_id, verb = row["run_id"], row["approval_id"], words[0]
    input_id = input_id_of(run_id, caller, key, words[0], *words[1:]) or str(uuid.uuid4())
    said = Said(run_id, input_id, lambda client: speak(client, run_id, input_id))
    effect = await telling.once(door, caller, said)
    answer = {"approval_id": approval_id, "run_id": run_id, "input_id": input_id}
    if effect is None:
        return answer | {"outcome": "pending"}
    telling.check_accepted(effect, f"{verb}-refused", "Refused by the run", _ABOUT_THE_CALLER)
    response.status_code = 200
    outcome = word(effect, _OUTCOMES, "unchanged")
    now = await door.views.approval(caller.tenant, approval_id) or row
    shown = approval_document(now, caller)
    return answer | {"outcome": outcome, **telling.happened(effect), "approval": shown}
