"""How long a run with thousands of steps behind it stands still when its worker is killed.

Its history is written to the log and the journal as its decider would have; a worker takes it and goes on with it,
is killed, and started again under its name. From the worker's own log and the times of the log's records: until the
partition is taken, and from then until the next step is asked for. What that consists of is measured on the same
journal in this process: reading the history, folding it, replaying it up to the next step.
"""

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import psycopg

from bench.deciding import LONG, Bench
from bench.failing import BenchFailed
from bench.figures import Figures, quantile
from bench.standing import Standing, standing
from bench.telling import EPOCH, Author
from penstock.producers.kafka import KafkaLog
from penstock.producers.log import Record
from penstock.schemas.canonical import json_payload
from penstock.schemas.headers import CE_TYPE
from penstock.schemas.ids import partition_of, run_id
from penstock.schemas.run.records import CompleteToolCall
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from penstock.streams.entity import load
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.worker import collect_less

WORKER: Final = "all"
APPLICATION: Final = "bench.deciding:LONG"
KEY: Final = "long"
_ENDLESS: Final = 1_000_000
_MOVES: Final = 5
_WAIT_S: Final = 60.0
_STAMP: Final = r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) INFO \S+ "
_COLUMNS: Final = "entity_id, seq, noun, partition, position, cause_offset, cause_id, cause_index, value"
_CHECKPOINT: Final = """
INSERT INTO penstock.checkpoint (noun, partition, owner, epoch, position, published_position, events_position,
    events_epoch, cluster_id, inbox_topic_id, events_topic_id)
VALUES ('run', %s, 'bench', %s, %s, %s, %s, %s, %s, %s, %s)
"""


def measure(steps: int, rounds: int, tell: Callable[[str], None]) -> Figures:
    """Write the history, let a worker go on with it, kill that again and again."""
    with standing(tell) as at:
        log = KafkaLog(at.bootstrap_servers, "bench")
        place = partition_of(run_id("local", KEY).encode(), at.partitions)
        _write(at, log, steps, place)
        tell(f"a run of {steps} steps stands in partition {place}")
        at.worker(WORKER, APPLICATION)
        _next_steps(at, log, place, _MOVES)
        found = [_killed(at, log, place) for _ in range(rounds)]
        at.stop(WORKER)
        parts = _parts(at, tell)
        log.close()
    taken, resumed = zip(*found, strict=True)
    line = {
        "taken_p50_s": quantile(taken, 0.5),
        "resumed_p50_s": quantile(resumed, 0.5),
        "resumed_max_s": max(resumed),
        **parts,
    }
    return Figures("takeover_steps", line, {"steps": steps, "taken_s": taken, "resumed_s": resumed})


def _write(at: Standing, log: KafkaLog, steps: int, place: int) -> None:
    told = Author(LONG, "bench-long", _ENDLESS).tell(KEY, steps, 0, place)
    log.append(told.inputs)
    log.append(told.events)
    with psycopg.connect(at.database_url, application_name="bench") as connection:
        with connection.cursor().copy(f"COPY penstock.journal ({_COLUMNS}) FROM STDIN") as copy:
            for row in told.rows:
                head = (row.entity_id, row.seq, "run", place, row.position)
                copy.write_row((*head, row.cause_offset, row.cause_id, row.cause_index, row.value))
        inbox, events = log.identity(RUN_INBOX), log.identity(RUN_EVENTS)
        stands = (EPOCH, steps, steps, len(told.events), EPOCH)
        ids = (inbox.cluster_id, inbox.topic_id, events.topic_id)
        connection.execute(_CHECKPOINT, (place, *stands, *ids))


def _killed(at: Standing, log: KafkaLog, place: int) -> tuple[float, float]:
    """(seconds from the kill until the partition is taken, from then until the next step is asked for)."""
    killed = at.processes.pop(WORKER)
    os.kill(killed.process.pid, signal.SIGKILL)
    killed_s = time.time()
    killed.exit_code()
    said_before = len(at.log_file(WORKER).read_text())
    at.worker(WORKER, APPLICATION)
    steps = _next_steps(at, log, place, _MOVES)
    said = at.log_file(WORKER).read_text()[said_before:]
    taken_s = _stamp(said, rf"took {re.escape(RUN_INBOX)}/{place} under")
    # What stands there before is of the last owner, who had committed it and not published.
    asked_s = next(step.time_ms / 1000 for step in steps if step.time_ms / 1000 >= taken_s)
    # Where the answer to the call that was open wasn't on the log yet, the tools host makes it, once it has taken.
    tools_s = _stamp(said, rf"penstock\.streams\.tools took {re.escape(RUN_EVENTS)}/{place} under")
    if tools_s <= asked_s:
        taken_s = max(taken_s, tools_s)
    return taken_s - killed_s, asked_s - taken_s


def _next_steps(at: Standing, log: KafkaLog, place: int, count: int) -> list[Record]:
    """Wait for so many requests from a new owner; what it has requested."""
    begins = log.bounds(RUN_EVENTS, place)[1]
    found: list[Record] = []

    def read() -> bool:
        end = log.bounds(RUN_EVENTS, place)[1]
        kinds = [(one, one.header(CE_TYPE)) for one in log.read(RUN_EVENTS, place, begins, end)]
        marks = [one.offset for one, kind in kinds if kind == b"PartitionTaken"]
        found[:] = [
            one for one, kind in kinds if kind == b"ToolCallRequested" and marks and one.offset > marks[0]
        ]
        return len(found) >= count

    at.until(read, _WAIT_S, lambda: f"the run has asked for {len(found)} steps of {count}")
    return found


def _parts(at: Standing, tell: Callable[[str], None]) -> dict[str, float]:
    """Seconds of reading the history that stands now, and CPU seconds of folding and replaying it."""
    entity_id, bench = run_id("local", KEY), Bench(LONG)
    journal = PostgresJournal(at.database_url, "run")
    journal.histories([entity_id])  # the journal's connection and the server's memory are warm
    began_s = time.perf_counter()
    values = journal.histories([entity_id])[entity_id]
    read_s = time.perf_counter() - began_s
    # As a worker does: else a third of the folding is the collector's.
    collect_less()
    cpu_s = time.process_time()
    entity = bench.entities[entity_id] = load(bench.decider, bench.codec, "local", entity_id, values)
    folded_s = time.process_time() - cpu_s
    journal.close()
    call = next(reversed(entity.state.calls.values()))
    given = bench.next_input(entity_id)
    if call.status != "requested" or entity.broken:
        raise BenchFailed(f"the run stands at a call that is {call.status}: {entity.broken}")
    done = replace(given[1], result=json_payload(1)) if isinstance(given[1], CompleteToolCall) else given[1]
    cpu_s = time.process_time()
    bench.decide([(given[0], done, *given[2:])])
    replayed_s = time.process_time() - cpu_s
    tell(f"the history has {len(values)} events")
    return {"read_s": read_s, "folded_cpu_s": folded_s, "replayed_cpu_s": replayed_s}


def _stamp(said: str, pattern: str) -> float:
    found = re.search(_STAMP + ".*" + pattern, said)
    if found is None:
        raise BenchFailed(f"the worker's log has no {pattern!r}")
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M:%S,%f").timestamp()
