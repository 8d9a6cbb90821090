"""The same schedules on the in-memory log, thousands a minute: every kind of fault, as a decider's owner meets it.

What is nothing to an owner (the death of the API, a clock) is nothing here; effectors and views are tested with a
real database. What is in doubt about a server that is away is what of the last append arrived.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from penstock.audit.witnesses import Finding
from penstock.producers.log import Outgoing
from penstock.schemas.ids import partition_of
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import PARTITIONS, RUN_INBOX
from penstock.streams.memory_journal import MemoryJournal
from tests.chaos.matrix.beats_simulated import BeatSimulation
from tests.chaos.matrix.schedule import Fault, Schedule, schedule
from tests.chaos.matrix.simulation import NAMES, Harm, Simulation
from tests.runner.tally import forged_marker, input_record

Healing = Callable[[], None]


def _nothing() -> None:
    """There is nothing to heal."""


def _kill(sim: Simulation, fault: Fault) -> Healing:
    ways: Mapping[str, int | None] = {"after-receive": None, "after-commit": 0, "while-taking": 0}
    survivors = ways.get(fault.point, sim.dice.randrange(4))
    sim.crash(survivors, while_taking=fault.point == "while-taking")
    return _nothing


def _freeze(sim: Simulation, fault: Fault) -> Healing:
    zombie = sim.owners.pop()
    sim.join()

    def wake() -> None:
        # It goes on where it was, before anything tells it that others own what it had.
        sim.owners.insert(0, zombie)
        sim.work(zombie)

    return wake


def _away(sim: Simulation, fault: Fault) -> Healing:
    """Nobody gets anything done; what was under way arrived in part."""
    sim.crash(sim.dice.randrange(3))
    sim.away.add(fault)
    return lambda: sim.away.discard(fault)


def _power_cut(sim: Simulation, fault: Fault) -> Healing:
    heal = _away(sim, fault)
    sim.owners.clear()
    sim.join()
    return heal


def _dropped(sim: Simulation, fault: Fault) -> Healing:
    sim.journal.restore(MemoryJournal())
    return _nothing


def _restored(sim: Simulation, fault: Fault) -> Healing:
    dump = sim.journal.copy()
    return lambda: sim.journal.restore(dump)


def _redelivered(sim: Simulation, fault: Fault) -> Healing:
    for owner in sim.owners:
        owner.positions = {p: sim.dice.randint(0, at) for p, at in owner.positions.items()}
    return _nothing


def _joined(sim: Simulation, fault: Fault) -> Healing:
    sim.join()
    return sim.join


def _coming(sim: Simulation, fault: Fault) -> Healing:
    sim.coming.add(fault)
    return lambda: sim.coming.discard(fault)


def _silent(sim: Simulation, fault: Fault) -> Healing:
    sim.away.add(fault)
    return lambda: sim.away.discard(fault)


def _poisoned(sim: Simulation, fault: Fault) -> Healing:
    """Of runs only: bytes, cut and misplaced inputs, what nobody signed, and forged takings."""
    log, dice = sim.world.log, sim.dice
    for number in range(10):
        name = dice.choice(NAMES)
        good = input_record(name, FireTimer(timer_id="one"), f"poison {number}")
        here = partition_of(good.key or b"", PARTITIONS)
        log.append(
            [
                Outgoing(RUN_INBOX, good.key, dice.randbytes(dice.randint(0, 40)), ()),
                Outgoing(RUN_INBOX, good.key, (good.value or b"")[:-1], good.headers),
                Outgoing(RUN_INBOX, good.key, good.value, good.headers, (here + 1) % PARTITIONS),
                Outgoing(RUN_INBOX, None, b"no key", ()),
            ]
        )
        sim.world.send(name, "one", ident=f"unsigned {number}", authority=None)
        epoch = dice.choice((dice.randint(1, 10**6), "9" * 40))
        log.append([forged_marker(dice.randrange(PARTITIONS), epoch)])
    return _nothing


def _unconcerned(sim: Simulation, fault: Fault) -> Healing:
    """A decider has no clock and no disk, and an older log is refused before there is an owner."""
    return _nothing


HARMS: Final[Mapping[str, Harm]] = {
    "kill": _kill,
    "kill-at": _kill,
    "freeze": _freeze,
    "broker-stopped": _away,
    "postgres-stopped": _away,
    "power-cut": _power_cut,
    "database-dropped": _dropped,
    "database-restored": _restored,
    "connections-terminated": _redelivered,
    "connections-cut": _redelivered,
    "silence": _silent,
    "doubled": _joined,
    "halved": _joined,
    "next-version": _joined,
    "disk-full-broker": _away,
    "disk-full-postgres": _away,
    "disk-full-home": _unconcerned,
    "log-restored": _unconcerned,
    "clock": _unconcerned,
    "poison": _poisoned,
    "rebalances": _coming,
}


def simulate(plan: Schedule) -> list[Finding]:
    """Play a schedule on the in-memory log, with runs and with schedules; what must not be."""
    return [*Simulation(plan).play(HARMS), *BeatSimulation(plan).play(HARMS)]


def simulate_all(seeds: Iterable[int], processes: int) -> Iterator[tuple[int, list[str]]]:
    """The seeds that broke, and how."""
    with ProcessPoolExecutor(processes, initializer=_quietly) as pool:
        for seed, findings in pool.map(_one, seeds, chunksize=20):
            if findings:
                yield seed, findings


def _quietly() -> None:
    logging.disable(logging.ERROR)


def _one(seed: int) -> tuple[int, list[str]]:
    try:
        return seed, [str(finding) for finding in simulate(schedule(seed, quick=True))]
    except Exception as error:  # noqa: BLE001 whatever a runner raises here is a finding of that seed
        return seed, [f"raised {error!r}"]
