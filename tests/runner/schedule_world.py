"""A world for schedules: a memory log whose clock the test moves, their decider on a runner, and their effector."""

import contextlib
from dataclasses import dataclass, field
from datetime import timedelta

from penstock import Application, Run, workflow
from penstock.declare.due_times import due_after
from penstock.declare.schedules import times_of
from penstock.producers.clock import FakeClock
from penstock.producers.errors import OwnerLost
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.schedules import ScheduleClient
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.bodies import EventBody
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, EventMeta, InputMeta
from penstock.schemas.run.records import RunStarted, StartRun
from penstock.schemas.schedule.records import Plan, ScheduleFired, ScheduleMissed
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, SCHEDULE_EVENTS, SCHEDULE_INBOX
from penstock.streams.background import Background
from penstock.streams.effector import EffectHost
from penstock.streams.firing.agent import firing_host
from penstock.streams.firing.ports import ScheduleWork
from penstock.streams.host import Fenced
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.runner import Runner
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.state import RunState
from penstock.streams.schedules.decision import ScheduleDecider
from penstock.streams.schedules.state import ScheduleState

from .effects import eventually
from .tally import visible

CODEC = pinned_codec()
KEYRING = Keyring([Key(a.value, b"s" * 32, a) for a in (Authority.API, Authority.SCHEDULES)])
OLGA = Actor(kind="person", subject="olga", roles=("operator",))


@workflow("count", version=1)
async def count(run: Run, given: int) -> int:
    return given


HOURLY = Plan(workflow="count", input=json_payload(1), cron="0 * * * *", catch_up="all")


@dataclass
class Reader:
    """A host and the positions that it reads from, as the feeder keeps them."""

    log: MemoryLog
    host: Runner[ScheduleState] | EffectHost[ScheduleWork] | Runner[RunState]
    positions: dict[int, int] = field(default_factory=dict)

    def take_all(self) -> "Reader":
        for partition in range(self.log.partitions(self.host.topic)):
            self.positions[partition] = self.host.take(partition)
        return self

    def feed(self, records_max: int = 500) -> "Reader":
        """Handle all that stands there; take anew what was fenced."""
        for partition in list(self.positions):
            while found := self.log.deliver(
                self.host.topic, partition, self.positions[partition], records_max
            ):
                try:
                    self.host.handle(partition, found)
                    self.positions[partition] = found[-1].offset + 1
                except Fenced:
                    self.positions[partition] = self.host.take(partition)
        return self


class World:
    """What processes come and go in. The log, the journal and the database stay."""

    def __init__(self, database_url: str) -> None:
        self.clock = FakeClock()
        self.log = MemoryLog(clock=self.clock)
        self.journal = MemoryJournal()
        self._database_url = database_url
        self._firing: list[EffectHost[ScheduleWork]] = []
        publisher = Publisher(self.log, CODEC, KEYRING.signer(Authority.API), "tests")
        self.client = ScheduleClient(publisher, "local", OLGA)
        self.decider = self.new_decider()
        self.effector = self.new_effector()

    def new_decider(self) -> Reader:
        log = self.log.another_client()
        runner = Runner(ScheduleDecider(), self.journal, log, CODEC, KEYRING, "test", snapshot_every=3)
        return Reader(log, runner).take_all()

    def new_effector(self, again_s: float = 10.0, clock: FakeClock | None = None) -> Reader:
        """The one before is gone without a word, as if its process had been killed."""
        for partition in range(6) if self._firing else ():
            self._firing[-1].drop(partition)
        host = firing_host(
            open_log=self.log.another_client,
            database_url=self._database_url,
            keyring=KEYRING,
            background=Background(),
            clock=clock or self.clock,
            again_s=again_s,
            save_every_s=0,
        )
        self._firing.append(host)
        self.effector = Reader(self.log, host).take_all().feed()
        return self.effector

    def crash_decider(self, after_records: int) -> None:
        """It dies while it publishes, and another one takes over."""
        self.decider.log.lose_after(after_records)
        with contextlib.suppress(OwnerLost):
            self.decider.feed(records_max=2)
        self.decider = self.new_decider()

    def pass_time(self, **units: float) -> None:
        """The clock goes on; whoever looks at it next sees what is due."""
        self.clock.advance(timedelta(**units))
        self.new_effector()

    def settle(self) -> None:
        """Let everything that is due now happen."""
        eventually(self._quiet, "nothing is due or to be started any more")

    def events(self, name: str = "") -> list[tuple[EventMeta, EventBody]]:
        """What stands on the log of schedules, seen as a reader does that knows epochs."""
        found = []
        for partition in range(6):
            for record in visible(self.log, partition, SCHEDULE_EVENTS):
                found.append(CODEC.decode_event(record.value or b""))
        return found

    def starts(self) -> list[tuple[InputMeta, StartRun]]:
        """The starts in the runs' inbox, as often as they stand there; every signature is checked."""
        found = []
        for partition in range(6):
            for record in self.log.deliver(RUN_INBOX, partition, 0, 10_000):
                meta, body = CODEC.decode_input(record.value or b"")
                assert KEYRING.verify(record, meta) is Authority.SCHEDULES
                assert isinstance(body, StartRun)
                found.append((meta, body))
        return found

    def runs_started(self) -> list[str]:
        """The runs that a runs worker, reading all of that, starts."""
        decider = RunDecider(Application("counting", workflows=(count,)))
        log = self.log.another_client()
        Reader(log, Runner(decider, MemoryJournal(), log, CODEC, KEYRING, "test")).take_all().feed()
        records = [record for partition in range(6) for record in visible(self.log, partition, RUN_EVENTS)]
        told = [CODEC.decode_event(record.value or b"") for record in records]
        return [meta.entity_id for meta, body in told if isinstance(body, RunStarted)]

    def accounted(self, plan: Plan, created_ms: int) -> tuple[list[int], list[int]]:
        """The times that fired and those that were missed, in order; together they are all that were due."""
        told = [body for _, body in self.events()]
        fired = [body.due_ms for body in told if isinstance(body, ScheduleFired)]
        missed = [
            due_ms
            for body in told
            if isinstance(body, ScheduleMissed)
            for due_ms in due_after(times_of(plan), body.from_ms - 1, body.count)
        ]
        every = list(due_after(times_of(plan), created_ms, len(fired) + len(missed)))
        assert sorted(fired + missed) == every, "each due time fires once or is missed"
        assert not every or every[-1] + 3_600_000 > self.clock.now_ms(), "and none is forgotten"
        return fired, missed

    def close(self) -> None:
        for host in self._firing:
            host.close()

    def _quiet(self) -> bool:
        self.decider.feed()
        self.effector.feed()
        inbox = sum(self.log.bounds(SCHEDULE_INBOX, partition)[1] for partition in range(6))
        state = self._states()
        due = [one for one in state if one.next_due_ms is not None and one.next_due_ms <= self.clock.now_ms()]
        unreported = [one for one in state if one.unreported]
        again = sum(self.log.bounds(SCHEDULE_INBOX, partition)[1] for partition in range(6))
        return not due and not unreported and inbox == again

    def _states(self) -> list[ScheduleState]:
        host = self.decider.host
        assert isinstance(host, Runner)
        states = (entity.state for tenure in host._tenures.values() for entity in tenure.entities.values())
        return [state for state in states if isinstance(state, ScheduleState)]
