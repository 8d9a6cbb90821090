"""What the API reads of schedules: a page of them, one, and what an input to one caused."""

import base64
import hashlib
import json
from datetime import datetime
from typing import Any, Final

from penstock.api.door import moment
from penstock.api.problems import Problem
from penstock.api.views import Columns, Views
from penstock.declare.due_times import TIME_MS_MAX, InvalidTimes, Times, check_times, due_after, zone
from penstock.schemas.ids import schedule_id

NEXT_SHOWN: Final = 5
CURSOR_CHARACTERS_MAX: Final = 500

ONE: Final = """
SELECT * FROM views.schedule WHERE schedule_id = %(schedule_id)s AND tenant = %(tenant)s AND name IS NOT NULL"""
PAGE: Final = """
SELECT s.* FROM views.schedule_row AS s WHERE tenant = %(tenant)s AND name > %(after)s
  AND CASE WHEN %(state)s::text IS NULL THEN state <> 'deleted' ELSE state = %(state)s END
ORDER BY name LIMIT %(limit)s"""
_CAUSED: Final = """
SELECT seq, type, event, cause_id FROM views.schedule_event
WHERE schedule_id = %(schedule_id)s AND tenant = %(tenant)s
  AND cause_id >= %(begin)s AND cause_id < %(begin)s || 'g' ORDER BY seq LIMIT 20"""
PARKED: Final = """
SELECT p.event, p.time_ms FROM views.schedule_event AS p
WHERE p.schedule_id = %(schedule_id)s AND p.tenant = %(tenant)s AND p.type = 'InputParked' AND NOT EXISTS (
    SELECT FROM views.schedule_event AS later
    WHERE later.schedule_id = p.schedule_id AND later.seq > p.seq AND later.type IN ('InputReleased', 'InputDiscarded')
      AND later.event ->> 'parked_input_id' = p.event ->> 'input_id')
ORDER BY p.seq LIMIT 100"""


async def schedule_of(views: Views, tenant: str, name: str) -> Columns | None:
    """The tenant's schedule of that name, also one that was deleted."""
    found = await views.ask(ONE, {"schedule_id": schedule_id(tenant, name), "tenant": tenant})
    return found[0] if found else None


async def page_of(views: Views, tenant: str, state: str | None, after: str, limit: int) -> list[Columns]:
    """At most so many of the tenant's schedules by name, those after that name; None: all but deleted ones."""
    return await views.ask(PAGE, {"tenant": tenant, "state": state, "after": after, "limit": limit})


async def caused(views: Views, tenant: str, name: str, begin: str) -> list[Columns]:
    """Seq, type, body and cause of the events that inputs caused whose ids begin so, as far as the views know them."""
    asked = {"schedule_id": schedule_id(tenant, name), "tenant": tenant, "begin": begin}
    return await views.ask(_CAUSED, asked)


def parked_line(row: Columns) -> dict[str, Any]:
    """One row of PARKED: an input that the schedule's decider failed on, or that waits behind one."""
    event = row["event"]
    return {
        "input_id": event["input_id"],
        "type": event["input_type"],
        "error": event["error"],
        "parked_at": moment(row["time_ms"]),
    }


def cursor_of(name: str, tenant: str, state: str | None) -> str:
    """Where a list goes on, as text that says nothing to anybody else."""
    words = json.dumps([name, _mark(tenant, state)], separators=(",", ":"))
    return base64.urlsafe_b64encode(words.encode()).decode().rstrip("=")


def place_of(cursor: str | None, tenant: str, state: str | None) -> str:
    """The name that cursor_of was given. Raises a 422 problem for what it never gave, or gave for another list."""
    if cursor is None:
        return ""
    try:
        words = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        words = None
    match words:
        case [str(name), str(mark)] if mark == _mark(tenant, state) and "\x00" not in name:
            return name
        case _:
            detail = (
                "Correct `cursor`: it is the `next_cursor` of a page with the same filter; begin without one."
            )
            raise Problem(422, "invalid-request", "Invalid request", detail)


def summary(row: Columns) -> dict[str, Any]:
    """A schedule in a list."""
    return {
        "name": row["name"],
        "schedule_id": row["schedule_id"],
        "state": row["state"],
        "revision": row["revision"],
        "workflow": row["workflow"],
        "version": row["workflow_version"],
        "cron": row["cron"],
        "time_zone": row["time_zone"],
        "every_s": None if row["every_ms"] is None else row["every_ms"] / 1000,
        "starts_at": moment(row["starts_at_ms"]),
        "ends_at": moment(row["ends_at_ms"]),
        "next_due_at": moment(row["next_due_ms"]),
        "last_due_at": moment(row["last_due_ms"]),
        "last_fired_at": moment(row["last_fired_at_ms"]),
        "last_run_ids": list(row["last_run_ids"]),
        "fired": row["fired"],
        "missed": row["missed"],
        "paused_by": row["paused_by"],
        "pause_reason": row["pause_reason"],
        "paused_at": moment(row["paused_at_ms"]),
        "links": _links(row["name"]),
    }


def document(row: Columns) -> dict[str, Any]:
    """One schedule, with its plan and its next due times."""
    return summary(row) | {
        "input": row["input"],
        "priority": row["priority"],
        "search_attributes": row["search_attributes"] or {},
        "catch_up": row["catch_up"],
        "catch_up_window_s": row["catch_up_window_ms"] // 1000,
        "catch_up_max": row["catch_up_max"],
        "next_due": next_shown(row),
        "last_missed_at": moment(row["last_missed_ms"]),
        "created_by": row["created_by"],
        "created_at": moment(row["created_at_ms"]),
        "changed_by": row["changed_by"],
        "changed_at": moment(row["changed_at_ms"]),
        "deleted_by": row["deleted_by"],
        "deleted_at": moment(row["deleted_at_ms"]),
        "parked_inputs": list(row["parked_inputs"]),
        "last_seq": row["last_seq"],
    }


def next_shown(row: Columns) -> list[str]:
    """The next due times as its zone writes them, at most five; none while it isn't due at all."""
    if row["next_due_ms"] is None:
        return []
    times = Times(row["cron"], row["time_zone"], row["every_ms"], row["starts_at_ms"], row["ends_at_ms"])
    try:
        # An event that no decider wrote may name times that no calendar has.
        check_times(times)
        due = due_after(times, min(max(row["next_due_ms"], 0), TIME_MS_MAX) - 1, NEXT_SHOWN)
        return [datetime.fromtimestamp(each / 1000, zone(times.time_zone)).isoformat() for each in due]
    except InvalidTimes:
        # Made by a release that knows zones which this one doesn't.
        return [str(moment(row["next_due_ms"]))]


def _links(name: str) -> dict[str, str]:
    own = f"/v1/schedules/{name}"
    return {"self": own, **{verb: f"{own}/{verb}" for verb in ("pause", "resume", "trigger")}}


def _mark(tenant: str, state: str | None) -> str:
    return hashlib.sha256(json.dumps([tenant, state]).encode()).hexdigest()[:12]
