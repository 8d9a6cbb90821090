"""Answers about schedules."""

from typing import Annotated, Final, Literal, NotRequired, TypeAlias

from typing_extensions import TypedDict

from penstock.api.told.parts import Cursor, InputId, Json, Moment, Seq, Shapes, Uuid, said

_Name: TypeAlias = Annotated[str, said("The schedule's name, as in its path.")]


class ScheduleLinks(TypedDict):
    """Paths of what belongs to a schedule."""

    self: str
    pause: str
    resume: str
    trigger: str


class ScheduleSummary(TypedDict):
    """A schedule in a list."""

    name: _Name
    schedule_id: Annotated[Uuid, said("The same for the same name in the same tenant.")]
    state: Annotated[Literal["active", "paused", "over", "deleted"], said("`over`: nothing is due any more.")]
    revision: Annotated[int, said("The number of its plan, which is its ETag; from 1.", minimum=1)]
    workflow: Annotated[str, said("The name of the workflow that it starts.")]
    version: Annotated[int | None, said("The workflow's version; null for the newest at each start.")]
    cron: Annotated[
        str | None,
        said("Minute, hour, day of month, month, day of week; null where `every_s` says when."),
    ]
    time_zone: Annotated[str, said("The IANA name of the zone in which `cron` is read.")]
    every_s: Annotated[
        float | None, said("Seconds from one due time to the next; null where `cron` says when.")
    ]
    starts_at: Annotated[Moment | None, said("Nothing is due before; null for no such bound.")]
    ends_at: Annotated[Moment | None, said("Nothing is due after; null for no such bound.")]
    next_due_at: Annotated[Moment | None, said("When it is due next; null while it isn't due at all.")]
    last_due_at: Annotated[
        Moment | None, said("The time for which it last started a run; null before its first.")
    ]
    last_fired_at: Annotated[Moment | None, said("When it last started a run; null before its first.")]
    last_run_ids: Annotated[list[Uuid], said("The runs that it started last, at most ten, newest first.")]
    fired: Annotated[int, said("How many runs it has started.", minimum=0)]
    missed: Annotated[int, said("How many due times it has missed and not made up for, at least.", minimum=0)]
    paused_by: Annotated[str | None, said("The subject that paused it; null while it isn't paused.")]
    pause_reason: Annotated[str | None, said("Why, maybe empty; null while it isn't paused.")]
    paused_at: Annotated[Moment | None, said("Since when; null while it isn't paused.")]
    links: ScheduleLinks


class Schedule(ScheduleSummary):
    """A schedule with its plan and its next due times."""

    input: Annotated[Json, said("What each run gets: any JSON.")]
    priority: Annotated[int | None, said("Higher goes first; null for the workflow's own.")]
    search_attributes: Annotated[
        dict[str, str | bool | int | float],
        said("What its runs are looked for by: plain values by name."),
    ]
    catch_up: Annotated[
        Literal["skip", "last", "all", "unknown"],
        said(
            "What becomes of times that passed while nothing ran: none of them, the last or each is made up for. "
            "`unknown`: in a way that a later release knows."
        ),
    ]
    catch_up_window_s: Annotated[
        int, said("Seconds: what passed longer ago is never made up for.", minimum=0)
    ]
    catch_up_max: Annotated[int, said("With `all`: at most so many are made up for, the latest.")]
    next_due: Annotated[
        list[Annotated[str, said("A moment, with the zone's offset.", format="date-time")]],
        said("The next due times as its zone writes them, at most five; empty while it isn't due at all."),
    ]
    last_missed_at: Annotated[
        Moment | None, said("When it was last noted that a due time was missed; null where none was.")
    ]
    created_by: Annotated[str, said("The subject that made it.")]
    created_at: Moment
    changed_by: Annotated[str, said("The subject that gave it its present plan.")]
    changed_at: Annotated[Moment, said("When it got its present plan.")]
    deleted_by: Annotated[str | None, said("The subject that deleted it; null until then.")]
    deleted_at: Annotated[Moment | None, said("When it was deleted; null until then.")]
    parked_inputs: Annotated[
        list[Uuid], said("Ids of the inputs that wait for an operator to release or discard them.")
    ]
    last_seq: Annotated[Seq, said("The number of the latest event in its history, from 1.", minimum=1)]


class SchedulePage(TypedDict):
    """Schedules, by name."""

    schedules: list[ScheduleSummary]
    next_cursor: Cursor


class ParkingError(TypedDict):
    """Why an input is parked."""

    kind: Annotated[str, said("For programs; `parked_behind` for what waits behind another parked input.")]
    message: Annotated[str, said("What happened, for people.")]
    retryable: Annotated[bool, said("Whether the same again may work.")]


class ParkedScheduleInput(TypedDict):
    """An input that couldn't be decided, or that waits behind one."""

    input_id: Annotated[Uuid, said("By which it is released or discarded.")]
    type: Annotated[str, said("What kind of input it is: `TriggerSchedule` and so on.")]
    error: ParkingError
    parked_at: Moment


class ParkedScheduleInputs(TypedDict):
    """The parked inputs of a schedule, the oldest first, at most a hundred."""

    name: _Name
    parked_inputs: list[ParkedScheduleInput]


class SchedulePending(TypedDict):
    """It stands on the log, and what comes of it isn't known yet."""

    name: _Name
    input_id: InputId
    outcome: Literal["pending"]


class ChangedSchedule(TypedDict):
    """What came of what was said to a schedule, and the schedule after that."""

    name: _Name
    input_id: InputId
    outcome: Annotated[
        Literal["applied", "as-it-was", "parked", "discarded"],
        said(
            "`as-it-was`: there was nothing to change. `parked`: it waits for an operator to release or discard it. "
            "`discarded`: an operator gave it up."
        ),
    ]
    seq: Annotated[Seq, said("The event in the schedule's history that says what came of it, from 1.")]
    schedule: Annotated[
        Schedule | None, said("Null where it was never made, for what would make it is parked.")
    ]


class TriggeredSchedule(ChangedSchedule):
    """What came of triggering a schedule, and the schedule after that."""

    run_id: NotRequired[Annotated[Uuid, said("The run that it starts; absent while the input is parked.")]]


_TOLD: Final = {"200": ChangedSchedule, "202": SchedulePending}
SHAPES: Final[Shapes] = {
    "GET /v1/schedules": SchedulePage,
    "GET /v1/schedules/{name}": Schedule,
    "GET /v1/schedules/{name}/parked-inputs": ParkedScheduleInputs,
    "POST /v1/schedules": _TOLD,
    "PUT /v1/schedules/{name}": _TOLD,
    "DELETE /v1/schedules/{name}": _TOLD,
    "POST /v1/schedules/{name}/pause": _TOLD,
    "POST /v1/schedules/{name}/resume": _TOLD,
    "POST /v1/schedules/{name}/trigger": {"200": TriggeredSchedule, "202": SchedulePending},
    "POST /v1/schedules/{name}/parked-inputs/{parked_input_id}/release": _TOLD,
    "POST /v1/schedules/{name}/parked-inputs/{parked_input_id}/discard": _TOLD,
}
