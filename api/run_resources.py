"""POST /v1/runs, GET /v1/runs, GET /v1/runs/{id}: start any workflow, list runs, read one."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from penstock.api.callers import READ, START, Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.places import CURSOR_CHARACTERS_MAX
from penstock.api.preconditions import IfNoneMatch, etag, is_same
from penstock.api.problems import Problem, not_found
from penstock.api.receipts import Receipt
from penstock.api.run_filters import INT4_MAX, RunFilter, cursor_of, filter_of, place_of
from penstock.api.run_views import links, page_of, run_of, summary, unseen, waits_for
from penstock.api.starting import Start, begin, input_of
from penstock.api.views import Columns
from penstock.declare.workflows import Workflow
from penstock.schemas.ids import is_uuid

LIMIT_MAX: Final = 200


class RunBody(BaseModel):
    """What to start. `version` is the newest registered unless it is given; `input` is what that version takes."""

    model_config = ConfigDict(extra="forbid")

    workflow: str = Field(min_length=1, max_length=200)
    version: int | None = Field(default=None, ge=1, le=INT4_MAX, strict=True)
    input: Any = None
    search_attributes: dict[str, StrictStr | StrictBool | StrictInt | StrictFloat] = Field(
        default_factory=dict, description="What the run is looked for by: at most 16 plain values by name."
    )


class Started(BaseModel):
    """A run that was accepted: it will reach an end, a question to a person, or a refusal."""

    run_id: str
    status: str
    receipt: Receipt
    links: dict[str, str]


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["runs"])

    @router.post("/v1/runs", status_code=202, response_model=Started)
    async def start(
        body: RunBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> Started:
        """Start a run. 202: the log has it. Without Idempotency-Key each request is a new one."""
        caller.needs(START, "start a run")
        workflow = _workflow(door, body.workflow, body.version)
        value = input_of(workflow, body.input)
        asked = Start(workflow, value, body.version, body.search_attributes)
        begun = await begin(door, caller, asked, idempotency_key)
        to = links(begun.run_id, begun.receipt)
        response.headers.update({"Location": to["self"], "Idempotency-Key": begun.key})
        return Started(run_id=begun.run_id, status="accepted", receipt=begun.receipt, links=to)

    @router.get("/v1/runs")
    async def runs(
        caller: Annotated[Caller, Depends(door.keys)],
        chosen: Annotated[RunFilter, Depends(filter_of)],
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
        cursor: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS_MAX)] = None,
    ) -> dict[str, Any]:
        """The tenant's runs, newest first. Read on with cursor = next_cursor until that is null: a page may be short,
        even empty, before the end. Runs that start meanwhile stand before the first page."""
        caller.needs(READ, "read runs")
        place = place_of(cursor, caller.tenant, chosen)
        page = await page_of(door.views, caller.tenant, chosen, place, limit)
        return {
            "runs": [summary(row) for row in page.rows],
            "next_cursor": cursor_of(page.next, caller.tenant, chosen) if page.next else None,
        }

    @router.get("/v1/runs/{run_id}", response_model=None, dependencies=[door.receipts.of_run])
    async def read(
        run_id: str,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        if_none_match: IfNoneMatch = None,
    ) -> dict[str, Any] | Response:
        """One run: status, input, result, and what it waits for. Its ETag is new with each event of it."""
        caller.needs(READ, "read a run")
        row = await _row(door, caller.tenant, run_id)
        tag = etag(row["last_seq"])
        if is_same(if_none_match, row["last_seq"]):
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
        waiting = waits_for(row) if row["last_seq"] else []
        whole = {"input": row["input"], "result": row["result"], "waits_for": waiting}
        return summary(row) | whole

    return router


async def _row(door: Door, tenant: str, run_id: str) -> Columns:
    row = await run_of(door.views, tenant, run_id) if is_uuid(run_id) else None
    receipt = door.accepted.receipt(run_id, tenant)
    if row is None and receipt is None:
        raise not_found("run")
    return row or unseen(run_id, receipt)


def _workflow(door: Door, name: str, version: int | None) -> Workflow[object, object]:
    workflow = door.application.workflow(name, version)
    if workflow is not None:
        return workflow
    known = [each for each in door.application.workflows if each.name == name]
    if known:
        versions = ", ".join(str(each.version) for each in known)
        detail = f"Correct `version`: {name} is registered in version {versions}, not in {version}."
    else:
        detail = (
            "Correct `workflow`: none of that name is registered. GET /v1/workflows lists those that are."
        )
    raise Problem(422, "unknown-workflow", "Unknown workflow", detail)
