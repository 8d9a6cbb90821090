"""Answers about events."""

from typing import Annotated, Final

from typing_extensions import TypedDict

from penstock.api.told.parts import Actor, Json, Moment, Seq, Shapes, Uuid, said
from penstock.api.told.runs import RunStatus


class CausedBy(TypedDict):
    """The input that caused an event."""

    id: str
    topic: str
    partition: Annotated[int, said("The input's partition.", minimum=0)]
    offset: Annotated[int, said("The input's offset there.", minimum=0)]
    time: Annotated[Moment, said("When the input came, by the log.")]
    index: Annotated[int, said("The event's place among those of this cause, from 0.", minimum=0)]
    count: Annotated[int, said("How many events this cause has.", minimum=1)]


class RunEvent(TypedDict):
    """An event of a run's history, where it stands on the log, and what caused it."""

    seq: Seq
    id: Uuid
    type: Annotated[str, said("`RunStarted`, `ToolCallRequested` and so on: its Avro schema's name.")]
    time: Moment
    actor: Actor
    topic: str
    partition: Annotated[int, said("Its own partition.", minimum=0)]
    offset: Annotated[int, said("Its own offset there.", minimum=0)]
    cause: CausedBy
    event: Annotated[dict[str, Json], said("The event's fields, as its Avro schema names them.")]


class TenantEvent(RunEvent):
    """An event of any of the tenant's runs."""

    run_id: Uuid
    workflow: Annotated[str | None, said("The run's workflow; null if it never started.")]


class RunEvents(TypedDict):
    """A page of a run's history."""

    run_id: Uuid
    status: RunStatus
    last_seq: Annotated[int, said("Of the newest event; 0 before the views show any.", minimum=0)]
    events: list[RunEvent]
    next_seq: Annotated[int, said("Read on with it as `from_seq`; it is good for ever.", minimum=1)]


class TenantEvents(TypedDict):
    """A page of what happens in all of the tenant's runs."""

    events: list[TenantEvent]
    next: Annotated[str, said("Read on with it as `after`, or go on from there as a stream.")]
    more: Annotated[bool, said("Whether there is more already.")]


SHAPES: Final[Shapes] = {"GET /v1/runs/{run_id}/events": RunEvents, "GET /v1/events": TenantEvents}
