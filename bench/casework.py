"""`casework`: real processes review cases from start to end, under load and one at a time.

Figures: reviews a second, start to end, CPU a review by process, records a review, and how old what the views don't
show yet is. With `--blueprint` it is
the casework example with its case store in Postgres, else the bench application, whose targets do nothing.
"""

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from bench import cpu
from bench.failing import BenchFailed
from bench.figures import Figures, quantile
from bench.generator import Generator, Seen
from bench.staleness import EVERY_S, Staleness
from bench.standing import POSTGRES, Standing, backends_s, standing, transactions
from penstock.examples.casework.seed import seed
from penstock.producers.kafka import KafkaLog
from penstock.runtime.settings import Settings
from penstock.schemas.topics import PARTITIONS, RUN_EVENTS, RUN_INBOX

VIEWS: Final = "views"
TOGETHER: Final = ("all", VIEWS)
APART: Final = ("runs", "tools", "timers", VIEWS)
GENERATOR: Final = "generator"
BENCH: Final = "bench.application:application"
BLUEPRINT: Final = "penstock.examples.casework.app:application"
# Of these every review must have exactly as many, whatever is retried: the workflow asks for each once.
_EXACTLY: Final = {"RunStarted": 1, "RunCompleted": 1, "ApprovalRequested": 1, "ToolCallStarted": 1}
_SAMPLE_CASES: Final = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--in-flight", type=int, default=150, help="reviews at a time (default 150)")
    parser.add_argument("--reviews", type=int, help="reviews under load (default 4000, quick 1000 at most)")
    parser.add_argument("--blueprint", action="store_true", help="the casework example, with its case store")
    parser.add_argument("--optimised", action="store_true", help="a broker with its optimising compiler")
    parser.add_argument("--partitions", type=int, default=PARTITIONS, help="of each topic (default 6)")
    parser.add_argument("--apart", action="store_true", help="a process for each role, without hand-over")
    parser.add_argument("--workers", type=int, default=1, help="processes of each role (default 1)")
    parser.add_argument(
        "--without", action="append", default=[], choices=APART[2:], help="a worker to leave out"
    )


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Start everything, warm up, one at a time, under load."""
    reviews = arguments.reviews or (1_000 if arguments.quick else 4_000)
    warm_up, alone = (200, 40) if arguments.quick else (1_000, 300)
    limits_s = (8.0, 6.0, 12.0) if arguments.quick else (math.inf, math.inf, math.inf)
    together = APART if arguments.apart else TOGETHER
    roles = [role for role in together if role not in arguments.without]
    with standing(tell, partitions=arguments.partitions, lean=not arguments.optimised) as at:
        generator = _generator(at, arguments.blueprint, warm_up + alone + reviews)
        try:
            start_workers(at, roles, BLUEPRINT if arguments.blueprint else BENCH, arguments.workers)
            tell(f"up: {at.pids()}; warming up with {warm_up} reviews")
            first = generator.run(1, 1)
            generator.run(warm_up - 1, min(arguments.in_flight, warm_up // 4), limits_s[0])
            tell(f"{alone} reviews one at a time")
            one = generator.run(alone, 1, limits_s[1])
            tell(f"{reviews} reviews, {arguments.in_flight} at a time")
            under_load = _Load(at, generator)
            seen = under_load.run(reviews, arguments.in_flight, limits_s[2])
            reviews = len(seen.latencies_ms)
            checked = [] if arguments.blueprint else _check(seen, reviews)
        finally:
            generator.close()
        at.check()
    return _figures(arguments, seen, one, first, under_load, reviews, checked)


def start_workers(at: Standing, roles: Sequence[str], application: str, workers: int = 1) -> None:
    """Start so many of each, but one projector."""
    for role in roles:
        at.worker(role, application)
        for number in range(2, workers + 1 if role != VIEWS else 0):
            at.worker(role, application, f"{role}-{number}")


def review_input(number: int) -> object:
    """What the n-th review of the bench application is asked for: 1 KiB."""
    return {"case_id": f"B-{number}", "text": "x" * 1_024}


def _generator(at: Standing, blueprint: bool, reviews: int) -> Generator:
    if not blueprint:
        return Generator(at, "bench-review", review_input)
    cases = seed(at.database_url, copies=reviews // _SAMPLE_CASES + 1).case_ids
    return Generator(at, "case-review", lambda number: {"case_id": cases[number]})


class _Load:
    """A measured stretch: CPU by process, positions of the topics and the machine's time before and after."""

    def __init__(self, at: Standing, generator: Generator) -> None:
        self._at = at
        self._generator = generator
        self._log = KafkaLog(at.bootstrap_servers, "bench")
        self.seconds = 0.0
        self.cpu_s: dict[str, float] = {}
        self.backends_s: dict[str, float] = {}
        self.records: Counter[str] = Counter()
        self.others_share = 0.0
        self.transactions = 0
        self.views_lag_ms: list[float] = []

    def run(self, reviews: int, in_flight: int, seconds: float) -> Seen:
        ends = self._ends()
        pids, mine = self._at.pids(), {GENERATOR: time.process_time()}
        before, backends = cpu.by_name(pids) | mine, backends_s(self._at, cpu.process_s)
        busy, whole = cpu.machine_s()
        committed = transactions(self._at)
        began_s = time.monotonic()
        with Staleness(self._at.database_url) as staleness:
            seen = self._generator.run(reviews, in_flight, seconds)
            self.seconds = time.monotonic() - began_s
        self.views_lag_ms = staleness.ages_ms(seen.appended)
        after = cpu.by_name(pids) | {GENERATOR: time.process_time()}
        busy_after, whole_after = cpu.machine_s()
        self.cpu_s = cpu.used(before, after)
        self.backends_s = cpu.used(backends, backends_s(self._at, cpu.process_s))
        self.others_share = (busy_after - busy - sum(self.cpu_s.values())) / (whole_after - whole)
        self.records = Counter(self._ends())
        self.records.subtract(ends)
        self._log.close()
        self.transactions = transactions(self._at) - committed - len(staleness.looks)
        return seen

    def _ends(self) -> dict[str, int]:
        return {
            topic: sum(self._log.bounds(topic, partition)[1] for partition in range(self._at.partitions))
            for topic in (RUN_INBOX, RUN_EVENTS)
        }


def _check(seen: Seen, reviews: int) -> list[str]:
    """Raises BenchFailed if anything was lost or repeated; what was checked."""
    for kind, times in _EXACTLY.items():
        if seen.events[kind] != times * reviews:
            raise BenchFailed(f"{reviews} reviews made {seen.events[kind]} {kind}, not {times} each")
    return [f"{times} {kind} each" for kind, times in _EXACTLY.items()]


def _figures(
    arguments: argparse.Namespace,
    seen: Seen,
    one: Seen,
    first: Seen,
    load: _Load,
    reviews: int,
    checked: list[str],
) -> Figures:
    cpu_ms = {name: 1000 * seconds / reviews for name, seconds in load.cpu_s.items()}
    line = {
        "runs_per_s": reviews / load.seconds,
        "p50_ms": quantile(seen.latencies_ms, 0.5),
        "p95_ms": quantile(seen.latencies_ms, 0.95),
        "alone_p50_ms": quantile(one.latencies_ms, 0.5),
        "alone_p95_ms": quantile(one.latencies_ms, 0.95),
        "cpu_ms_per_run": sum(cpu_ms.values()) - cpu_ms[GENERATOR],
        **{f"cpu_{name}_ms": value for name, value in cpu_ms.items()},
        "records_per_run": sum(load.records.values()) / reviews,
        "transactions_per_run": load.transactions / reviews,
        "others_cpu_share": load.others_share,
    }
    if VIEWS not in arguments.without:
        line["views_lag_p50_ms"] = quantile(load.views_lag_ms, 0.5)
        line["views_lag_p95_ms"] = quantile(load.views_lag_ms, 0.95)
    details: dict[str, object] = {
        "reviews": reviews,
        "in_flight": arguments.in_flight,
        "seconds_under_load": load.seconds,
        "views_looked_at_every_ms": 1000 * EVERY_S,
        "first_review_ms": first.latencies_ms[0],
        "alone_reviews": len(one.latencies_ms),
        "events_per_run": {kind: count / reviews for kind, count in sorted(seen.events.items())},
        "event_bytes_per_run": seen.bytes / reviews,
        "records_per_run_by_topic": {topic: count / reviews for topic, count in load.records.items()},
        f"cpu_{POSTGRES}_ms_by_backend": {
            name: 1000 * seconds / reviews for name, seconds in sorted(load.backends_s.items())
        },
        "partitions": arguments.partitions,
        "batch_records_max": Settings().batch_records_max,
        "checked": checked,
    }
    return Figures("casework_blueprint" if arguments.blueprint else "casework", line, details)
