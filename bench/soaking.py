"""`projector --soak`: does the projector's memory stay flat? 100,000 runs through one applier, its RSS in between.

Each run is the one made-up review again, under ids of its own, in four turns of four events; two hundred are open at
a time. Records are made one turn at a time, so that what grows can only be the applier, or what it holds.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from bench import cpu
from bench.applying import Load, made_up
from bench.failing import BenchFailed
from bench.figures import Figures
from penstock.audit.applier import Applier
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.log import Outgoing, Record
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import RUN_EVENTS

BEGUN_A_TURN: Final = 50
TURNS_A_RUN: Final = 4
_ID: Final = re.compile(rb"[0-9a-f]{8}(?=(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def measure(runs: int, tell: Callable[[str], None]) -> Figures:
    """RSS after a tenth of the runs, when all is warm, and after all of them."""
    turns = runs // BEGUN_A_TURN
    seen: list[float] = []
    with TemporaryDirectory(prefix="penstock-bench-") as home:
        postgres = LocalPostgres(Path(home))
        url = postgres.start()
        process = postgres.process()
        assert process is not None
        try:
            migrate(url)
            with connect(url) as connection:
                connection.execute("SET synchronous_commit = off")
                applier = Applier(connection, pinned_codec())
                applier.take([(RUN_EVENTS, 0)], MemoryLog({RUN_EVENTS: 1}))
                done = 0
                for number, records in enumerate(_turns(turns), 1):
                    done += applier.handle(records)
                    if number % max(1, turns // 10) == 0:
                        seen.append(rss_mb())
                        tell(f"{number * BEGUN_A_TURN} runs, {done} events: RSS {seen[-1]:.1f} MB")
                postgres_s = cpu.tree_s(process.pid)
                row = connection.execute(
                    "SELECT count(*) FROM views.run WHERE status = 'completed'"
                ).fetchone()
        finally:
            postgres.stop()
    expected = (turns - TURNS_A_RUN + 1) * BEGUN_A_TURN
    if row != (expected,):
        raise BenchFailed(f"{expected} runs have ended, the views say {row}")
    line = {"rss_mb_warm": seen[0], "rss_mb_end": seen[-1], "rss_mb_max": max(seen)}
    return Figures(
        "projector_soak", line, {"runs": runs, "records": done, "postgres_cpu_s": postgres_s, "rss_mb": seen}
    )


def rss_mb() -> float:
    """What this process has in memory now, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _turns(count: int) -> Iterator[Sequence[Record]]:
    """Turn after turn: four groups of runs, each four events further."""
    review = [outgoing for _, outgoing in made_up(Load(1, 1, 1, 1), Random(11))]
    step = len(review) // TURNS_A_RUN
    offset = 0
    for turn in range(count):
        records: list[Record] = []
        for age in range(min(TURNS_A_RUN, turn + 1)):
            for run in range((turn - age) * BEGUN_A_TURN, (turn - age + 1) * BEGUN_A_TURN):
                for outgoing in review[age * step : (age + 1) * step]:
                    records.append(_again(outgoing, run, offset))
                    offset += 1
        yield records


def _again(outgoing: Outgoing, run: int, offset: int) -> Record:
    """The same event of another run: the first eight digits of all its ids are the run's number."""
    mark = b"%08x" % run
    value = _ID.sub(mark, outgoing.value or b"")
    key = _ID.sub(mark, outgoing.key or b"")
    return Record(RUN_EVENTS, 0, offset, 1_760_000_000_000, key, value, outgoing.headers)
