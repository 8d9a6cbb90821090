"""The event by which a schedule fires: all that its run takes, so that whoever starts that needs nothing else."""

from penstock.schemas.schedule.records import FiredBy, Plan, ScheduleFired
from penstock.streams.schedules.state import ScheduleState


def fired(
    state: ScheduleState,
    plan: Plan,
    due_ms: int,
    fired_by: FiredBy,
    run_id: str,
    next_due_ms: int | None,
    also: tuple[str, ...] = (),
) -> ScheduleFired:
    """Who triggered it, if anybody (`also`), is a requester of the run beside who made and changed the schedule."""
    return ScheduleFired(
        name=state.name,
        due_ms=due_ms,
        fired_by=fired_by,
        run_id=run_id,
        revision=state.revision,
        workflow=plan.workflow,
        workflow_version=plan.workflow_version,
        input=plan.input,
        priority=plan.priority,
        search_attributes=plan.search_attributes,
        requesters=tuple(dict.fromkeys((*state.requesters, *also))),
        requester_roles=state.roles,
        next_due_ms=next_due_ms,
    )
