"""A schedule as folded from its events: what later inputs are judged by."""

from dataclasses import dataclass, replace

from penstock.schemas.schedule.records import (
    Plan,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleResumed,
    ScheduleRevised,
    ScheduleRunRequested,
)
from penstock.streams.decider import Happened


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """The whole of a schedule. `plan` is None until it was made, and again once it is deleted.

    `requesters` are who made it and who changed it last. `next_due_ms` None: never again, or not while it is paused.
    `unreported` are the runs that it fired and whose requests aren't known to stand in the runs' inbox.
    """

    tenant: str
    schedule_id: str
    name: str = ""
    plan: Plan | None = None
    revision: int = 0
    body_sha256: str = ""
    paused: bool = False
    next_due_ms: int | None = None
    requesters: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    unreported: frozenset[str] = frozenset()
    time_ms: int = 0


def evolve(state: ScheduleState, happened: Happened) -> ScheduleState:
    """The state after one more event."""
    # One copy an event: a schedule that fires each minute has a million of them a year.
    time_ms = max(state.time_ms, happened.time_ms)
    match happened.body:
        case ScheduleFired() as fired:
            unreported = state.unreported | {fired.run_id}
            return replace(state, time_ms=time_ms, next_due_ms=fired.next_due_ms, unreported=unreported)
        case ScheduleRunRequested() as requested:
            return replace(state, time_ms=time_ms, unreported=state.unreported - {requested.run_id})
        case ScheduleMissed() as missed:
            return replace(state, time_ms=time_ms, next_due_ms=missed.next_due_ms)
        case ScheduleCreated() as made:
            return replace(
                state,
                time_ms=time_ms,
                name=made.name,
                plan=made.plan,
                revision=made.revision,
                body_sha256=made.body_sha256,
                paused=made.paused,
                next_due_ms=made.next_due_ms,
                requesters=(made.requester,),
                roles=made.requester_roles,
            )
        case ScheduleRevised() as revised:
            return replace(
                state,
                time_ms=time_ms,
                plan=revised.plan,
                revision=revised.revision,
                next_due_ms=revised.next_due_ms,
                requesters=tuple(dict.fromkeys((*state.requesters[:1], revised.requester))),
                roles=revised.requester_roles,
            )
        case SchedulePaused():
            return replace(state, time_ms=time_ms, paused=True, next_due_ms=None)
        case ScheduleResumed() as resumed:
            return replace(state, time_ms=time_ms, paused=False, next_due_ms=resumed.next_due_ms)
        case ScheduleDeleted():
            return replace(state, time_ms=time_ms, plan=None, paused=False, next_due_ms=None)
        case _:
            return replace(state, time_ms=time_ms)
