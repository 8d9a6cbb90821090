"""GET /v1/approvals, /v1/approvals/{id}, POST /v1/approvals/{id}/votes."""

import uuid
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api import places, telling
from penstock.api.callers import READ, VOTE, Caller
from penstock.api.door import Door, IdempotencyKey, approval_document
from penstock.api.inbox import input_id_of
from penstock.api.places import CURSOR_CHARACTERS_MAX
from penstock.api.problems import not_found
from penstock.api.run_filters import Text
from penstock.api.telling import Said
from penstock.runtime.effects import word

LIMIT_MAX: Final = 500
_OUTCOMES: Final = {"ApprovalGranted": "granted", "ApprovalRefused": "refused", "VoteCounted": "counted"}
# Reasons that are about who votes; all others are about the question's state.
_ABOUT_THE_VOTER: Final = frozenset(
    {"own_request", "wrong_role", "delegated_away", "unsigned", "unauthorized"}
)


class Vote(BaseModel):
    """A vote. `args_sha256` is that of the arguments that the voter was shown, from GET /v1/approvals."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["grant", "refuse"]
    args_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    reason: str = Field(default="", max_length=2000)


Status = Literal["waiting", "granted", "refused", "expired", "closed"]


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["approvals"])

    _reading(router, door)

    @router.post("/v1/approvals/{approval_id}/votes", status_code=202)
    async def vote(
        approval_id: str,
        body: Vote,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Vote. 200 with what came of it, or 202 if that takes longer. The run judges, not the API."""
        row = await door.views.approval(caller.tenant, approval_id)
        if row is None:
            caller.needs(VOTE, "vote")
            raise not_found("approval")
        if row["delegate"] == caller.subject:
            caller.may("vote")
        else:
            caller.needs((*VOTE, *([row["role"]] if row["role"] else [])), "vote")
        run_id = row["run_id"]
        words = approval_id, body.decision, body.args_sha256, body.reason
        input_id = input_id_of(run_id, caller, idempotency_key, "vote", *words) or str(uuid.uuid4())
        said = Said(run_id, input_id, lambda client: client.vote(run_id, *words, input_id=input_id))
        effect = await telling.once(door, caller, said)
        answer = {"approval_id": approval_id, "run_id": run_id, "input_id": input_id}
        if effect is None:
            return answer | {"outcome": "pending"}
        telling.check_accepted(effect, "vote-refused", "Vote refused", _ABOUT_THE_VOTER, ("VoteRefused",))
        response.status_code = 200
        outcome = word(effect, _OUTCOMES, "counted")
        return answer | {"outcome": outcome, **telling.happened(effect)}

    return router


def _reading(router: APIRouter, door: Door) -> None:
    @router.get("/v1/approvals")
    async def approvals(
        caller: Annotated[Caller, Depends(door.keys)],
        status: Annotated[Status | None, Query()] = None,
        role: Annotated[Text, Query(description="Only those that this role decides now.")] = None,
        run_id: Annotated[Text, Query(description="Only those of this run.")] = None,
        mine: Annotated[bool, Query(description="Only those that the caller may decide now.")] = False,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX)] = None,
    ) -> dict[str, Any]:
        """The tenant's approvals, oldest first. `may_vote` says which of them this caller may decide. Read on with
        cursor = next_cursor and the same filters, until it is null."""
        if mine:
            caller.may("read approvals")
        else:
            caller.needs(READ, "read approvals")
        filters = [caller.tenant, "approvals", status, role, run_id, caller.subject if mine else None]
        after = places.place_of(cursor, filters)
        if mine and not caller.can("vote"):
            return {"approvals": [], "next_cursor": None}
        rows = await door.views.approvals(
            caller.tenant,
            run_id=run_id,
            status=status,
            role=role,
            limit=limit + 1,
            voter=caller if mine else None,
            after=after,
        )
        last = rows[limit - 1] if len(rows) > limit else None
        return {
            "approvals": [approval_document(row, caller) for row in rows[:limit]],
            "next_cursor": last and places.cursor_of(last["place_ms"], last["approval_id"], filters),
        }

    @router.get("/v1/approvals/{approval_id}")
    async def approval(approval_id: str, caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """One approval, as in the list: for whoever reads runs, has the role that it asks for or goes to, or was
        handed it."""
        row = await door.views.approval(caller.tenant, approval_id)
        if row is not None and row["delegate"] == caller.subject:
            caller.may("read an approval")
        else:
            asked = (row["role"], row["escalate_to"]) if row else ()
            caller.needs((*READ, *(role for role in asked if role)), "read an approval")
        if row is None:
            raise not_found("approval")
        return approval_document(row, caller)
