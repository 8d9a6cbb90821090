"""POST /case-review, GET /case-review/{task_id}."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from penstock.api.callers import READ, START, Caller
from penstock.api.door import Door, IdempotencyKey, approval_document, moment
from penstock.api.problems import Problem, not_found
from penstock.api.receipts import Receipt, query_of
from penstock.api.run_views import unseen
from penstock.api.starting import Start, begin, input_of
from penstock.api.views import Columns
from penstock.declare.workflows import Workflow
from penstock.schemas.ids import is_uuid

WORKFLOW: Final = "case-review"


class CaseReviewBody(BaseModel):
    """What to review. The workflow's own input type decides which other fields there are."""

    model_config = ConfigDict(extra="allow")

    case_id: str = Field(min_length=1, max_length=200, description="The case in the case store.")


class StartedReview(BaseModel):
    """A review that was accepted: it will reach an end, a question to a person, or a refusal."""

    task_id: str
    status: str
    receipt: Receipt
    links: dict[str, str]


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["case reviews"])

    @router.post("/case-review", status_code=202, response_model=StartedReview)
    async def start(
        body: CaseReviewBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> StartedReview:
        """Start a review. 202: the log has it. Without Idempotency-Key each request is a new one."""
        caller.needs(START, "start a case review")
        workflow = _workflow(door)
        start = Start(workflow, input_of(workflow, body.model_dump()))
        begun = await begin(door, caller, start, idempotency_key)
        to = links(begun.run_id, begun.receipt)
        response.headers["Location"] = to["self"]
        response.headers["Idempotency-Key"] = begun.key
        return StartedReview(task_id=begun.run_id, status="accepted", receipt=begun.receipt, links=to)

    @router.get("/case-review/{task_id}", dependencies=[door.receipts.of_review])
    async def read(task_id: str, caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """Status, result and the questions that wait for people."""
        caller.needs(READ, "read a case review")
        row = await known_run(door, caller, task_id)
        if row is None:
            return _document(unseen(task_id, door.accepted.receipt(task_id, caller.tenant)), [])
        approvals = await door.views.approvals(caller.tenant, run_id=task_id, status="waiting")
        return _document(row, [approval_document(each, caller) for each in approvals])

    return router


def _workflow(door: Door) -> Workflow[object, object]:
    workflow = door.application.workflow(WORKFLOW, None)
    if workflow is None:
        detail = (
            f"The application {door.application.name} registers no workflow {WORKFLOW}: deploy one that does."
        )
        raise Problem(501, "no-such-workflow", "Workflow missing", detail)
    return workflow


async def known_run(door: Door, caller: Caller, task_id: str) -> Columns | None:
    """The run's row, None if it was accepted here and isn't in the views yet. Raises a 404 problem."""
    if not is_uuid(task_id):
        raise not_found("case review")
    row = await door.views.run(caller.tenant, task_id)
    if row is None and door.accepted.get(task_id, caller.tenant) is None:
        raise not_found("case review")
    if row is not None and row["workflow"] not in (None, WORKFLOW):
        raise not_found("case review")
    return row


def _document(row: Columns, approvals: list[dict[str, Any]]) -> dict[str, Any]:
    result = row["result"]
    return {
        "task_id": row["run_id"],
        "status": row["status"],
        "workflow": row["workflow"],
        "workflow_version": row["workflow_version"],
        "requester": row["requester"],
        "started_at": moment(row["started_at_ms"]),
        "deadline": moment(row["deadline_ms"]),
        "ended_at": moment(row["ended_at_ms"]),
        "result": result,
        "citations": result.get("citations", []) if isinstance(result, dict) else [],
        "error": row["error"],
        "last_seq": row["last_seq"],
        "approvals": approvals,
        "links": links(row["run_id"], row.get("receipt")),
    }


def links(task_id: str, receipt: str | None = None) -> dict[str, str]:
    """Where a client goes from here. With the receipt of a review that the views may not show yet."""
    own, shown = f"/case-review/{task_id}", query_of(receipt)
    return {
        "self": f"{own}{shown}",
        "events": f"/v1/runs/{task_id}/events{shown}",
        "cancel": f"{own}/cancel{shown}",
    }
