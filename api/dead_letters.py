"""GET /v1/dead-letters, GET /v1/dead-letters/{id}, POST …/redrive, POST …/discard (I3)."""

from base64 import b64decode
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from penstock.api.callers import Caller
from penstock.api.dead_letter_desk import Desk
from penstock.api.door import Door, IdempotencyKey
from penstock.api.problems import Problem, not_found
from penstock.runtime import postgres_dead_letters as rows
from penstock.runtime.dead_letter_documents import document, line
from penstock.runtime.mends import BadMend, Mend, mend_of_fields, mend_of_value
from penstock.runtime.postgres_dead_letters import Filter
from penstock.runtime.redriving import Outcome, Redriver
from penstock.schemas.canonical import NotCanonical, canonical_json, sha256_hex
from penstock.schemas.ids import is_uuid

READ_LETTERS: Final = ("operator", "admin")
CHANGE_LETTERS: Final = ("operator",)
LIMIT_MAX: Final = 500
# Time, id and group of the last one of a page.
MARK: Final = r"^[0-9]{1,18}_[0-9a-f-]{36}_[\x21-\x7e]{1,249}$"

Word = Annotated[str | None, Query(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]
State = Literal["open", "redriving", "redriven", "discarded"]


class Input(BaseModel):
    """An input to be said in the caller's name, in the shape in which a dead letter is shown decoded."""

    model_config = ConfigDict(extra="forbid")

    type: str
    entity_id: str
    fields: dict[str, Any]


class Replacement(BaseModel):
    """What to put back instead: `input`, or `value`, a record's bytes in base64, of which the envelope is dropped."""

    model_config = ConfigDict(extra="forbid")

    input: Input | None = None
    value: str | None = Field(default=None, max_length=2_000_000)

    @model_validator(mode="after")
    def _one(self) -> "Replacement":
        if (self.input is None) == (self.value is None):
            raise ValueError("give either input or value")
        return self


class Redrive(BaseModel):
    """Why, and what to put back if not the record itself."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)
    replacement: Replacement | None = None
    again: bool = Field(default=False, description="Also if it was redriven or discarded before.")


class Discard(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)


def routes(door: Door, desk: Desk) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["dead letters"])
    _reading(router, door, desk)
    _changing(router, door, desk)
    return router


def _reading(router: APIRouter, door: Door, desk: Desk) -> None:
    @router.get("/v1/dead-letters")
    async def dead_letters(
        caller: Annotated[Caller, Depends(door.keys)],
        topic: Word = None,
        group: Word = None,
        error_class: Word = None,
        state: Annotated[State | None, Query()] = None,
        since: Annotated[datetime | None, Query(alias="from", description="The record's log time.")] = None,
        until: Annotated[datetime | None, Query(description="Excluded.")] = None,
        cursor: Annotated[str | None, Query(pattern=MARK)] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> dict[str, Any]:
        """Records of the tenant that couldn't be taken, newest first. Read on with cursor = next_cursor
        and the same filters, until it is null."""
        caller.needs(READ_LETTERS, "list dead letters")
        which = Filter(topic, group, error_class, state, ms_of(since), ms_of(until))
        page = {"tenant": caller.tenant, "limit": limit, **_below(cursor)}
        found = await door.views.ask(rows.LIST, {**which.values(), **page})
        last = found[-1] if len(found) == limit else None
        return {
            "dead_letters": [line(row) for row in found],
            "next_cursor": f"{last['time_ms']}_{last['id']}_{last['consumer_group']}" if last else None,
        }

    @router.get("/v1/dead-letters/{dead_letter_id}")
    async def dead_letter(
        dead_letter_id: str, caller: Annotated[Caller, Depends(door.keys)]
    ) -> dict[str, Any]:
        """One of them: its bytes, decoded where they decode, its headers, why, and what was done with it."""
        caller.needs(READ_LETTERS, "read a dead letter")
        asked = {"tenant": caller.tenant, "id": dead_letter_id}
        found = await door.views.ask(rows.ONE, asked) if is_uuid(dead_letter_id) else []
        if not found:
            raise not_found("dead letter")
        return document(found, await door.views.ask(rows.DONE, asked), desk.means.codec)


def _changing(router: APIRouter, door: Door, desk: Desk) -> None:
    @router.post("/v1/dead-letters/{dead_letter_id}/redrive")
    async def redrive(
        dead_letter_id: str,
        body: Redrive,
        caller: Annotated[Caller, Depends(door.keys)],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Put it back into the inbox that it came from, or a replacement, which is said in the caller's name."""
        caller.needs(CHANGE_LETTERS, "redrive dead letters")
        mend = _mend(body.replacement, desk)
        if mend is not None:
            caller.needs(*mend.right)
        words = (
            idempotency_key and f"redrive\x1f{idempotency_key}\x1f{body.again}\x1f{_digest(body.replacement)}"
        )

        def work(redriver: Redriver) -> Outcome:
            return redriver.redrive(dead_letter_id, body.reason, mend, again=body.again, words=words)

        return asdict(await desk.at(caller, dead_letter_id, work))

    @router.post("/v1/dead-letters/{dead_letter_id}/discard")
    async def discard(
        dead_letter_id: str,
        body: Discard,
        caller: Annotated[Caller, Depends(door.keys)],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Give it up. Its bytes stay on the log."""
        caller.needs(CHANGE_LETTERS, "discard dead letters")
        words = idempotency_key and f"discard\x1f{idempotency_key}"
        outcome = await desk.at(
            caller,
            dead_letter_id,
            lambda redriver: redriver.discard(dead_letter_id, body.reason, words=words),
        )
        return {"id": outcome.id, "state": outcome.state, "action_id": outcome.action_id}


def ms_of(time: datetime | None) -> int | None:
    """A moment as ms; one without a zone is UTC."""
    if time is None:
        return None
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def _below(mark: str | None) -> dict[str, object]:
    if mark is None:
        return {"below_ms": None, "below_id": None, "below_group": None}
    time_ms, ident, group = mark.split("_", 2)
    return {"below_ms": int(time_ms), "below_id": ident, "below_group": group}


def _mend(given: Replacement | None, desk: Desk) -> Mend | None:
    if given is None:
        return None
    try:
        if given.input is not None:
            return mend_of_fields(given.input.type, given.input.entity_id, given.input.fields)
        return mend_of_value(b64decode(given.value or "", validate=True), desk.means.codec)
    except (BadMend, ValueError) as error:
        raise bad_mend(error) from error


def bad_mend(error: Exception) -> Problem:
    """A replacement that is no input."""
    return Problem(422, "invalid-request", "Invalid request", f"Correct the replacement: {error}.")


def _digest(given: Replacement | None) -> str:
    try:
        return "" if given is None else sha256_hex(canonical_json(given.model_dump()))
    except NotCanonical as error:
        raise bad_mend(error) from error
