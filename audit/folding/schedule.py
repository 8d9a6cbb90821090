"""The row of a schedule, from its whole history."""

from typing import Any

from penstock.audit.folding.values import Events, Row, clean, content, flat, last
from penstock.schemas.log import records as logged
from penstock.schemas.schedule import records as schedules

_NAMES_KEPT = 10


def schedule_row(events: Events) -> Row:
    """The row of a schedule with this history, which isn't empty."""
    newest = events[-1][0]
    told = [meta for meta, body in events if not isinstance(body, logged.InputRefused)]
    made_at, made = last(events, schedules.ScheduleCreated)
    fired = [(meta, body) for meta, body in events if isinstance(body, schedules.ScheduleFired)]
    missed = [(meta, body) for meta, body in events if isinstance(body, schedules.ScheduleMissed)]
    armed = _next_due(events)
    ended_at = _deleted(events)
    pause = _pause(events)
    return {
        "schedule_id": newest.entity_id,
        "tenant": clean((told[0] if told else newest).tenant),
        "name": clean(made.name) if made else None,
        "state": _state(made, ended_at, pause, armed),
        "body_sha256": clean(made.body_sha256) if made else None,
        **_plan(events),
        "next_due_ms": armed,
        "last_due_ms": fired[-1][1].due_ms if fired else None,
        "last_fired_at_ms": fired[-1][0].time_ms if fired else None,
        "last_run_ids": [clean(body.run_id) for _, body in reversed(fired)][:_NAMES_KEPT],
        "fired": len(fired),
        "missed": sum(body.count for _, body in missed),
        "last_missed_ms": missed[-1][0].time_ms if missed else None,
        **pause,
        "created_by": clean(made_at.actor.subject) if made_at else None,
        "created_at_ms": made_at.time_ms if made_at else None,
        "deleted_by": clean(ended_at.actor.subject) if ended_at else None,
        "deleted_at_ms": ended_at.time_ms if ended_at else None,
        "parked_inputs": _parked(events),
        "last_seq": newest.entity_seq,
        "last_event_at_ms": newest.time_ms,
    }


_ARMING = (
    schedules.ScheduleCreated,
    schedules.ScheduleRevised,
    schedules.ScheduleResumed,
    schedules.ScheduleFired,
    schedules.ScheduleMissed,
)


def _next_due(events: Events) -> int | None:
    said = last(events, *_ARMING, schedules.SchedulePaused, schedules.ScheduleDeleted)[1]
    return said.next_due_ms if isinstance(said, _ARMING) else None


def _deleted(events: Events) -> Any:
    meta, said = last(events, schedules.ScheduleCreated, schedules.ScheduleDeleted)
    return meta if isinstance(said, schedules.ScheduleDeleted) else None


def _pause(events: Events) -> Row:
    meta, said = last(
        events,
        schedules.ScheduleCreated,
        schedules.SchedulePaused,
        schedules.ScheduleResumed,
        schedules.ScheduleDeleted,
    )
    made_so = isinstance(said, schedules.ScheduleCreated) and said.paused
    paused = made_so or isinstance(said, schedules.SchedulePaused)
    return {
        "paused_by": clean(meta.actor.subject) if paused else None,
        "pause_reason": clean(getattr(said, "reason", "")) if paused else None,
        "paused_at_ms": meta.time_ms if paused else None,
    }


def _plan(events: Events) -> Row:
    meta, said = last(events, schedules.ScheduleCreated, schedules.ScheduleRevised)
    plan = said.plan if said else None
    columns = (
        "workflow workflow_version priority cron time_zone every_ms starts_at_ms ends_at_ms catch_up"
        " catch_up_window_ms catch_up_max"
    )
    attributes = plan.search_attributes if plan else None
    return {
        "revision": said.revision if said else None,
        "input": content(plan.input) if plan else None,
        "search_attributes": flat(attributes),
        "changed_by": clean(meta.actor.subject) if meta else None,
        "changed_at_ms": meta.time_ms if meta else None,
        **{name: clean(getattr(plan, name)) if plan else None for name in columns.split()},
    }


def _state(made: Any, deleted: Any, pause: Row, armed: int | None) -> str:
    if made is None:
        return "refused"
    if deleted is not None:
        return "deleted"
    if pause["paused_at_ms"] is not None:
        return "paused"
    return "over" if armed is None else "active"


def _parked(events: Events) -> list[str]:
    parked: list[str] = []
    for _, body in events:
        if isinstance(body, logged.InputParked):
            parked.append(clean(body.input_id))
        elif isinstance(body, logged.InputReleased | logged.InputDiscarded):
            parked = [one for one in parked if one != clean(body.parked_input_id)]
    return parked
