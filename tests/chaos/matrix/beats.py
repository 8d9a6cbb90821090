"""The schedules of a round, and who keeps them: made at its start; one paused, one changed, one removed; all ended.

What is said to them is said until it is acknowledged, and nothing before that; each change is a receipt.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import psycopg

from penstock.producers.errors import LogError, NotYetAcknowledged
from penstock.producers.receipt import Receipt
from penstock.schemas.canonical import json_payload
from penstock.schemas.ids import schedule_id
from penstock.schemas.schedule.records import CatchUp, Plan
from tests.chaos.matrix.clients import AGAIN_S, NEIGHBOUR, TENANT
from tests.chaos.matrix.site import Site

EVERY_MS: Final = 2_000
# What each change is on the log.
EVENTS: Final = {
    "create": "ScheduleCreated",
    "revise": "ScheduleRevised",
    "pause": "SchedulePaused",
    "resume": "ScheduleResumed",
    "delete": "ScheduleDeleted",
}
# When what is done to which, in seconds of the load; each is made at once, and ended when all is healed. Who receives
# webhooks is away for a second.
SCRIPT: Final = (
    (2.0, "away", ""),
    (2.5, "pause", "last"),
    (3.0, "well", ""),
    (3.5, "revise", "skip"),
    (4.5, "delete", "brief"),
    (6.0, "resume", "last"),
)
_POLICIES: Final[dict[str, CatchUp]] = {"all": "all", "last": "last", "skip": "skip", "brief": "all"}
# The one of another tenant, whose runs concern nobody here.
NEIGHBOURLY: Final = "all"
# Schedules that have ended, and runs of schedules that haven't, as the views have it.
_OPEN: Final = """
SELECT name FROM views.schedule WHERE name = ANY(%(names)s) AND state <> 'deleted'
UNION ALL
SELECT fired.event->>'run_id' FROM views.schedule_event AS fired JOIN views.schedule USING (schedule_id)
LEFT JOIN views.run ON run.run_id::text = fired.event->>'run_id'
WHERE name = ANY(%(names)s) AND fired.type = 'ScheduleFired' AND run.ended_at_ms IS NULL
"""
_GOES_ON: Final = "SELECT count(*) FROM views.schedule WHERE name = ANY(%s) AND next_due_ms > %s"


@dataclass(frozen=True, slots=True)
class Change:
    """What was said to a schedule, and acknowledged; `event` is what must have come of it."""

    schedule_id: str
    input_id: str
    event: str


class Beats:
    """One round's. `changes`: what was acknowledged so far, in this order."""

    def __init__(self, site: Site, name: str) -> None:
        self._site, self._name = site, name
        self.changes: list[Change] = []
        self.failure: BaseException | None = None
        self._made: list[str] = []
        # Tenant and policy of those that haven't been ended.
        self._living: list[tuple[str, str]] = []
        self._healed = threading.Event()
        self._giving_up = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name="beats", daemon=True)

    def begin(self) -> "Beats":
        """Make the schedules, and go on from there."""
        self._thread.start()
        return self

    def healed(self) -> None:
        """Nothing is broken any more: each schedule goes on, and is then ended."""
        self._healed.set()

    def open(self) -> list[str]:
        """Schedules that haven't ended, and runs of them; all while the views can't be read."""
        names = self._made
        if self._thread.is_alive():
            return names
        try:
            with self._site.connect() as connection:
                return [str(row[0]) for row in connection.execute(_OPEN, {"names": names})]
        except psycopg.Error:
            return names

    def end(self) -> None:
        """Nobody says anything any more."""
        self._healed.set()
        self._giving_up.set()
        self._thread.join(30)
        self._site.hooks.answer(well=True)

    def _guarded(self) -> None:
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 whatever it is, the round must say so
            self.failure = error

    def _keep(self) -> None:
        began = time.monotonic()
        for policy in _POLICIES:
            self._do("create", TENANT, policy)
        self._do("create", NEIGHBOUR, NEIGHBOURLY)
        for at_s, verb, policy in SCRIPT:
            self._giving_up.wait(max(0.0, began + at_s - time.monotonic()))
            if policy:
                self._do(verb, TENANT, policy)
            else:
                # The receiver of webhooks, which schedules have nothing to do with.
                self._site.hooks.answer(well=verb == "well")
        self._healed.wait()
        self._wait_until_they_go_on()
        for tenant, policy in tuple(self._living):
            self._do("delete", tenant, policy)

    def _do(self, verb: str, tenant: str, policy: str) -> None:
        """Say it and wait for the receipt; under the same id again if the log refused it."""
        name, input_id = self._called(tenant, policy), str(uuid.uuid4())
        speak = self._words(verb, tenant, name, policy)
        receipt: Receipt | None = None
        while not self._giving_up.is_set():
            try:
                receipt = receipt or speak(input_id)
                receipt.wait(AGAIN_S)
                break
            except NotYetAcknowledged:
                continue
            except LogError:
                receipt = None
                self._giving_up.wait(AGAIN_S)
        else:
            raise TimeoutError(f"{verb} {name} was never acknowledged")
        self.changes.append(Change(schedule_id(tenant, name), input_id, EVENTS[verb]))
        if verb == "create":
            self._made.append(name)
            self._living.append((tenant, policy))
        elif verb == "delete":
            self._living.remove((tenant, policy))

    def _called(self, tenant: str, policy: str) -> str:
        return f"{self._name}-{policy}" if tenant == TENANT else f"{self._name}-{policy}-{tenant}"

    def _words(self, verb: str, tenant: str, name: str, policy: str) -> Callable[[str], Receipt]:
        client = self._site.clients.schedules(tenant)
        plan = plan_of(name, _POLICIES.get(policy, "all"))
        if verb == "create":
            return lambda input_id: client.create(name, plan, input_id=input_id)
        if verb == "revise":
            changed = replace(plan, every_ms=EVERY_MS + 1_000, starts_at_ms=500)
            return lambda input_id: client.revise(name, changed, input_id=input_id)
        said = {"pause": client.pause, "resume": client.resume, "delete": client.delete}[verb]
        return lambda input_id: said(name, "the round says so", input_id=input_id)

    def _wait_until_they_go_on(self) -> None:
        """Until something that came due after the healing was accounted for, of each that lives."""
        healed_ms = time.time_ns() // 1_000_000
        names = [self._called(*each) for each in self._living]
        while not self._giving_up.wait(0.2):
            if self._count(names, healed_ms + EVERY_MS + 1_000) == len(names):
                return
        raise TimeoutError("some schedules didn't go on after all was healed")

    def _count(self, names: Sequence[str], after_ms: int) -> int:
        try:
            with self._site.connect() as connection:
                row = connection.execute(_GOES_ON, (list(names), after_ms)).fetchone()
        except psycopg.Error:
            return -1
        return int(str(row[0])) if row else -1


def plan_of(name: str, catch_up: CatchUp) -> Plan:
    """Every two seconds a run that stamps."""
    return Plan(workflow="beat", input=json_payload({"name": name}), every_ms=EVERY_MS, catch_up=catch_up)
