"""The view of schedules: one row a schedule, from its plans, its pauses, what it fired and what it missed."""

from typing import Final

from penstock.audit.views.columns import Column, Row, RowSoFar, Table, table, text
from penstock.audit.views.run_attribute import readable
from penstock.schemas.bodies import EventBody
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.log.records import InputDiscarded, InputParked, InputRefused, InputReleased
from penstock.schemas.schedule.records import (
    Plan,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleResumed,
    ScheduleRevised,
)

LAST_RUNS_MAX: Final = 10
SCHEDULE: Final[Table] = table(
    "schedule_row",
    "schedule_id",
    text="schedule_id tenant name state body_sha256 workflow search_attributes cron time_zone catch_up paused_by"
    " pause_reason created_by changed_by deleted_by",
    text_array="last_run_ids parked_inputs",
    int4="revision workflow_version priority catch_up_max",
    int8="plan_seq every_ms starts_at_ms ends_at_ms catch_up_window_ms next_due_ms last_due_ms last_fired_at_ms fired"
    " missed last_missed_ms paused_at_ms created_at_ms changed_at_ms deleted_at_ms last_seq last_event_at_ms",
)

_UNPAUSED: Final[Row] = {"paused_by": None, "pause_reason": None, "paused_at_ms": None}


def project(row: RowSoFar, meta: EventMeta, body: EventBody) -> Row:
    """What an event changes in its schedule's row."""
    changes: Row = {"last_seq": meta.entity_seq, "last_event_at_ms": meta.time_ms}
    if not row:
        changes |= {
            "schedule_id": meta.entity_id,
            "last_run_ids": (),
            "parked_inputs": (),
            "fired": 0,
            "missed": 0,
            "state": "refused",
        }
    # Refusals settle nothing: a stranger's word doesn't say whose an id is.
    if row.get("state", "refused") == "refused" or not isinstance(body, InputRefused):
        changes["tenant"] = text(meta.tenant)
    changes |= _of(row, meta, body)
    changes["state"] = _state({**row, **changes})
    return changes


def _of(row: RowSoFar, meta: EventMeta, body: EventBody) -> Row:
    who = text(meta.actor.subject)
    match body:
        case ScheduleCreated():
            made: Row = {
                "name": text(body.name),
                "body_sha256": text(body.body_sha256),
                "created_by": who,
                "created_at_ms": meta.time_ms,
                "deleted_by": None,
                "deleted_at_ms": None,
            }
            paused = _paused(meta, "") if body.paused else _UNPAUSED
            return made | paused | _planned(meta, body.plan, body.revision, body.next_due_ms)
        case ScheduleRevised():
            return _planned(meta, body.plan, body.revision, body.next_due_ms)
        case SchedulePaused():
            return _paused(meta, body.reason) | {"next_due_ms": None}
        case ScheduleResumed():
            return _UNPAUSED | {"next_due_ms": body.next_due_ms}
        case ScheduleFired():
            return {
                "next_due_ms": body.next_due_ms,
                "last_due_ms": body.due_ms,
                "last_fired_at_ms": meta.time_ms,
                "last_run_ids": (text(body.run_id), *_listed(row, "last_run_ids"))[:LAST_RUNS_MAX],
                "fired": _number(row, "fired") + 1,
            }
        case ScheduleMissed():
            return {
                "next_due_ms": body.next_due_ms,
                "missed": _number(row, "missed") + body.count,
                "last_missed_ms": meta.time_ms,
            }
        case ScheduleDeleted():
            return _UNPAUSED | {"next_due_ms": None, "deleted_by": who, "deleted_at_ms": meta.time_ms}
        case InputParked():
            return {"parked_inputs": (*_listed(row, "parked_inputs"), text(body.input_id))}
        case InputReleased() | InputDiscarded():
            left = [one for one in _listed(row, "parked_inputs") if one != text(body.parked_input_id)]
            return {"parked_inputs": tuple(left)}
        case _:
            return {}


def _planned(meta: EventMeta, plan: Plan, revision: int, next_due_ms: int | None) -> Row:
    return {
        "revision": revision,
        "plan_seq": meta.entity_seq,
        "workflow": text(plan.workflow),
        "workflow_version": plan.workflow_version,
        "priority": plan.priority,
        "search_attributes": readable(plan.search_attributes),
        "cron": None if plan.cron is None else text(plan.cron),
        "time_zone": text(plan.time_zone),
        "every_ms": plan.every_ms,
        "starts_at_ms": plan.starts_at_ms,
        "ends_at_ms": plan.ends_at_ms,
        "catch_up": plan.catch_up,
        "catch_up_window_ms": plan.catch_up_window_ms,
        "catch_up_max": plan.catch_up_max,
        "next_due_ms": next_due_ms,
        "changed_by": text(meta.actor.subject),
        "changed_at_ms": meta.time_ms,
    }


def _paused(meta: EventMeta, reason: str) -> Row:
    return {
        "paused_by": text(meta.actor.subject),
        "pause_reason": text(reason),
        "paused_at_ms": meta.time_ms,
    }


def _state(row: RowSoFar) -> Column:
    if row.get("name") is None:
        return "refused"
    if row.get("deleted_at_ms") is not None:
        return "deleted"
    if row.get("paused_at_ms") is not None:
        return "paused"
    return "over" if row.get("next_due_ms") is None else "active"


def _listed(row: RowSoFar, column: str) -> tuple[str, ...]:
    listed = row.get(column)
    return listed if isinstance(listed, tuple) else ()


def _number(row: RowSoFar, column: str) -> int:
    number = row.get(column)
    return number if isinstance(number, int) else 0
