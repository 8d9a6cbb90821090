"""`projector`: records a second of the views' projector, which reads a log that is there already from its start.

The log is made by reviews of the bench application with no views worker; then one starts, on empty views. With
`--alone` there is no Kafka: CPU of the applier and of Postgres for the turns of a projector under load. With `--soak`
neither, and what is measured is memory.
"""

import argparse
import time
from collections.abc import Callable
from typing import Final

import psycopg

from bench import applying, cpu, soaking
from bench.casework import BENCH, review_input, start_workers
from bench.failing import BenchFailed
from bench.figures import Figures
from bench.generator import Generator
from bench.standing import POSTGRES, Standing, standing
from penstock.producers.kafka import KafkaLog
from penstock.schemas.topics import RUN_EVENTS

VIEWS: Final = "views"
DEADLINE_S: Final = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--reviews", type=int, help="reviews on the log (default 3000, quick 700)")
    parser.add_argument("--alone", action="store_true", help="the applier on Postgres, on a log in memory")
    parser.add_argument(
        "--soak", action="store_true", help="alone, for its memory (default 100000 runs, quick 4000)"
    )
    parser.add_argument("--turn-ms", type=int, default=100, help="alone: what one turn takes (default 100)")
    parser.add_argument(
        "--rate", type=float, default=600.0, help="alone: reviews begun a second (default 600)"
    )
    parser.add_argument("--life-ms", type=int, default=250, help="alone: how long each lasts (default 250)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Make a log, then project it."""
    reviews = arguments.reviews or (700 if arguments.quick else 3_000)
    if arguments.soak:
        return soaking.measure(arguments.reviews or (4_000 if arguments.quick else 100_000), tell)
    if arguments.alone:
        return applying.measure(arguments, reviews, tell)
    with standing(tell) as at:
        generator = Generator(at, "bench-review", review_input)
        try:
            start_workers(at, ("runs", "tools"), BENCH)
            tell(f"making a log of {reviews} reviews")
            generator.run(reviews, 150)
        finally:
            generator.close()
        at.stop_processes()
        records = _records(at)
        tell(f"projecting {records} events")
        return _project(at, reviews, records)


def _project(at: Standing, reviews: int, records: int) -> Figures:
    with psycopg.connect(at.database_url, autocommit=True, application_name="bench") as connection:
        before = cpu.by_name(at.pids())
        at.worker(VIEWS, BENCH)
        at.until(lambda: _projected(connection) > 0, DEADLINE_S, lambda: "the projector hasn't begun")
        began_s, done = time.monotonic(), _projected(connection)
        at.until(
            lambda: _projected(connection) >= records,
            DEADLINE_S,
            lambda: f"the projector is at {_projected(connection)} of {records}",
        )
        seconds = time.monotonic() - began_s
        spent = cpu.used(before, cpu.by_name(at.pids()))
        ended = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE status = 'completed') FROM views.run"
        ).fetchone()
    if ended != (reviews, reviews):
        raise BenchFailed(f"{reviews} reviews ended, the views show {ended} (all, completed)")
    line = {
        "records_per_s": (records - done) / seconds,
        "cpu_us_projector": 1e6 * spent[VIEWS] / records,
        "cpu_us_postgres": 1e6 * spent[POSTGRES] / records,
    }
    return Figures(
        "projector", line, {"reviews": reviews, "records": records, "records_before_the_clock": done}
    )


def _records(at: Standing) -> int:
    log = KafkaLog(at.bootstrap_servers, "bench")
    try:
        return sum(log.bounds(RUN_EVENTS, partition)[1] for partition in range(at.partitions))
    finally:
        log.close()


def _projected(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """How many records of the events topic the views hold."""
    statement = "SELECT coalesce(sum(position), 0)::bigint FROM views.position WHERE topic = %s"
    row = connection.execute(statement, (RUN_EVENTS,)).fetchone()
    assert row is not None
    return int(str(row[0]))
