"""Starting a run of any workflow: what every resource that starts runs shares.

Guarantees: one run for each Idempotency-Key of a tenant; of two starts at once under one key the second waits for the
first, and is it, or is a conflict; nothing is said that the workflow's own types wouldn't take.
"""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.api.accepted import AcceptedRun
from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.problems import Problem, unavailable
from penstock.api.receipts import receipt_of
from penstock.api.repeats import conflict
from penstock.declare.errors import InvalidInput
from penstock.declare.workflows import Workflow
from penstock.producers.retries import Retry
from penstock.producers.runs import start_sha256
from penstock.schemas.attributes import Attribute, InvalidAttributes, encode_attributes
from penstock.schemas.canonical import NotCanonical, canonical_json
from penstock.schemas.ids import run_id

TURN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Start:
    """What is to be started. `value` is the input as JSON; `version` None is the newest registered."""

    workflow: Workflow[object, object]
    value: Any
    version: int | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    priority: int | None = None
    retry: Retry | None = None

    def sha256(self) -> str:
        """The hash that RunClient.start sends with it. Raises a 422 problem."""
        try:
            attributes = encode_attributes(self.attributes)
            return start_sha256(self.workflow.name, self.version, canonical_json(self.value), attributes)
        except (InvalidAttributes, NotCanonical) as error:
            raise _incorrect(error) from error


@dataclass(frozen=True, slots=True)
class Begun:
    """A start that the log has. `key` repeats the request. `receipt` is None if the views show the run, and had it
    before this process."""

    run_id: str
    key: str
    receipt: str | None


def input_of(workflow: Workflow[object, object], given: object) -> Any:
    """What the workflow will get, as JSON. Raises a 422 problem that names what doesn't fit."""
    try:
        return json.loads(workflow.encode_input(given))
    except (InvalidInput, NotCanonical, RecursionError) as error:
        raise _incorrect(error) from error


async def begin(door: Door, caller: Caller, start: Start, idempotency_key: str | None) -> Begun:
    """Have it started. When this returns, the log has it.

    Raises problems: 409 for the key of another request, 413, 422, 429, 503.
    """
    # A retry without a key is the one that its run has without a key.
    key = idempotency_key or ("" if start.retry else str(uuid.uuid4()))
    started = start.retry.run_id(key) if start.retry else run_id(caller.tenant, key)
    body_sha256 = start.sha256()
    turn = door.accepted.turn(started)
    try:
        async with asyncio.timeout(TURN_S):
            await turn.acquire()
    except TimeoutError:
        raise _under_way() from None
    try:
        before = await _known_sha256(door, caller, started)
        if before is not None and before != body_sha256:
            raise _conflict(started)
        if before is None:
            receipt = await _say(door, caller, start, key, started)
            door.accepted.note(started, AcceptedRun(caller.tenant, body_sha256, receipt))
    finally:
        turn.release()
    return Begun(started, key, door.accepted.receipt(started, caller.tenant))


async def _say(door: Door, caller: Caller, start: Start, key: str, started: str) -> str:
    """Its receipt."""
    name, about = start.workflow.name, (start.version, start.priority, start.attributes, start.retry)
    async with door.admission.place(caller.tenant) as place:
        said = await door.inbox.say(
            caller,
            lambda client: client.start(name, start.value, key, *about),
        )
        record = said.wait(0)
        place.taken(started, record)
        return receipt_of(record)


async def _known_sha256(door: Door, caller: Caller, started: str) -> str | None:
    """The hash of the body that this key came with before, None if it is new as far as one can know here.

    A repeat that slips through is refused by the run itself. So a database that is away stops no start.
    """
    accepted = door.accepted.get(started, caller.tenant)
    if accepted is not None:
        return accepted.body_sha256
    try:
        row = await door.views.run(caller.tenant, started)
    except Problem:
        return None
    return None if row is None else row["body_sha256"]


def _incorrect(error: Exception) -> Problem:
    return Problem(422, "invalid-request", "Invalid request", f"Correct this: {error}")


def _under_way() -> Problem:
    detail = "The same start is under way, and the log is slow: send it again with the same Idempotency-Key."
    return unavailable("start-under-way", "Start under way", detail)


def _conflict(started: str) -> Problem:
    detail = (
        "This Idempotency-Key came with another body: use a new key for a new request, or send the same body."
    )
    return conflict(detail, run_id=started, task_id=started)
