"""Histories of schedules as their own decider writes them, of any inputs that tests like."""

import random
from dataclasses import replace
from datetime import timedelta

from penstock.producers.clock import FakeClock
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.schedules import ScheduleClient
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import InputBody, pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.ids import derived_id, schedule_id
from penstock.schemas.schedule.records import FireSchedule, Plan, ReportRunRequested
from penstock.schemas.topics import SCHEDULE_INBOX
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.runner import Runner
from penstock.streams.schedules.decision import ScheduleDecider

CODEC = pinned_codec()
KEYRING = Keyring(
    [Key(each.value, b"k" * 32, each) for each in (Authority.API, Authority.SCHEDULES, Authority.TOOLS)]
)
OLGA = Actor(kind="person", subject="olga", roles=("operator",))
OTTO = Actor(kind="person", subject="otto\x00", roles=("operator",))
PLAN = Plan(
    workflow="case-review",
    input=json_payload({"case_id": "case-1", "nul": "\x00"}),
    search_attributes='{"desk":"a"}',
    cron="0 * * * *",
    catch_up="last",
)


class Schedules:
    """The schedules of a log: what is said to them is decided when `decide` is called."""

    def __init__(self, log: MemoryLog, clock: FakeClock | None = None, keyring: Keyring = KEYRING) -> None:
        self.log = log
        self._keyring = keyring
        self.clock = clock or FakeClock()
        self._runner = Runner(
            ScheduleDecider(), MemoryJournal(), log.another_client(), CODEC, keyring, "test"
        )
        self._at = {
            partition: self._runner.take(partition) for partition in range(log.partitions(SCHEDULE_INBOX))
        }

    def client(self, actor: Actor = OLGA, tenant: str = "local") -> ScheduleClient:
        """Who says something, as the API signs it."""
        return ScheduleClient(
            Publisher(self.log, CODEC, self._keyring.signer(Authority.API), "tests"), tenant, actor
        )

    def say(self, name: str, body: InputBody, authority: Authority = Authority.SCHEDULES) -> None:
        """What the effector says, or whoever has another key."""
        own = schedule_id("local", name)
        service = Actor(kind="service", subject="penstock.streams.firing")
        input_id = derived_id(own, f"{body!r}{self.clock.now_ms()}")
        meta = InputMeta(
            id=input_id, type=type(body).__name__, tenant="local", entity_id=own, time_ms=0, actor=service
        )
        publisher = Publisher(self.log, CODEC, self._keyring.signer(authority), "tests")
        publisher.publish(meta, body, SCHEDULE_INBOX)

    def decide(self) -> None:
        """Have all that was said decided."""
        for partition, at in self._at.items():
            records = self.log.deliver(SCHEDULE_INBOX, partition, at, 10_000)
            if records:
                self._runner.handle(partition, records)
                self._at[partition] = records[-1].offset + 1

    def fire(self, name: str) -> None:
        """What is due next, as the effector would."""
        self.decide()
        for tenure in self._runner._tenures.values():
            state = tenure.entities.get(schedule_id("local", name))
            if state is not None and state.state.next_due_ms is not None:
                self.say(name, FireSchedule(due_ms=state.state.next_due_ms))


def wander(dice: random.Random, schedules: Schedules, steps: int) -> None:
    """Say this and that to some schedules, while time passes."""
    names = ["one", "two", "three"]
    for _ in range(steps):
        name, client = dice.choice(names), schedules.client(dice.choice([OLGA, OTTO]))
        plan = replace(
            PLAN,
            catch_up=dice.choice(["skip", "last", "all"]),
            priority=dice.choice([None, 3]),
            ends_at_ms=dice.choice([None, schedules.clock.now_ms() + 7_200_000]),
        )
        what = dice.choice(
            [
                "create",
                "create",
                "revise",
                "pause",
                "resume",
                "trigger",
                "delete",
                "fire",
                "fire",
                "fire",
                "report",
                "no",
            ]
        )
        if what == "create":
            client.create(name, plan, paused=dice.random() < 0.3)
        elif what == "revise":
            client.revise(name, plan, expected_revision=dice.choice([None, 1]))
        elif what in ("pause", "resume", "trigger", "delete"):
            getattr(client, what)(name, "because\x00")
        elif what == "fire":
            schedules.fire(name)
        elif what == "report":
            schedules.say(name, ReportRunRequested(run_id="none"))
        else:
            schedules.say(name, FireSchedule(due_ms=1), Authority.TOOLS)
        schedules.clock.advance(timedelta(minutes=dice.choice([0, 1, 59, 400])))
        schedules.decide()
