"""Answers about workflows, their versions and tools."""

from typing import Annotated, Final, Literal, TypeAlias

from typing_extensions import TypedDict

from penstock.api.told.parts import Cursor, Json, Moment, Shapes, Uuid, said
from penstock.api.told.runs import RunSummary, WaitsFor

_Links: TypeAlias = Annotated[dict[str, str], said("Where to go from here: paths by what is there.")]
_Version: TypeAlias = Annotated[int, said("From 1.", minimum=1)]
_Newest: TypeAlias = Annotated[int, said("The newest version that is registered.", minimum=1)]
_Schema: TypeAlias = dict[str, Json]
_Effect: TypeAlias = Annotated[
    Literal["read", "idempotent", "unsafe"],
    said("What calling it twice does: nothing, nothing more under the same key, harm."),
]
_Risk: TypeAlias = Literal["low", "medium", "high"]
_Runs: TypeAlias = Annotated[int, said("How many runs.", minimum=1)]
_RunIds: TypeAlias = Annotated[list[Uuid], said("The oldest of these runs, at most 5.")]
_Since: TypeAlias = Annotated[Moment, said("Since when the first of them waits for it.")]


class ToolSummary(TypedDict):
    """A tool in a list, as its newest version is."""

    name: str
    current_version: _Newest
    effect: _Effect
    risk: _Risk
    links: _Links


class ToolList(TypedDict):
    """All tools that the application registers, by name."""

    tools: list[ToolSummary]


class ApprovalRuleName(TypedDict):
    """The rule by which calls of a tool are approved."""

    name: str
    version: int


class ToolRate(TypedDict):
    """How many calls may begin in which time."""

    count: Annotated[int, said("Calls in any stretch of `per_ms`.", minimum=1)]
    per_ms: Annotated[int, said("In ms.", minimum=1)]


class ToolLimits(TypedDict):
    """What the calls of a tool are held to."""

    concurrency: Annotated[int, said("Calls at once.", minimum=1)]
    tenant_concurrency: Annotated[int | None, said("Of them of one tenant; null: no limit of its own.")]
    concurrency_per_key: Annotated[
        int | None, said("Of them with the same key, which the tool makes of its arguments; null: no keys.")
    ]
    rate: Annotated[ToolRate | None, said("Null: as fast as they come.")]
    scope: Annotated[
        Literal["process", "global"], said("Whether each worker process has all that, or all together.")
    ]


class ToolVersion(TypedDict):
    """One version of a tool."""

    version: _Version
    effect: _Effect
    needs_grant: Annotated[bool, said("Whether each call must be approved: it changes the world.")]
    risk: _Risk
    owner: Annotated[str, said("Who answers for it; empty if nobody was named.")]
    roles: Annotated[list[str], said("The run's requester must have one of them; empty: anyone may.")]
    timeout_ms: Annotated[int, said("How long one attempt may take, in ms.")]
    deferred_ms: Annotated[int | None, said("How long a callback is waited for, in ms; null: it has none.")]
    attempts: Annotated[int, said("How often a call is tried at most.", minimum=1)]
    reconciled: Annotated[bool, said("Whether it can look up what became of a call in doubt.")]
    limits: ToolLimits
    arguments_schema: Annotated[_Schema, said("JSON Schema of its arguments.")]
    result_schema: Annotated[_Schema, said("JSON Schema of what it returns.")]


class ToolDetail(TypedDict):
    """A tool with all its versions, the newest last."""

    name: str
    current_version: _Newest
    approval_rule: Annotated[ApprovalRuleName | None, said("The rule in force; null: it has none.")]
    versions: list[ToolVersion]


class WorkflowSummary(TypedDict):
    """A workflow in a list."""

    name: str
    current_version: _Newest
    versions: Annotated[list[int], said("All that are registered, the newest last.")]
    links: _Links


class WorkflowList(TypedDict):
    """All workflows that the application registers, by name."""

    workflows: list[WorkflowSummary]


class WorkflowVersion(TypedDict):
    """One version of a workflow."""

    version: _Version
    code_hash: Annotated[str, said("A hash of its code as this process has it.")]
    deadline_ms: Annotated[int | None, said("How long a run may take, in ms; null: it may take for ever.")]
    max_steps: Annotated[int, said("How many steps a run may take.", minimum=1)]
    priority: Annotated[int, said("Of its runs, unless a start says another; higher goes first.")]
    input_schema: Annotated[_Schema, said("JSON Schema of a run's input.")]
    result_schema: Annotated[_Schema, said("JSON Schema of what a run comes to.")]
    signals: Annotated[dict[str, _Schema], said("By each signal's name the JSON Schema of what it says.")]
    open_runs: Annotated[int, said("The tenant's runs that hold it and haven't ended.", minimum=0)]
    links: _Links


class MissingVersion(TypedDict):
    """A version that open runs hold and nobody registers: they stall until somebody does."""

    version: _Version
    open_runs: Annotated[int, said("The tenant's runs that hold it and haven't ended.", minimum=1)]


class WorkflowDetail(TypedDict):
    """A workflow with all its versions, the newest last."""

    name: str
    current_version: _Newest
    versions: list[WorkflowVersion]
    versions_missing: list[MissingVersion]


class HoldingRun(RunSummary):
    """An open run, with what it waits for."""

    waits_for: Annotated[list[WaitsFor], said("Of each kind the first few.")]


class HoldingRunPage(TypedDict):
    """Some of the open runs that hold a version of a workflow, newest first."""

    runs: list[HoldingRun]
    next_cursor: Cursor


class DrainStatus(TypedDict):
    """The open runs that have one status."""

    status: Literal[
        "accepted", "running", "waiting_approval", "in_doubt", "stalled", "parked", "paused", "ending"
    ]
    runs: _Runs
    oldest_started_at: Annotated[Moment, said("When the first event of the oldest of them was written.")]
    run_ids: _RunIds


class _Waiting(TypedDict):
    runs: _Runs
    oldest_since: _Since
    run_ids: _RunIds


class DrainApprovals(_Waiting):
    """Open runs that wait for one role's votes."""

    kind: Literal["approval"]
    role: Annotated[str, said("Who may vote.")]
    first_expires_at: Annotated[Moment, said("When the first of the questions counts as refused.")]
    last_expires_at: Annotated[Moment, said("When the last of them does.")]


class DrainCalls(_Waiting):
    """Open runs that wait for calls of one tool."""

    kind: Literal["call"]
    tool: Annotated[str, said("The tool's name.")]
    status: Literal["requested", "started", "deferred", "held", "in_doubt"]


class DrainTimers(_Waiting):
    """Open runs that sleep."""

    kind: Literal["timer"]
    first_due_at: Annotated[Moment, said("When the first of them goes on.")]
    last_due_at: Annotated[Moment, said("When the last of them goes on.")]


class DrainPaused(_Waiting):
    """Open runs that one operator has paused."""

    kind: Literal["continue"]
    paused_by: str


class DrainSignals(_Waiting):
    """Open runs that wait for none of the other things: for a signal, or they are about to take a step."""

    kind: Literal["signal"]
    signals: Annotated[list[str] | None, said("Those that the version takes; null: it isn't registered.")]


class DrainErrors(_Waiting):
    """Open runs that one error in their code keeps from going on, or that have an input parked."""

    kind: Literal["code", "parked_input"]
    error: Annotated[str | None, said("Its kind, for programs; null where another event has cleared it.")]
    says: Annotated[str | None, said("The first line of its message, at most 200 characters; null as above.")]


_DrainWait: TypeAlias = DrainApprovals | DrainCalls | DrainTimers | DrainPaused | DrainSignals | DrainErrors


class DrainReport(TypedDict):
    """Which of the tenant's open runs hold a version of a workflow."""

    workflow: str
    version: _Version
    registered: Annotated[bool, said("Whether this process has its code.")]
    new_runs_begin_on_it: Annotated[bool, said("Whether a start that names no version gets it.")]
    open_runs: Annotated[int, said("How many hold it.", minimum=0)]
    drained: Annotated[bool, said("Whether none holds it, as far as the views are.")]
    oldest_started_at: Annotated[Moment | None, said("Of the oldest of them; null if there is none.")]
    statuses: Annotated[list[DrainStatus], said("Those with most runs first.")]
    waits_for: Annotated[list[_DrainWait], said("A run counts with each thing that it waits for.")]
    waits_for_is_whole: Annotated[
        bool, said("Whether `waits_for` is of all of them, not of the 5,000 oldest.")
    ]
    links: _Links


SHAPES: Final[Shapes] = {
    "GET /v1/tools": ToolList,
    "GET /v1/tools/{name}": ToolDetail,
    "GET /v1/workflows": WorkflowList,
    "GET /v1/workflows/{name}": WorkflowDetail,
    "GET /v1/workflows/{name}/versions/{version}/runs": HoldingRunPage,
    "GET /v1/workflows/{name}/versions/{version}/drain": DrainReport,
}
