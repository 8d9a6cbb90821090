"""POST /v1/dead-letters/redrive and /discard: all that match a filter, dry first, then one line of JSON for each."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response, StreamingResponse

from penstock.api.callers import Caller
from penstock.api.dead_letter_desk import Desk
from penstock.api.dead_letters import CHANGE_LETTERS, ms_of
from penstock.api.door import Door
from penstock.api.views import database_away
from penstock.producers.errors import LogError
from penstock.runtime.bulk import Verb, dry_run, one_of_many
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres_dead_letters import Filter
from penstock.runtime.redriving import Redriver

NDJSON: Final = "application/x-ndjson"
# Of one that isn't dry, in the description.
_LINES: Final[dict[str, Any]] = {
    "schema": {
        "type": "string",
        "description": "`dry_run` false: a line of JSON as each is done, and one at the end.",
    },
    "example": '{"of": 1}\n'
    '{"number": 1, "of": 1, "id": "4fd1d0f3-4f14-5b5e-9c0c-5f0a3c1f2b7d", "outcome": "refused", '
    '"kind": "discarded", "detail": "It was discarded: it can\'t be redriven."}\n'
    '{"finished": true, "counts": {"refused": 1}}\n',
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {NDJSON: _LINES}}}
Text = Annotated[str | None, Field(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class Which(BaseModel):
    """Those that match all that is given; `state` is open unless another is named."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    topic: Text = None
    group: Text = None
    error_class: Text = None
    state: Literal["open", "redriving"] = "open"
    since: datetime | None = Field(default=None, alias="from")
    until: datetime | None = None

    def filter(self) -> Filter:
        """As the views are asked."""
        times = ms_of(self.since), ms_of(self.until)
        return Filter(self.topic, self.group, self.error_class, self.state, *times)


class Bulk(BaseModel):
    """Which, why, and whether for good: without `"dry_run": false` nothing is done."""

    model_config = ConfigDict(extra="forbid")

    filter: Which
    reason: str = Field(min_length=1, max_length=2000)
    dry_run: bool = True
    limit: int = Field(default=1000, ge=1, le=10_000)


def routes(door: Door, desk: Desk) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["dead letters"])

    @router.post("/v1/dead-letters/redrive", responses=_ANSWERS)
    async def redrive_all(body: Bulk, caller: Annotated[Caller, Depends(door.keys)]) -> Response:
        """Put all that match back, the oldest first: a line of JSON for each. Closing the connection stops it."""
        caller.needs(CHANGE_LETTERS, "redrive dead letters")
        return await _answer(desk, caller, "redrive", body)

    @router.post("/v1/dead-letters/discard", responses=_ANSWERS)
    async def discard_all(body: Bulk, caller: Annotated[Caller, Depends(door.keys)]) -> Response:
        """Give all that match up, as `redrive` does."""
        caller.needs(CHANGE_LETTERS, "discard dead letters")
        return await _answer(desk, caller, "discard", body)

    return router


async def _answer(desk: Desk, caller: Caller, verb: Verb, body: Bulk) -> Response:
    redriver = Redriver(desk.means, caller.tenant, caller.actor)
    which = body.filter.filter()

    def look() -> dict[str, Any]:
        with redriver:
            return dry_run(redriver, verb, which, body.limit)

    def find() -> list[str]:
        with redriver:
            return redriver.ids(which, body.limit)

    try:
        if body.dry_run:
            return JSONResponse(await desk.run(look))
        idents = await desk.run(find)
    except (DatabaseAway, TimeoutError) as error:
        raise database_away(error) from error
    return StreamingResponse(lines(desk, redriver, verb, body, idents), media_type=NDJSON)


async def lines(
    desk: Desk, redriver: Redriver, verb: Verb, body: Bulk, idents: list[str]
) -> AsyncIterator[str]:
    """One line of JSON for each of them, as it is done; whoever stops reading stops it after the one under way."""
    counts: Counter[str] = Counter()
    which = body.filter.filter()
    try:
        yield _line({"of": len(idents)})
        await desk.run(redriver.__enter__)
        await desk.run(lambda: redriver.say_bulk(f"dead-letter.bulk-{verb}", which, body.reason, len(idents)))
        for number, ident in enumerate(idents, 1):
            did = await desk.run(partial(one_of_many, redriver, verb, ident, body.reason))
            counts[did["outcome"]] += 1
            yield _line({"number": number, "of": len(idents), **did})
        yield _line({"finished": True, "counts": counts})
    except (LogError, DatabaseAway, TimeoutError) as error:
        yield _line(
            {"finished": False, "counts": counts, "why": f"{error or type(error).__name__}: ask again"}
        )
    finally:
        redriver.close()


def _line(said: dict[str, Any]) -> str:
    return json.dumps(said) + "\n"
