"""`takeover`: how long runs stand still when their worker is killed.

From SIGKILL to the end of reviews on every partition that were started after it: with the worker started again
at once under its name, as a supervisor does, and with nobody but a second worker to take over. With `--steps` it
is one run with so many steps behind it, and how long its next owner takes to go on with it.
"""

import argparse
import os
import signal
import time
from collections.abc import Callable
from typing import Final

from bench import long_run
from bench.casework import BENCH, review_input
from bench.figures import Figures, quantile
from bench.generator import Generator
from bench.standing import Standing, standing

# Enough for murmur2 to meet all six partitions.
REVIEWS: Final = 40
WORKER: Final = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--rounds", type=int, help="kills of each kind (default 5, quick 1)")
    parser.add_argument("--steps", type=int, help="instead: a run that has made so many")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Kill and start again; then kill one of two and leave it."""
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    if arguments.steps:
        return long_run.measure(arguments.steps, rounds, tell)
    with standing(tell) as at:
        generator = Generator(at, "bench-review", review_input)
        try:
            at.worker(WORKER, BENCH, "one")
            generator.run(200, 40)
            again = [_seconds(at, generator, "one", restart=True) for _ in range(rounds)]
            tell(f"started again: {again}")
            left = []
            for _ in range(rounds):
                at.worker(WORKER, BENCH, "two")
                # Until the second one has its share, which the group decides within some seconds.
                time.sleep(8)
                generator.run(100, 40)
                left.append(_seconds(at, generator, "two", restart=False))
            tell(f"left to the other: {left}")
        finally:
            generator.close()
    line = {
        "restarted_p50_s": quantile(again, 0.5),
        "restarted_max_s": max(again),
        "left_p50_s": quantile(left, 0.5),
        "left_max_s": max(left),
    }
    return Figures("takeover", line, {"restarted_s": again, "left_s": left, "session_timeout_ms": 10_000})


def _seconds(at: Standing, generator: Generator, name: str, *, restart: bool) -> float:
    killed = at.processes.pop(name)
    began_s = time.monotonic()
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.exit_code()
    if restart:
        at.worker(WORKER, BENCH, name)
    generator.run(REVIEWS, REVIEWS)
    return time.monotonic() - began_s
