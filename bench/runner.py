"""`runner`: records a second through the runner with state, on the real batch path, Kafka and Postgres.

Inputs of 200 bytes over 4,000 entities stand on the inbox before the worker starts. A second run with timers
at the ports says where the time goes. `--memory`: the same on the memory log and journal, pure Python.
"""

import argparse
import time
from collections.abc import Callable
from typing import Final

from bench.failing import BenchFailed
from bench.figures import Figures
from bench.preloaded import Pace, Preloaded
from bench.standing import Standing, standing
from bench.tally import ENTITIES, INPUT_BYTES, KEYRING, TallyDecider, TallyTopics, inputs
from bench.tally_process import watched
from bench.timers import Timers
from penstock.producers.memory import MemoryLog
from penstock.runtime.settings import Settings
from penstock.schemas.codec import Codec
from penstock.schemas.registry import pinned
from penstock.schemas.topics import PARTITIONS
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.runner import Runner

PLAIN: Final = TallyTopics("plain")
TIMED: Final = TallyTopics("timed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--records", type=int, help="inputs (default 100000, quick 20000)")
    parser.add_argument("--memory", action="store_true", help="on the memory log and journal: pure Python")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Load, run plainly, load, run with timers."""
    records = arguments.records or (20_000 if arguments.quick else 100_000)
    if arguments.memory:
        return in_memory(records, arguments.quick)
    topics = (*PLAIN.catalogue(), *TIMED.catalogue())
    with standing(tell, topics) as at:
        preloaded = Preloaded(at, records)
        try:
            tell(f"loading {records} inputs")
            preloaded.load(PLAIN)
            preloaded.load(TIMED)
            tell("running plainly")
            plain = run_tally(at, preloaded, PLAIN)
            tell("running with timers")
            timed = run_tally(at, preloaded, TIMED, "timed")
        finally:
            preloaded.close()
    return _figures(plain, timed, records)


def run_tally(at: Standing, preloaded: Preloaded, topics: TallyTopics, *words: str) -> Pace:
    """One worker over one inbox."""
    module = ("bench.tally_process", topics.noun, *words)
    return preloaded.pace(topics, topics.noun, lambda: at.start(topics.noun, module), takes=True)


def _figures(plain: Pace, timed: Pace, records: int) -> Figures:
    line = {
        "records_per_s": plain.per_s,
        "us_per_record": 1e6 / plain.per_s,
        "cpu_us_worker": plain.cpu_us(PLAIN.noun),
        "cpu_us_postgres": plain.cpu_us("postgres"),
        "cpu_us_broker": plain.cpu_us("broker"),
        "records_per_s_timed": timed.per_s,
    }
    details = {"records": records, "entities": ENTITIES, "input_bytes": INPUT_BYTES}
    return Figures("runner", line, {**details, "plain": plain.told, "timed": timed.told})


def in_memory(records: int, quick: bool) -> Figures:
    """Three times plainly, the fastest counts; then with timers."""
    paces = [memory_pace(records, None) for _ in range(2 if quick else 5)]
    timers = Timers()
    memory_pace(records, timers)
    cpu_s, wall_s = min(paces)
    line = {"records_per_s": records / wall_s, "cpu_us_per_record": 1e6 * cpu_s / records}
    return Figures("runner_memory", line, {"records": records, "phases": timers.report(records)})


def memory_pace(records: int, timers: Timers | None) -> tuple[float, float]:
    """(CPU seconds, seconds by the clock) of the runner alone, over batches as the worker gets them."""
    topics = TallyTopics("plain")
    log = MemoryLog(topics.catalogue())
    log.append(list(inputs(records, topics.inbox)))
    decider, journal, codec = TallyDecider(topics.noun), MemoryJournal(), Codec(pinned())
    runner = Runner(decider, journal, log.another_client(), codec, KEYRING, "bench")
    if timers is not None:
        timers.phases.update(watched(runner, decider, journal, runner._log, codec).phases)
    positions = {partition: runner.take(partition) for partition in range(PARTITIONS)}
    batch_records_max = Settings().batch_records_max
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    while batches := {
        partition: batch
        for partition, position in positions.items()
        if (batch := log.deliver(topics.inbox, partition, position, batch_records_max))
    }:
        runner.handle_all(batches)
        positions |= {partition: batch[-1].offset + 1 for partition, batch in batches.items()}
    spent = time.process_time() - cpu_s, time.perf_counter() - wall_s
    made = sum(log.bounds(topics.events, partition)[1] for partition in range(PARTITIONS)) - PARTITIONS
    if made != records:
        raise BenchFailed(f"{records} inputs made {made} events")
    return spent
