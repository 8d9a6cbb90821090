"""`soak`: load for a long time; whether memory and pace stay as they were.

Figures: resident MiB of each process after a tenth of the time and at the end, reviews a second in the first and
in the last tenth. The first tenth is for caches to fill.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Final

from bench.casework import BENCH, TOGETHER, review_input, start_workers
from bench.figures import Figures
from bench.generator import Generator
from bench.standing import standing

SLICE: Final = 2_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--minutes", type=float, help="how long (default 20, quick 0.5)")
    parser.add_argument("--in-flight", type=int, default=100, help="reviews at a time (default 100)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Run reviews in slices until the time is over."""
    seconds = 60 * (arguments.minutes or (0.5 if arguments.quick else 20))
    size = SLICE // 10 if arguments.quick else SLICE
    slices: list[tuple[float, float, Mapping[str, float]]] = []
    with standing(tell) as at:
        generator = Generator(at, "bench-review", review_input)
        try:
            start_workers(at, TOGETHER, BENCH)
            generator.run(size, arguments.in_flight)
            began_s = time.monotonic()
            while (at_s := time.monotonic() - began_s) < seconds:
                slice_s = time.monotonic()
                generator.run(size, arguments.in_flight)
                pace = size / (time.monotonic() - slice_s)
                mib = {name: _rss_mib(pid) for name, pid in at.pids().items()}
                slices.append((at_s, pace, mib))
                tell(f"{len(slices) * size} reviews, {pace:.0f}/s, MiB: {_shown(mib)}")
        finally:
            generator.close()
    tenth = max(1, len(slices) // 10)
    early, late = slices[tenth - 1][2], slices[-1][2]
    line = {
        "reviews": float(len(slices) * size),
        "first_runs_per_s": sum(pace for _, pace, _ in slices[:tenth]) / tenth,
        "last_runs_per_s": sum(pace for _, pace, _ in slices[-tenth:]) / tenth,
        **{f"{name}_mib_early": value for name, value in early.items()},
        **{f"{name}_mib_late": value for name, value in late.items()},
    }
    every = max(1, len(slices) // 20)
    kept = [{"s": round(at_s), "runs_per_s": pace, "mib": mib} for at_s, pace, mib in slices[::every]]
    return Figures("soak", line, {"slices": kept, "in_flight": arguments.in_flight})


def _rss_mib(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 2**20


def _shown(mib: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in mib.items())
