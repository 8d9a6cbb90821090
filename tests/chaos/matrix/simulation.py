"""A schedule under way on the in-memory log: owners that come, go, freeze and wake, on one journal.

A tick is a quarter of a second of the schedule. The expectation knows no runner: it takes the inbox in the order
of the log, with a decider that never fails.
"""

import contextlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from penstock.audit.witnesses import Finding
from penstock.producers.errors import OwnerLost
from penstock.producers.log import Record
from penstock.producers.signing import Authority
from penstock.schemas.codec import Undecodable
from penstock.schemas.ids import partition_of
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import PARTITIONS, RUN_INBOX
from penstock.streams.host import Fenced
from penstock.streams.memory_journal import MemoryJournal
from tests.chaos.matrix.reading import Reading, dead_places
from tests.chaos.matrix.schedule import Fault, Schedule
from tests.chaos.matrix.verdict import broken_histories, unanswered
from tests.runner.tally import CODEC, KEYRING, Owner, World, entity

TICK_S: Final = 0.25
NAMES: Final = tuple(f"e{number}" for number in range(6))
OWNERS_MAX: Final = 4
AFTERWARDS_TICKS: Final = 8


@dataclass
class Simulation:
    """One schedule under way. `owners` are processes; the last to take a partition has it, the others are zombies."""

    plan: Schedule
    dice: random.Random = field(init=False)
    world: World = field(init=False)
    owners: list[Owner] = field(default_factory=list)
    frozen: list[Owner] = field(default_factory=list)
    away: set[Fault] = field(default_factory=set)
    coming: set[Fault] = field(default_factory=set)
    dump: MemoryJournal | None = None

    def __post_init__(self) -> None:
        self.dice = random.Random(f"simulated {self.plan.seed}")
        self.world = self.made()
        self.join()

    def made(self) -> World:
        """What it plays in."""
        return World(MemoryJournal())

    @property
    def journal(self) -> MemoryJournal:
        """The database."""
        assert isinstance(self.world.journal, MemoryJournal)
        return self.world.journal

    def join(self) -> None:
        """One more owner, who takes everything."""
        self.owners.append(self.world.runner().take_all())
        del self.owners[:-OWNERS_MAX]

    def send(self) -> None:
        """An input; now and then one that was sent before."""
        note = self.dice.choice(("one", "many"))
        self.world.send(self.dice.choice(NAMES), note, ident=f"{note}{self.dice.randrange(60)}")

    def work(self, owner: Owner) -> None:
        """Some of what there is, of some partitions, in small batches."""
        for partition in self.dice.sample(range(PARTITIONS), 4):
            at = owner.positions[partition]
            records = self.world.log.deliver(self.world.inbox, partition, at, self.dice.randint(1, 4))
            try:
                owner.runner.handle(partition, records)
            except Fenced:
                owner.positions[partition] = owner.runner.take(partition)
            else:
                owner.positions[partition] = records[-1].offset + 1 if records else at

    def crash(self, survivors: int | None, *, while_taking: bool = False) -> None:
        """The newest owner dies: after so many records of its next append (None: before it does anything)."""
        owner = self.owners.pop()
        if survivors is not None:
            owner.log.lose_after(survivors)
            with contextlib.suppress(OwnerLost, Fenced):
                if while_taking:
                    owner.take_all()
                else:
                    owner.work(records_max=3)
        self.join()

    def play(self, harms: Mapping[str, "Harm"]) -> list[Finding]:
        """The whole schedule, then an owner who finishes it; what must not be."""
        work = self.plan.workload
        ends = max(fault.until_s for fault in self.plan.faults)
        ticks = round(max(ends, work.over_s) / TICK_S) + AFTERWARDS_TICKS
        a_tick = max(1, round(work.runs * TICK_S / work.over_s))
        begun: set[Fault] = set()
        heals: dict[Fault, Callable[[], None]] = {}
        for tick in range(ticks):
            now_s = tick * TICK_S
            for fault in self.plan.faults:
                if fault.at_s <= now_s and fault not in begun:
                    begun.add(fault)
                    heals[fault] = harms[fault.kind](self, fault)
                if fault.until_s <= now_s and fault in heals:
                    heals.pop(fault)()
            self._tick(a_tick)
        for heal in heals.values():
            heal()
        self.world.runner().take_all().work()
        return list(self.findings())

    def findings(self) -> Iterable[Finding]:
        """The verdict: the log against itself, and against a decider that never fails."""
        read, kept = Reading(CODEC), self.world.log
        events = read.events(kept)
        yield from broken_histories(events)
        yield from unanswered(read.inputs(kept), events, dead_places(kept))
        wanted = expected(self.world)
        for name in NAMES:
            if self.world.notes(name) != wanted.get(entity(name), []):
                yield Finding("decided", name, "isn't what a decider makes of it that never fails")

    def _tick(self, sends: int) -> None:
        for _ in range(sends):
            self.send()
        for _ in self.coming:
            self.join()
        if not self.away:
            for owner in list(self.owners):
                self.work(owner)


Harm: TypeAlias = Callable[[Simulation, Fault], Callable[[], None]]


def expected(world: World) -> dict[str, list[str]]:
    """What a decider that never fails makes of the inbox: each good input once, in order."""
    notes: defaultdict[str, list[str]] = defaultdict(list)
    done: set[str] = set()
    for partition in range(PARTITIONS):
        for record in world.log.deliver(RUN_INBOX, partition, 0, 100_000):
            said = _read(record)
            if said is None or said[0] in done:
                continue
            ident, entity_id, note = said
            done.add(ident)
            history = notes[entity_id]
            copies = 3 if note.startswith("many") else 1
            base = len(history)
            history.extend(f"{note}/{base + number}" for number in range(copies))
    return notes


def _read(record: Record) -> tuple[str, str, str] | None:
    """Id, entity and note of an input that counts."""
    if record.key is None or partition_of(record.key, PARTITIONS) != record.partition:
        return None
    try:
        meta, body = CODEC.decode_input(record.value or b"")
    except Undecodable:
        return None
    if KEYRING.verify(record, meta) is Authority.NONE or not isinstance(body, FireTimer):
        return None
    return meta.id, meta.entity_id, body.timer_id
