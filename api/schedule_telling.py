"""Says something to a schedule and waits for what came of it: an effect, a refusal or parking (law L13)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Response

from penstock.api import telling
from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.inbox import input_id_of
from penstock.api.problems import Problem, not_found
from penstock.api.repeats import check_same, key_part
from penstock.api.schedule_shapes import incorrect
from penstock.api.schedule_views import caused, document, schedule_of
from penstock.api.views import Columns
from penstock.producers.receipt import Receipt
from penstock.producers.schedules import ScheduleClient
from penstock.runtime.effects import FREED, effect_of, word
from penstock.schemas.ids import schedule_id

_EXISTS: Final = (
    "There is a schedule of this name with another body: change it with PUT, or take another name."
)

_FREED: Final = FREED.format(events="views.schedule_event", entity="schedule_id")


@dataclass(frozen=True, slots=True)
class Telling:
    """What a request wants beside its words. `key` is its Idempotency-Key, `prefer` says how long it waits."""

    door: Door
    caller: Caller
    response: Response
    name: str
    key: str | None
    prefer: str | None

    def input_id(self, verb: str, *said: object) -> str:
        """The same for the same key and words; a new one without a key."""
        own = schedule_id(self.caller.tenant, self.name)
        return input_id_of(own, self.caller, self.key, verb, *said) or str(uuid.uuid4())

    async def tell(self, input_id: str, speak: Callable[[ScheduleClient], Receipt]) -> dict[str, Any]:
        """Say it unless it was said before; what came of it, and the schedule as it stands then.

        200 where that is known, 202 if it takes longer. Raises problems: what the schedule refuses, 413, 503.
        """
        door, caller = self.door, self.caller
        effect = await self.effect(input_id)
        if effect is None:
            with door.repeats.saying(schedule_id(caller.tenant, self.name), input_id):
                await door.inbox.tell_schedule(caller, speak)
            wait_s = telling.wait_s_of(self.prefer, door.inbox.effect_s)
            effect = await telling.until(lambda: self.effect(input_id), wait_s)
            telling.applied(self.response, self.prefer, wait_s)
        answer: dict[str, Any] = {"name": self.name, "input_id": input_id}
        if effect is None:
            return answer | {"outcome": "pending"}
        _check_accepted(effect)
        self.response.status_code = 200
        row = await schedule_of(door.views, caller.tenant, self.name)
        if effect["type"] == "ScheduleFired":
            answer["run_id"] = effect["event"]["run_id"]
        outcome = word(effect, {"InputAccepted": "as-it-was"})
        return answer | {"outcome": outcome, "seq": effect["seq"], "schedule": row and document(row)}

    async def known(self) -> Columns:
        """The schedule's row; 404 if the tenant has none of that name, or has deleted it."""
        row = await schedule_of(self.door.views, self.caller.tenant, self.name)
        if row is None or row["state"] == "deleted":
            raise not_found("schedule")
        return row

    async def effect(self, input_id: str) -> Columns | None:
        """What came of it, if it was said before and the views show it. Raises a 409 problem if the key came with other
        words."""
        found = await caused(self.door.views, self.caller.tenant, self.name, key_part(input_id))
        for event in found:
            check_same(event["cause_id"], input_id)
        own = schedule_id(self.caller.tenant, self.name)
        return await telling.freed(self.door.views, _FREED, own, input_id, effect_of(found))


def _check_accepted(effect: Columns) -> None:
    event = effect["event"]
    match effect["type"] == "InputRefused" and event["reason"]:
        case "unknown_schedule":
            raise not_found("schedule")
        case "moved_on":
            raise moved_on(event["detail"])
        case "invalid_plan":
            raise incorrect(event["detail"])
        case "exists":
            effect = effect | {"event": event | {"detail": _EXISTS}}
    telling.check_accepted(effect, "schedule-refused", "Refused by the schedule", ("not_authorized",))


def moved_on(why: str) -> Problem:
    """A change of what isn't as the caller saw it."""
    detail = f"Nothing was changed: {why}. Look at it again, and if you still want to, send this with its new ETag."
    return Problem(412, "schedule-moved-on", "The schedule has moved on", detail)
