"""Answers about what is done with many runs at once."""

from typing import Annotated, Final, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from penstock.api.told.parts import Cursor, Json, Moment, Seq, Shapes, Uuid, said
from penstock.api.told.runs import RunSummary


class DryRun(TypedDict):
    """What a bulk operation would do."""

    dry_run: Literal[True]
    count: Annotated[int, said("How many runs it would tell, as far as is counted.", minimum=0)]
    count_is_whole: Annotated[bool, said("Whether all were counted: 20,000 are at most.")]
    sample: Annotated[list[RunSummary], said("The newest of them, at most 20.")]


_Outcomes: TypeAlias = Annotated[
    dict[str, int], said("How many runs by how far it is with them: `saying`, `said`, `not_said`.")
]


class BulkOperation(TypedDict):
    """What is done with many runs, and how far it is. Each kind has the words of its request beside the rest."""

    bulk_id: Uuid
    kind: Literal["cancel", "signal", "pause", "continue", "retry", "migrate"]
    reason: str
    name: NotRequired[Annotated[str, said("signal: the signal's name.")]]
    payload: NotRequired[Annotated[Json, said("signal: what it says.")]]
    version: NotRequired[Annotated[int | None, said("retry: under which version; null for each run's own.")]]
    to_version: NotRequired[Annotated[int, said("migrate: to which version.")]]
    trial: NotRequired[Annotated[bool, said("migrate: whether runs only say if they could.")]]
    status: Annotated[
        Literal["waiting", "running", "done", "stopped"],
        said("`waiting`: no API process drives it right now."),
    ]
    asked_by: str
    asked_at: Moment
    ended_at: Moment | None
    stopped_by: str | None
    runs_told: Annotated[int, said("How many runs it has come to so far.", minimum=0)]
    links: dict[str, str]


class BulkEffect(TypedDict):
    """The first event that came of it."""

    type: str
    seq: Seq
    reason: Annotated[str | None, said("Where the event has one.")]
    detail: Annotated[str | None, said("Where the event has one.")]


class BulkRun(TypedDict):
    """What a bulk operation did with one run."""

    n: Annotated[int, said("Its place in the operation, from 1.", minimum=1)]
    run_id: Uuid
    new_run_id: Annotated[Uuid | None, said("retry: the run that does it again.")]
    state: Literal["saying", "said", "not_said"]
    error: Annotated[str | None, said("not_said: why it couldn't be told.")]
    came_of: Annotated[BulkEffect | None, said("Null before the views show it.")]
    links: dict[str, str]


class BulkProgress(BulkOperation):
    """A bulk operation with what it did, in order."""

    done: list[BulkRun]
    next_cursor: Cursor
    runs: _Outcomes


_ASKED: Final = {"200": DryRun, "202": BulkOperation}
SHAPES: Final[Shapes] = {
    "GET /v1/bulk/{bulk_id}": BulkProgress,
    "POST /v1/bulk/{bulk_id}/stop": BulkOperation,
    "POST /v1/runs/cancel": _ASKED,
    "POST /v1/runs/signal": _ASKED,
    "POST /v1/runs/pause": _ASKED,
    "POST /v1/runs/continue": _ASKED,
    "POST /v1/runs/retry": _ASKED,
    "POST /v1/runs/migrate": _ASKED,
}
