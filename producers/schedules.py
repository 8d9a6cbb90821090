"""What may be said to a schedule, as calls: create, revise, pause, resume, trigger, delete, release, discard.

Writes: penstock.schedule.inbox. Guarantees: a schedule's id follows from its name in its tenant, and making it twice
with the same plan is one schedule; nothing is sent that is too large to be taken.
"""

import uuid
from dataclasses import asdict

from penstock.producers.clock import Clock, SystemClock
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.schemas.canonical import canonical_json, sha256_hex
from penstock.schemas.codec import InputBody
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.ids import schedule_id
from penstock.schemas.log.records import DiscardInput, ReleaseInput
from penstock.schemas.schedule.records import (
    CreateSchedule,
    DeleteSchedule,
    PauseSchedule,
    Plan,
    ResumeSchedule,
    ReviseSchedule,
    TriggerSchedule,
)
from penstock.schemas.topics import SCHEDULE_INBOX


class ScheduleClient:
    """Speaks to the schedules of one tenant, as one actor, who needs the role operator. Every call raises what
    `Publisher.publish` does.

    `input_id`, where there is one, is a UUID of the caller's: the same id again is the same input. Without it each
    call is an input of its own.
    """

    def __init__(self, publisher: Publisher, tenant: str, actor: Actor, clock: Clock | None = None) -> None:
        self._publisher = publisher
        self._tenant = tenant
        self._actor = actor
        self._clock = clock or SystemClock()

    def create(self, name: str, plan: Plan, *, paused: bool = False, input_id: str | None = None) -> Receipt:
        """Make a schedule. The same name with another plan is refused by an event, as long as it isn't deleted."""
        body = CreateSchedule(name=name, plan=plan, paused=paused, body_sha256=plan_sha256(plan, paused))
        return self._say(name, body, input_id)

    def revise(
        self, name: str, plan: Plan, *, expected_revision: int | None = None, input_id: str | None = None
    ) -> Receipt:
        """Give it another plan, whole; refused by an event if it isn't at `expected_revision` any more."""
        return self._say(name, ReviseSchedule(plan=plan, expected_revision=expected_revision), input_id)

    def pause(self, name: str, reason: str = "", *, input_id: str | None = None) -> Receipt:
        """Have it start nothing by itself."""
        return self._say(name, PauseSchedule(reason=reason), input_id)

    def resume(self, name: str, reason: str = "", *, input_id: str | None = None) -> Receipt:
        """Have it go on from now: what was due meanwhile isn't made up for."""
        return self._say(name, ResumeSchedule(reason=reason), input_id)

    def trigger(self, name: str, reason: str = "", *, input_id: str | None = None) -> Receipt:
        """Have it start a run now, beside those at its times."""
        return self._say(name, TriggerSchedule(reason=reason), input_id)

    def delete(self, name: str, reason: str = "", *, input_id: str | None = None) -> Receipt:
        """End it. What it has started goes on."""
        return self._say(name, DeleteSchedule(reason=reason), input_id)

    def release(
        self, name: str, parked_input_id: str, reason: str = "", *, input_id: str | None = None
    ) -> Receipt:
        """Have a parked input decided again, and then those parked behind it, in order."""
        return self._say(name, ReleaseInput(parked_input_id=parked_input_id, reason=reason), input_id)

    def discard(
        self, name: str, parked_input_id: str, reason: str, *, input_id: str | None = None
    ) -> Receipt:
        """Give a parked input up."""
        return self._say(name, DiscardInput(parked_input_id=parked_input_id, reason=reason), input_id)

    def _say(self, name: str, body: InputBody, input_id: str | None) -> Receipt:
        meta = InputMeta(
            id=input_id or str(uuid.uuid4()),
            type=type(body).__name__,
            tenant=self._tenant,
            entity_id=schedule_id(self._tenant, name),
            time_ms=self._clock.now_ms(),
            actor=self._actor,
        )
        return self._publisher.publish(meta, body, SCHEDULE_INBOX)


def plan_sha256(plan: Plan, paused: bool = False) -> str:
    """Hash of what a schedule is made with, by which a repetition is told from a conflict."""
    said = {**asdict(plan), "input": plan.input.sha256, "paused": paused}
    return sha256_hex(canonical_json(said))
