"""Answers about case reviews."""

from typing import Annotated, Final

from typing_extensions import TypedDict

from penstock.api.told.approvals import Approval
from penstock.api.told.parts import Failed, Json, Moment, Shapes, Uuid, said
from penstock.api.told.runs import RunStatus


class CaseReview(TypedDict):
    """A review, and the questions of it that wait for people. What isn't known before the views show it is null."""

    task_id: Annotated[Uuid, said("The review's run.")]
    status: RunStatus
    workflow: str | None
    workflow_version: int | None
    requester: Annotated[str | None, said("Who asked for it.")]
    started_at: Moment | None
    deadline: Annotated[Moment | None, said("When it is ended if it hasn't ended by itself.")]
    ended_at: Moment | None
    result: Json
    citations: Annotated[list[Json], said("What the result rests on, where it says so.")]
    error: Annotated[Failed | None, said("Why it failed, was refused or cancelled, or what keeps it.")]
    last_seq: Annotated[int, said("Of its newest event; 0 before the views show any.", minimum=0)]
    approvals: list[Approval]
    links: Annotated[dict[str, str], said("Where to go from here: paths by what is done there.")]


class CancelledReview(TypedDict):
    """What came of asking for a review's early end."""

    task_id: Annotated[Uuid, said("The review's run.")]
    outcome: Annotated[str, said("`pending`, or the type of the event that says it: `RunEnding` …")]
    links: dict[str, str]


SHAPES: Final[Shapes] = {
    "GET /case-review/{task_id}": CaseReview,
    "POST /case-review/{task_id}/cancel": CancelledReview,
}
