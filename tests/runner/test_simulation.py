"""Seeded simulations of crashes, redelivery, zombies, wiped and restored databases, on the in-memory log.

The expectation is a sequential decider over the inputs in the order of the log, which knows nothing of runners.
"""

import contextlib
import random
from collections import defaultdict

import pytest

from penstock.producers.errors import OwnerLost
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import RUN_INBOX
from penstock.streams.host import Fenced
from penstock.streams.memory_journal import MemoryJournal

from .tally import CODEC, LastingTallyDecider, Owner, TallyDecider, World, entity

NAMES = [f"e{i}" for i in range(5)]


def expected(world: World) -> dict[str, list[str]]:
    """What a decider that never fails makes of the inbox: each input once, in order."""
    notes: dict[str, list[str]] = defaultdict(list)
    done = set()
    for partition in range(6):
        for record in world.log.deliver(RUN_INBOX, partition, 0, 10_000):
            meta, body = CODEC.decode_input(record.value or b"")
            assert isinstance(body, FireTimer)
            if meta.id in done:
                continue
            done.add(meta.id)
            history = notes[meta.entity_id]
            base = len(history)
            copies = 3 if body.timer_id.startswith("many") else 1
            history.extend(f"{body.timer_id}/{base + i}" for i in range(copies))
    return notes


def step(world: World, owners: list[Owner], dumps: list[MemoryJournal], dice: random.Random) -> None:
    """One thing that may happen. A zombie is an owner that goes on although another took its partitions."""
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    what = dice.choice(
        ["send", "send", "send", "work", "work", "crash", "join", "redeliver", "dump", "restore", "wipe"]
    )
    if what == "send":
        name, note = dice.choice(NAMES), dice.choice(["one", "many"])
        world.send(name, note, ident=f"{note}{dice.randrange(40)}")
    elif what in ("work", "redeliver"):
        owner = dice.choice(owners)
        if what == "redeliver":
            owner.positions = {p: dice.randint(0, at) for p, at in owner.positions.items()}
        for partition in dice.sample(sorted(owner.positions), 3):
            records = world.log.deliver(RUN_INBOX, partition, owner.positions[partition], dice.randint(1, 4))
            try:
                owner.runner.handle(partition, records)
                if records:
                    owner.positions[partition] = records[-1].offset + 1
            except Fenced:
                owner.positions[partition] = owner.runner.take(partition)
    elif what == "crash":
        owner = owners.pop(dice.randrange(len(owners)))
        owner.log.lose_after(dice.randrange(3))
        with contextlib.suppress(OwnerLost):
            owner.work(records_max=3)
        owners.append(world.runner().take_all())
    elif what == "join":
        owners.append(world.runner().take_all())
        del owners[:-3]
    elif what == "dump":
        dumps.append(journal.copy())
    elif what in ("restore", "wipe"):
        # The database is replaced under everybody's feet.
        journal.restore(dice.choice(dumps) if dumps and what == "restore" else MemoryJournal())


# Two seeds of thousands show what happens without the check for another owner in `Runner._publish`.
@pytest.mark.parametrize("kind", [TallyDecider, LastingTallyDecider])
@pytest.mark.parametrize("seed", [*range(100), 350, 2719])
def test_every_input_is_decided_once_whatever_happens(kind: type[TallyDecider], seed: int) -> None:
    dice = random.Random(seed)
    world = World(MemoryJournal(), decider=kind())
    owners = [world.runner().take_all()]
    dumps: list[MemoryJournal] = []
    for _ in range(60):
        step(world, owners, dumps, dice)
    world.runner().take_all().work()
    wanted = expected(world)
    for name in NAMES:
        events = world.events(name)
        assert world.notes(name) == wanted.get(entity(name), []), f"seed {seed}"
        assert [meta.entity_seq for meta, _ in events] == list(range(1, len(events) + 1)), f"seed {seed}"
