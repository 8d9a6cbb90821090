"""What is counted and compared: repeated effects, medians of rounds, the ratio. Pure."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.failing import BenchFailed
from bench.figures import quantile


@dataclass(frozen=True, slots=True)
class Effects:
    """What the kill test found in the file of effects, where each call should have left one line."""

    expected: int
    happened: int
    repeated: int
    repeated_lines: int

    @property
    def lost(self) -> int:
        """Calls without a line."""
        return self.expected - self.happened


def effects(lines: Iterable[str], expected: int) -> Effects:
    """`repeated` counts the calls that have more than one line, `repeated_lines` the lines too many.

    Raises BenchFailed if more calls left lines than there were: then the ids aren't of calls.
    """
    seen = Counter(line.strip() for line in lines if line.strip())
    if len(seen) > expected:
        raise BenchFailed(f"{len(seen)} calls left a line, but there were {expected}")
    repeated = [times for times in seen.values() if times > 1]
    return Effects(expected, len(seen), len(repeated), sum(repeated) - len(repeated))


@dataclass(frozen=True, slots=True)
class Stretch:
    """One measured stretch of one side. CPU is in seconds, by process, the load generator's among it."""

    latencies_ms: Sequence[float]
    seconds: float
    cpu_s: Mapping[str, float]
    others_share: float

    @property
    def runs_per_s(self) -> float:
        """Reviews that ended, by the clock."""
        return len(self.latencies_ms) / self.seconds

    def cpu_ms(self) -> dict[str, float]:
        """CPU a review, by process."""
        return {name: 1000 * seconds / len(self.latencies_ms) for name, seconds in self.cpu_s.items()}


@dataclass(slots=True)
class Found:
    """All stretches of one side, a round after the other."""

    alone: list[Stretch] = field(default_factory=list)
    under_load: list[Stretch] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Medians of the rounds; latencies are of all rounds together."""
        alone, loaded = pooled(self.alone), pooled(self.under_load)
        return {
            "runs_per_s": median(stretch.runs_per_s for stretch in self.under_load),
            "cpu_ms_per_run": median(sum(stretch.cpu_ms().values()) for stretch in self.under_load),
            "p50_ms": quantile(loaded, 0.5),
            "p95_ms": quantile(loaded, 0.95),
            "alone_p50_ms": quantile(alone, 0.5),
            "alone_p95_ms": quantile(alone, 0.95),
            "others_cpu_share": median(stretch.others_share for stretch in self.under_load),
        }

    def cpu_by_process(self) -> dict[str, float]:
        """Medians of the CPU milliseconds a review."""
        rounds = [stretch.cpu_ms() for stretch in self.under_load]
        return {name: median(each[name] for each in rounds) for name in rounds[0]} if rounds else {}


def ratio(runs_per_s: Mapping[str, float], ours: str) -> tuple[float, str]:
    """Ours by the best peer's, and who that is. Raises BenchFailed without a peer or without a figure."""
    peers = {name: value for name, value in runs_per_s.items() if name != ours and value > 0}
    if not peers or not runs_per_s.get(ours, 0) > 0:
        raise BenchFailed(f"nothing to compare: {dict(runs_per_s)}")
    best = max(peers, key=lambda name: peers[name])
    return runs_per_s[ours] / peers[best], best


def pooled(stretches: Iterable[Stretch]) -> list[float]:
    """Latencies of all of them."""
    return [latency for stretch in stretches for latency in stretch.latencies_ms]


def median(values: Iterable[float]) -> float:
    """NaN of none."""
    given = list(values)
    return statistics.median(given) if given else math.nan


def orders(names: Sequence[str], rounds: int) -> list[list[str]]:
    """Who comes after whom in each round: everybody is first in turn, so that nobody has the warm machine."""
    return [[*names[turn % len(names) :], *names[: turn % len(names)]] for turn in range(rounds)]
