"""`adoption`: a worker takes a partition with millions of records behind it, and one with few.

Real broker, real Postgres, real `penstock worker all`. Both logs end alike: calls open in the effectors' snapshots,
runs on the log that the journal has not or hasn't marked as read, runs committed and not published, inputs undecided.
Figures: seconds that each host says it took, seconds from the process's start to the first and the last new
decision, and until all runs have ended; as ratios, long to small. Checked: every run ends, and once.
"""

import argparse
import re
import time
from collections.abc import Callable
from typing import Final

from bench.failing import BenchFailed
from bench.figures import Figures
from bench.load import APPLICATION, Door
from bench.long_log import End, build
from bench.standing import Standing, standing
from bench.telling import WORKFLOW
from penstock.producers.kafka import KafkaLog
from penstock.producers.signing import LOCAL_TENANT
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX

UNDECIDED: Final = 1_000
SMALL: Final = 10_000
WORKER: Final = "all"
_TOOK: Final = {
    "runs": re.compile(r"took penstock\.run\.inbox/0 .* in ([0-9.]+) s$", re.MULTILINE),
    "tools": re.compile(r"penstock\.streams\.tools took .* in ([0-9.]+) s$", re.MULTILINE),
    "timers": re.compile(r"penstock\.streams\.timers took .* in ([0-9.]+) s$", re.MULTILINE),
}
_RATIOS: Final = ("runs_taken_s", "tools_taken_s", "timers_taken_s", "decided_s", "ended_s")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--events", type=int, help="behind the checkpoint (default 10000000, quick 500000)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """The small log, then the long one."""
    events = arguments.events or (500_000 if arguments.quick else 10_000_000)
    small, long = (_taken(count, tell) for count in (SMALL, events))
    line = {
        **{f"long_{name}": value for name, value in long.items()},
        **{f"small_{name}": value for name, value in small.items()},
        **{f"ratio_{name.removesuffix('_s')}": long[name] / small[name] for name in _RATIOS},
    }
    end = End()
    details = {"events": events, "small_events": SMALL, "undecided": UNDECIDED}
    return Figures("adoption", line, details | {name: getattr(end, name) for name in End.__slots__})


def _taken(events: int, tell: Callable[[str], None]) -> dict[str, float]:
    with standing(tell, partitions=1) as at:
        keys = build(at, events, End(), tell)
        log = KafkaLog(at.bootstrap_servers, "bench")
        door = Door(at, first=log.bounds(RUN_EVENTS, 0)[1])
        try:
            before = log.bounds(RUN_INBOX, 0)[1]
            new = {door.start(LOCAL_TENANT, WORKFLOW, {"ms": 0}) for _ in range(UNDECIDED)}
            at.until(
                lambda: log.bounds(RUN_INBOX, 0)[1] == before + UNDECIDED, 30, lambda: "inputs are missing"
            )
            tell(f"taking a partition with {events} events")
            found = _take(at, door, new, {*keys, *new})
        finally:
            door.close()
            log.close()
        at.stop(WORKER)
        said = at.log_file(WORKER).read_text()
    for host, pattern in _TOOK.items():
        [took] = pattern.findall(said)
        found[f"{host}_taken_s"] = float(took)
    tell(f"taken: {found}")
    return found


def _take(at: Standing, door: Door, new: set[bytes], open_: set[bytes]) -> dict[str, float]:
    """Seconds from the worker's start to its marker, first and last new decision, and last end."""
    found: dict[str, float] = {}
    undecided, ended = set(new), set[bytes]()
    began_s = time.monotonic()
    at.worker(WORKER, APPLICATION)
    while len(ended) < len(open_):
        at.check()
        for key, kind in door.events():
            now_s = time.monotonic() - began_s
            if kind == "PartitionTaken":
                found.setdefault("marked_s", now_s)
            elif kind == "RunStarted" and key in undecided:
                found.setdefault("decided_s", now_s)
                undecided.remove(key)
                if not undecided:
                    found["all_decided_s"] = now_s
            elif kind == "RunCompleted":
                if key in ended or key not in open_:
                    raise BenchFailed(f"run {key.decode()} ended twice, or long before")
                ended.add(key)
    found["ended_s"] = time.monotonic() - began_s
    return found
