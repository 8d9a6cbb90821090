"""Says something to a run and waits for what came of it: an effect, a refusal, parking or a dead letter (law L13).

Guarantees: what was said before under the same id isn't said again once the views show what came of it. Nobody holds a
connection to the database while waiting, and whoever waits longer looks less often.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from fastapi import Header, Response

from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.preconditions import check_if_match
from penstock.api.problems import Problem, not_found
from penstock.api.repeats import check_same, key_part
from penstock.api.run_views import links
from penstock.api.views import Columns, Views
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient
from penstock.runtime.effects import FREED, effect_of, word
from penstock.schemas.ids import dead_letter_id, is_uuid

T = TypeVar("T")

WAIT_S_MAX: Final = 30.0
_LOOK_EVERY_S: Final = 0.05
_LOOK_EVERY_S_MAX: Final = 0.5
_WAIT: Final = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?(?=$|[,;\s])", re.IGNORECASE)
_ASYNC: Final = re.compile(r"(?:^|[,;\s])respond-async(?=$|[,;\s])", re.IGNORECASE)
Prefer = Annotated[
    str | None,
    Header(
        max_length=200,
        description="`wait=N`: wait up to N s, at most 30, for what comes of it; `respond-async`: don't wait.",
    ),
]

# Of one input: the events that it, or another one under its Idempotency-Key, caused ('g' comes after all of a UUID's
# characters); the dead letter that it became.
_CAUSED: Final = """
SELECT e.seq, e.type, e.event, e.cause_id FROM views.run_event AS e JOIN views.run_row AS r USING (run_id)
WHERE run_id = %(run_id)s AND r.tenant = %(tenant)s AND e.seq > %(after)s
  AND e.cause_id >= %(key)s AND e.cause_id < %(key)s || 'g'
ORDER BY e.seq LIMIT 20"""
_DEAD: Final = """
SELECT NULL::bigint AS seq, 'DeadLetter' AS type,
       json_build_object('dead_letter_id', id, 'error', error_class, 'stage', error_stage) AS event
FROM views.dead_letter WHERE id = %(dead_letter)s LIMIT 1"""

_FREED: Final = FREED.format(events="views.run_event", entity="run_id")


@dataclass(frozen=True, slots=True)
class Said:
    """What is said to a run, and under which id: the same id is the same input."""

    run_id: str
    input_id: str
    speak: Callable[[RunClient], Receipt]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request to a run wants beside its words: how long it waits, and as which state it has seen the run."""

    door: Door
    caller: Caller
    response: Response
    prefer: str | None
    if_match: str | None = None

    async def say(self, said: Said, refused: str, title: str) -> dict[str, Any]:
        """Say it unless it was said before; the document of what came of it, with 200, or with 202 if that takes
        longer. Raises problems: 404, 409 if it is refused, 412, 413, 503."""
        row = await known(self.door, self.caller, said.run_id)
        effect = await came_of(self.door, self.caller, said)
        if effect is None:
            last_seq = row["last_seq"] if row else 0
            check_if_match(self.if_match, last_seq)
            wait_s = wait_s_of(self.prefer, self.door.inbox.effect_s)
            effect = await tell(self.door, self.caller, said, wait_s, last_seq)
            applied(self.response, self.prefer, wait_s)
        came = outcome(effect, refused, title)
        self.response.status_code = 202 if effect is None else 200
        return {"run_id": said.run_id, "input_id": said.input_id, **came, "links": links(said.run_id)}


def applied(response: Response, prefer: str | None, wait_s: float) -> None:
    """Tell whoever preferred something what became of that."""
    if prefer is not None:
        response.headers["Preference-Applied"] = f"wait={wait_s:.0f}"


def wait_s_of(prefer: str | None, otherwise: float) -> float:
    """How long the caller wants to wait for what comes of it, in s."""
    if prefer is None:
        return otherwise
    found = _WAIT.search(prefer)
    if found:
        return min(float(found[1]), WAIT_S_MAX)
    return 0.0 if _ASYNC.search(prefer) else otherwise


async def known(door: Door, caller: Caller, run_id: str) -> Columns | None:
    """The run's row, None if it was accepted here and isn't in the views yet. Raises a 404 problem."""
    row = await door.views.run(caller.tenant, run_id) if is_uuid(run_id) else None
    if row is None and door.accepted.get(run_id, caller.tenant) is None:
        raise not_found("run")
    return row


async def once(
    door: Door,
    caller: Caller,
    said: Said,
    wait_s: float | None = None,
    last_seq: int = 0,
    if_match: str | None = None,
) -> Columns | None:
    """What came of it: as the views show it if it was said before, otherwise as `tell`. Raises a 412 problem if it
    would be said now, to a run that isn't as the caller saw it."""
    effect = await came_of(door, caller, said)
    if effect is None:
        check_if_match(if_match, last_seq)
        effect = await tell(door, caller, said, door.inbox.effect_s if wait_s is None else wait_s, last_seq)
    return effect


async def came_of(door: Door, caller: Caller, said: Said) -> Columns | None:
    """The event that this input caused, if it was said before and the views show it. Raises a 409 problem if they show
    what came of other words under the same Idempotency-Key."""
    return await _look(door.views, caller, said, 0, None)


async def tell(door: Door, caller: Caller, said: Said, wait_s: float, last_seq: int = 0) -> Columns | None:
    """Say it, and wait for what comes of it; None if the views don't show that in time.

    Shaped {"seq", "type", "event"}; type DeadLetter with seq None if it couldn't be taken. `last_seq`: what comes of it
    stands after that.
    """
    with door.repeats.saying(said.run_id, said.input_id):
        receipt = await door.inbox.say(caller, said.speak)
    record = receipt.wait(0)
    letter = dead_letter_id(record.topic, record.partition, record.offset)
    return await until(lambda: _look(door.views, caller, said, last_seq, letter), wait_s)


async def until(look: Callable[[], Awaitable[T | None]], wait_s: float) -> T | None:
    """What `look` finds, as soon as it finds something; None if it doesn't within `wait_s`."""
    end_s, pause_s = time.monotonic() + wait_s, _LOOK_EVERY_S
    while True:
        found = await look()
        left_s = end_s - time.monotonic()
        if found is not None or left_s <= 0:
            return found
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.3, _LOOK_EVERY_S_MAX)


def outcome(effect: Columns | None, refused: str, title: str) -> dict[str, Any]:
    """What came of it as the API says it. Raises a 409 problem if the run refused it."""
    if effect is None:
        return {"outcome": "pending", "seq": None, "event": None}
    check_accepted(effect, refused, title)
    return {"outcome": word(effect, {"InputAccepted": "accepted"}), **happened(effect)}


def happened(effect: Columns) -> dict[str, Any]:
    """The event that says what came of it, and its seq."""
    return {"seq": effect["seq"], "event": {"type": effect["type"], **effect["event"]}}


def check_accepted(
    effect: Columns,
    refused: str,
    title: str,
    about_the_caller: Collection[str] = (),
    kinds: Collection[str] = (),
) -> None:
    """Raises a problem if it was refused, by InputRefused or one of `kinds`: 403 where that is about who asked."""
    if effect["type"] != "InputRefused" and effect["type"] not in kinds:
        return
    reason, detail = effect["event"]["reason"], effect["event"]["detail"]
    raise Problem(
        403 if reason in about_the_caller else 409,
        f"{refused}:{reason}",
        title,
        detail or f"It says {reason}: look at it again.",
        more={"reason": reason, "seq": effect["seq"]},
    )


async def _look(views: Views, caller: Caller, said: Said, after: int, letter: str | None) -> Columns | None:
    key = key_part(said.input_id)
    asked = {"run_id": said.run_id, "tenant": caller.tenant, "key": key, "after": after}
    found = await views.ask(_CAUSED, asked)
    for event in found:
        check_same(event["cause_id"], said.input_id)
    if not found and letter is not None:
        found = await views.ask(_DEAD, {"dead_letter": letter})
    return await freed(views, _FREED, said.run_id, said.input_id, effect_of(found))


async def freed(
    views: Views, query: str, entity_id: str, input_id: str, effect: Columns | None
) -> Columns | None:
    """The effect; of an input that was parked what came of it since then, if somebody has released or discarded it."""
    if effect is None or effect["type"] != "InputParked":
        return effect
    asked = {"entity": entity_id, "parked_seq": effect["seq"], "input_id": input_id}
    found = await views.ask(query, asked)
    return found[0] if found else effect
