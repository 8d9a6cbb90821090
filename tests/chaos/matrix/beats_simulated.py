"""The same for schedules: their decider under the schedule of a seed, and a bell that rings too early, twice and late.

The bell is the fold of the effector that fires them, without its process: what that does when it dies is tested on
real ones. Runs are taken to begin when they are asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from penstock.audit.witnesses import Finding
from penstock.producers.clock import FakeClock
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.schedules import ScheduleClient
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.topics import SCHEDULE_EVENTS, SCHEDULE_INBOX
from penstock.streams.answers import Answer, Sender
from penstock.streams.firing.effect import ScheduleFold, fire, report
from penstock.streams.firing.ports import DueTime, ScheduleWork
from penstock.streams.journal import Journal
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.runner import Runner
from penstock.streams.schedules.decision import ScheduleDecider
from penstock.streams.schedules.state import ScheduleState
from tests.chaos.matrix.beats import plan_of
from tests.chaos.matrix.impatient import hurry
from tests.chaos.matrix.reading import Reading, dead_places
from tests.chaos.matrix.simulation import TICK_S, Harm, Simulation
from tests.chaos.matrix.verdict import broken_histories, unanswered
from tests.chaos.matrix.verdict_beats import histories_of
from tests.runner.tally import CODEC, OPERATOR, World

KEYRING: Final = Keyring([Key(a.value, b"s" * 32, a) for a in (Authority.API, Authority.SCHEDULES)])
NAMES: Final = ("all", "last", "skip")
RINGS_EVERY_TICKS: Final = 4


class BeatWorld(World):
    """Where schedules are decided."""

    inbox = SCHEDULE_INBOX

    def host(self, log: MemoryLog, journal: Journal) -> Runner[ScheduleState]:
        """A runner of their decider."""
        return Runner(ScheduleDecider(), journal, log, CODEC, KEYRING, "test", snapshot_every=3)


@dataclass
class BeatSimulation(Simulation):
    """One schedule under way, of schedules."""

    ticks: int = 0
    clock: FakeClock = field(default_factory=FakeClock)

    def made(self) -> World:
        """With a clock that goes on."""
        world = BeatWorld(MemoryJournal(), MemoryLog(clock=self.clock))
        publisher = Publisher(world.log, CODEC, KEYRING.signer(Authority.API), "simulation")
        self.client = ScheduleClient(publisher, "local", OPERATOR, self.clock)
        self.sender = Sender(SCHEDULE_INBOX, "bell", CODEC, KEYRING.signer(Authority.SCHEDULES), self.clock)
        for name in NAMES:
            self.client.create(name, plan_of(name, name))
        return world

    def play(self, harms: Mapping[str, Harm]) -> list[Finding]:
        """As for runs, by schedules that are impatient."""
        with hurry():
            return super().play(harms)

    def send(self) -> None:
        """Now and then somebody changes one of them."""
        if self.dice.random() > 0.05:
            return
        name = self.dice.choice(NAMES)
        plan = plan_of(name, name)  # type: ignore[arg-type]
        self.dice.choice(
            (
                lambda: self.client.pause(name),
                lambda: self.client.resume(name),
                lambda: self.client.resume(name),
                lambda: self.client.trigger(name),
                lambda: self.client.delete(name),
                lambda: self.client.create(name, plan),
                lambda: self.client.create(name, plan),
                lambda: self.client.revise(name, replace(plan, every_ms=1_000 * self.dice.randint(1, 4))),
            )
        )()

    def findings(self) -> Iterable[Finding]:
        """The verdict: the log against itself, and each schedule's times against its plan."""
        read, kept = Reading(CODEC), self.world.log
        told = read.events(kept, SCHEDULE_EVENTS)
        yield from broken_histories(told)
        yield from unanswered(read.inputs(kept, SCHEDULE_INBOX), told, dead_places(kept, SCHEDULE_INBOX))
        for account, history in histories_of(told):
            yield from account.audit(history)

    def _tick(self, sends: int) -> None:
        self.clock.advance(timedelta(seconds=TICK_S))
        self.ticks += 1
        if self.ticks % RINGS_EVERY_TICKS == 0:
            self.ring()
        super()._tick(sends)

    def ring(self) -> None:
        """Whatever is due, or nearly so, or was long ago, or not yet known to be over."""
        fold, work = ScheduleFold(), OpenWork[ScheduleWork]()
        for event in Reading(CODEC).events(self.world.log, SCHEDULE_EVENTS):
            fold.evolve(work, Seen(event.meta, event.body, event.record.value or b""))
        for one in work:
            answer = self._answer(one)
            if answer is not None and self.dice.random() < 0.7:
                self.world.log.append([self.sender.outgoing(answer)] * self.dice.choice((1, 1, 2)))

    def _answer(self, one: ScheduleWork) -> Answer | None:
        if not isinstance(one, DueTime):
            return report(one)
        return fire(one) if one.due_ms <= self.clock.now_ms() + self.dice.choice((0, 0, 0, 900)) else None
