"""`floor`: what a bare confluent-kafka loop does with the same records, and the runner beside it, interleaved.

`ratio` is the runner's rate over the floor's, in the same minutes on the same machine.
"""

import argparse
from collections.abc import Callable
from statistics import median
from typing import Final

from bench.figures import Figures
from bench.preloaded import Pace, Preloaded
from bench.runner import run_tally
from bench.standing import Standing, standing
from bench.tally import TallyTopics

ROUNDS: Final = 3
ROUNDS_QUICK: Final = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--records", type=int, help="inputs a round (default 60000, quick 12000)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Floor, runner, floor, runner…"""
    records = arguments.records or (12_000 if arguments.quick else 60_000)
    rounds = ROUNDS_QUICK if arguments.quick else ROUNDS
    pairs = [(TallyTopics(f"floor{each}"), TallyTopics(f"runner{each}")) for each in range(rounds)]
    floors: list[Pace] = []
    runners: list[Pace] = []
    with standing(tell, [topic for pair in pairs for one in pair for topic in one.catalogue()]) as at:
        preloaded = Preloaded(at, records)
        try:
            for bare, ours in pairs:
                tell(f"loading {records} inputs twice")
                preloaded.load(bare)
                preloaded.load(ours)
                floors.append(_floor(at, preloaded, bare))
                runners.append(run_tally(at, preloaded, ours))
                tell(f"floor {floors[-1].per_s:.0f}, runner {runners[-1].per_s:.0f} records/s")
        finally:
            preloaded.close()
    return _figures(floors, runners, records)


def _floor(at: Standing, preloaded: Preloaded, topics: TallyTopics) -> Pace:
    words = ("bench.floor_process", topics.inbox, topics.events, topics.noun)
    return preloaded.pace(topics, topics.noun, lambda: at.start(topics.noun, words))


def _figures(floors: list[Pace], runners: list[Pace], records: int) -> Figures:
    floor, runner = median(one.per_s for one in floors), median(one.per_s for one in runners)
    line = {
        "floor_records_per_s": floor,
        "runner_records_per_s": runner,
        "ratio": runner / floor,
    }
    details: dict[str, object] = {
        "records": records,
        "rounds": [
            {"floor_per_s": bare.per_s, "runner_per_s": ours.per_s}
            for bare, ours in zip(floors, runners, strict=True)
        ],
        "cpu_s": {"floor": [one.cpu_s for one in floors], "runner": [one.cpu_s for one in runners]},
    }
    return Figures("floor", line, details)
