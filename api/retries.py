"""POST /v1/runs/{id}/retry: a failed run again, from the start, as a new run that names it."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.callers import Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.problems import Problem
from penstock.api.receipts import Receipt
from penstock.api.rights import RETRY
from penstock.api.run_control import known
from penstock.api.run_filters import INT4_MAX
from penstock.api.run_views import links
from penstock.api.starting import Begun, Start, begin
from penstock.api.views import Columns
from penstock.producers.retries import Retry
from penstock.schemas.canonical import NotCanonical, canonical_json, sha256_hex

# A run's start is its first event, but for what was refused before it.
_LOOK: Final = 100


class RetryBody(BaseModel):
    """`version` is the failed run's own unless it is given."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = Field(default=None, ge=1, le=INT4_MAX, strict=True)


class Retried(BaseModel):
    """The new run. It was accepted: it will reach an end, a question to a person, or a refusal."""

    run_id: str
    retry_of: str
    status: str
    receipt: Receipt
    links: dict[str, str]


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"], dependencies=[door.receipts.of_run])

    @router.post("/v1/runs/{run_id}/retry", status_code=202, response_model=Retried)
    async def retry(
        run_id: str,
        body: RetryBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> Retried:
        """Do it again. 202: the log has the new run's start. The same key again is the same run, none is one too."""
        caller.needs(RETRY, "retry a run")
        begun = await again(door, caller, run_id, body.version, idempotency_key)
        to = links(begun.run_id, begun.receipt)
        response.headers["Location"] = to["self"]
        return Retried(
            run_id=begun.run_id, retry_of=run_id, status="accepted", receipt=begun.receipt, links=to
        )

    return router


async def again(door: Door, caller: Caller, run_id: str, version: int | None, key: str | None) -> Begun:
    """Have a failed run done again; the new run. Raises problems: 404, 409, 422, 429, 503."""
    row = await known(door, caller, run_id)
    if row["status"] != "failed":
        raise _not_failed(row["status"])
    asked = _start(door, row, await _started(door, caller, run_id), version)
    return await begin(door, caller, asked, key)


async def _started(door: Door, caller: Caller, run_id: str) -> Mapping[str, Any]:
    """What the failed run was started with. Raises a 409 problem if that can't be sent again from here."""
    events = await door.views.events(caller.tenant, run_id, 1, _LOOK)
    found = next((each["event"] for each in events if each["type"] == "RunStarted"), None)
    if found is None:
        raise _unreadable("its start isn't among its first events")
    given: Mapping[str, Any] = found
    try:
        same = sha256_hex(canonical_json(given["input"]["content"])) == given["input"]["sha256"]
    except NotCanonical:
        same = False
    if not same:
        raise _unreadable("its input isn't JSON that stands inline and in the clear")
    return given


def _start(door: Door, row: Columns, given: Mapping[str, Any], version: int | None) -> Start:
    """The start of the new run. Raises a 422 problem if its workflow isn't registered here."""
    name, chosen = row["workflow"], version or row["workflow_version"]
    workflow = door.application.workflow(name, chosen)
    if workflow is None:
        versions = sorted(each.version for each in door.application.workflows if each.name == name)
        detail = f"Correct `version`: {name} v{chosen} isn't registered, but {versions or 'no version'} is."
        raise Problem(422, "unknown-workflow", "Unknown workflow", detail)
    before = dict.fromkeys((*given["requesters_before"], given["requester"]))
    attributes = given["search_attributes"]
    return Start(
        workflow,
        given["input"]["content"],
        chosen,
        {} if attributes is None else json.loads(attributes),
        given["priority"],
        Retry(row["run_id"], tuple(before)),
    )


def _not_failed(status: str) -> Problem:
    detail = f"The run is {status}: only a run that has failed can be retried. Start another one with POST /v1/runs."
    return Problem(409, "not-failed", "Nothing to retry", detail)


def _unreadable(why: str) -> Problem:
    detail = f"The run can't be retried from its history ({why}): start it anew with POST /v1/runs."
    return Problem(409, "start-unreadable", "Start unreadable", detail)
