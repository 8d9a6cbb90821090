"""Answers about runs, and what is done with one of them."""

from typing import Annotated, Final, Literal, NotRequired, TypeAlias

from pydantic import ConfigDict
from typing_extensions import TypedDict

from penstock.api.told.parts import Cursor, Failed, InputId, Json, Moment, Shapes, Uuid, said

RunStatus: TypeAlias = Literal[
    "accepted",
    "running",
    "waiting_approval",
    "in_doubt",
    "stalled",
    "parked",
    "paused",
    "ending",
    "completed",
    "failed",
    "cancelled",
    "refused",
]
_Links: TypeAlias = Annotated[dict[str, str], said("Where to go from here: paths by what is done there.")]
_EventSeq: TypeAlias = Annotated[
    int | None, said("The event that says what came of it; null before that, and for a dead letter.")
]


class WaitsFor(TypedDict):
    """One of the things that must happen before a run goes on. `kind` says which of the other fields there are."""

    kind: Literal["parked_input", "continue", "code", "approval", "call", "timer", "timer_or_signal"]
    input_id: NotRequired[Annotated[str, said("parked_input: an operator releases or discards it.")]]
    paused_by: NotRequired[Annotated[str, said("continue: who paused the run.")]]
    reason: NotRequired[Annotated[str | None, said("continue: why it was paused.")]]
    error: NotRequired[Annotated[Failed | None, said("code: what keeps the workflow's code from going on.")]]
    approval_id: NotRequired[Annotated[Uuid, said("approval: whose decision is waited for.")]]
    role: NotRequired[Annotated[str | None, said("approval: who may vote.")]]
    quorum: NotRequired[Annotated[int | None, said("approval: how many must agree.")]]
    expires_at: NotRequired[Annotated[Moment | None, said("approval: when it counts as refused.")]]
    call_id: NotRequired[Annotated[Uuid, said("call: which one isn't over.")]]
    tool: NotRequired[Annotated[str | None, said("approval, call: the tool's name.")]]
    attempt: NotRequired[Annotated[int, said("call: from 1.")]]
    status: NotRequired[Literal["requested", "started", "deferred", "held", "in_doubt"]]
    callback_expires_at: NotRequired[
        Annotated[Moment | None, said("call: until when an outside system may answer; null for other calls.")]
    ]
    timer_id: NotRequired[Annotated[str, said("timer: which one.")]]


class RunSummary(TypedDict):
    """A run in a list. What isn't known before the views show its start is null."""

    run_id: Uuid
    workflow: str | None
    workflow_version: int | None
    status: RunStatus
    requester: Annotated[str | None, said("Who started it.")]
    priority: Annotated[int | None, said("Higher goes first.")]
    search_attributes: Annotated[
        dict[str, str | bool | int | float], said("What the run is looked for by: plain values by name.")
    ]
    created_at: Annotated[Moment | None, said("When its first event was written.")]
    started_at: Moment | None
    ended_at: Moment | None
    deadline: Annotated[Moment | None, said("When it is ended if it hasn't ended by itself.")]
    error: Annotated[Failed | None, said("Why it failed, was refused or cancelled, or what keeps it.")]
    last_seq: Annotated[int, said("Of its newest event; 0 before the views show any.", minimum=0)]
    last_event_at: Moment | None
    links: _Links


class RunDetail(RunSummary):
    """A run, with what it was given, what it came to, and what it waits for."""

    input: Json
    result: Json
    waits_for: Annotated[list[WaitsFor], said("Empty once it has ended; of each kind the first few.")]


class RunPage(TypedDict):
    """Some of the tenant's runs, newest first."""

    runs: list[RunSummary]
    next_cursor: Cursor


class RunResult(TypedDict):
    """What a run came to, or that it hasn't ended."""

    run_id: Uuid
    status: RunStatus
    result: Json
    error: Failed | None
    ended_at: Moment | None
    last_seq: Annotated[int, said("Of its newest event; 0 before the views show any.", minimum=0)]
    links: _Links


class Effect(TypedDict):
    """The event that says what came of it: its type, and its own fields beside that."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    type: Annotated[str, said("Its Avro schema's name, or `DeadLetter`.")]


class ToldRun(TypedDict):
    """What came of something that was said to a run."""

    run_id: Uuid
    input_id: InputId
    outcome: Literal["pending", "accepted", "applied", "parked", "discarded", "dead_letter"]
    seq: _EventSeq
    event: Effect | None
    links: _Links


class PausedRun(TypedDict):
    """What came of pausing a run or letting it go on. All but the first five only once that is known."""

    run_id: Uuid
    input_id: InputId
    outcome: Literal[
        "pending", "paused", "continued", "already-paused", "not-paused", "parked", "discarded", "dead_letter"
    ]
    seq: _EventSeq
    links: _Links
    status: NotRequired[RunStatus]
    paused_by: NotRequired[str | None]
    pause_reason: NotRequired[str | None]
    paused_at: NotRequired[Moment | None]
    waits_for: NotRequired[list[WaitsFor]]


class SettledCall(TypedDict):
    """What came of settling a call in doubt."""

    call_id: Uuid
    run_id: Uuid
    input_id: InputId
    outcome: Annotated[str, said("`pending`, or the type of the event that says it: `ToolCallCompleted` …")]
    seq: _EventSeq


SHAPES: Final[Shapes] = {
    "GET /v1/runs": RunPage,
    "GET /v1/runs/{run_id}": RunDetail,
    "GET /v1/runs/{run_id}/result": RunResult,
    "POST /v1/runs/{run_id}/cancel": ToldRun,
    "POST /v1/runs/{run_id}/signals/{name}": ToldRun,
    "POST /v1/runs/{run_id}/migrate": ToldRun,
    "POST /v1/runs/{run_id}/pause": PausedRun,
    "POST /v1/runs/{run_id}/continue": PausedRun,
    "POST /v1/calls/{call_id}/settlement": SettledCall,
}
