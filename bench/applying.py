"""`projector --alone`: the applier on Postgres, without Kafka and without a clock: what a record costs, in CPU.

The log is made up: runs with the events, sizes and actors of the bench application, begun `rate` a second, each
lasting `life_ms`. The applier gets what falls into each turn, as a projector would that takes so long a turn.
"""

import argparse
import gc
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from bench import cpu
from bench.application import _TEXT
from bench.figures import Figures
from penstock.audit.applier import Applier
from penstock.audit.projector import GC_OBJECTS
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.log import Outgoing, Record
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, Effect, EventMeta, Payload
from penstock.schemas.headers import event_headers
from penstock.schemas.ids import derived_id, event_id
from penstock.schemas.run import records as runs
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP

PERSON: Final = Actor(kind="person", subject="ana", roles=("analyst",))
TOOLS: Final = Actor(kind="service", subject="tools-1", roles=())
START_MS: Final = 1_760_000_000_000
PARTITIONS: Final = 6
_EFFECTS: Final[Mapping[str, Effect]] = {"update_case": "unsafe", "notify": "idempotent"}


@dataclass(frozen=True, slots=True)
class Load:
    """So many runs, begun so many a second, each this long, projected in turns of this length (0: all at once)."""

    runs: int
    rate: float
    life_ms: int
    turn_ms: int
    batch_records_max: int = 4_000


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU, the applier's and that of all of Postgres, for so many records in so many turns."""

    records: int
    turns: int
    applier_s: float
    postgres_s: float


def call(run_id: str, step: int, tool: str, arguments: Payload, grant_id: str | None = None) -> EventBody:
    """A step asks for a call."""
    return runs.ToolCallRequested(
        call_id=derived_id(run_id, f"call:{step}"),
        step=step,
        attempt=1,
        tool=tool,
        tool_version=1,
        effect=_EFFECTS.get(tool, "read"),
        arguments=arguments,
        grant_id=grant_id,
        timeout_ms=60_000,
    )


def done(run_id: str, step: int, result: object) -> EventBody:
    """The call worked."""
    call_id = derived_id(run_id, f"call:{step}")
    return runs.ToolCallCompleted(call_id=call_id, attempt=1, result=json_payload(result), duration_ms=1)


def granted(run_id: str, step: int, tool: str, arguments: Payload, rule: str | None = None) -> EventBody:
    """A person says yes, or a rule."""
    return runs.ApprovalGranted(
        approval_id=derived_id(run_id, f"approval:{step}"),
        grant_id=derived_id(run_id, f"grant:{step}"),
        tool=tool,
        tool_version=1,
        args_sha256=arguments.sha256,
        granted_by=(rule or "sam",),
        rule=rule,
        rule_version=1,
        expires_at_ms=START_MS + 3_600_000,
    )


def review(run_id: str) -> tuple[EventBody, ...]:
    """The events of one review of the bench application."""
    case = {"case_id": f"case-{run_id[:8]}"}
    update = json_payload({**case, "outcome": "credit", "reason": _TEXT[:1_000]})
    letter = json_payload({**case, "letter": _TEXT[:1_000]})
    facts, policy = {**case, "narrative": _TEXT}, [_TEXT[:700], _TEXT[700:]]
    query = {"query": f"disputed transfer of case {case['case_id']}"}
    lease_id = derived_id(run_id, "lease")
    return (
        runs.RunStarted(
            workflow="bench-review",
            workflow_version=1,
            input=json_payload(case),
            body_sha256="b" * 64,
            requester="ana",
            requester_roles=("analyst",),
            deadline_ms=START_MS + 3_600_000,
            max_steps=1000,
            code_hash="c" * 64,
        ),
        call(run_id, 1, "read_case", json_payload(case)),
        done(run_id, 1, facts),
        call(run_id, 2, "look_up_policy", json_payload(query)),
        done(run_id, 2, policy),
        call(run_id, 3, "draft", json_payload({"facts": facts, "policy": policy})),
        done(run_id, 3, {"outcome": "credit", "letter": _TEXT[:1_000]}),
        runs.ApprovalRequested(
            approval_id=derived_id(run_id, "approval:4"),
            step=4,
            tool="update_case",
            tool_version=1,
            arguments=update,
            role="supervisor",
            expires_at_ms=START_MS + 3_600_000,
            rule_version=1,
        ),
        granted(run_id, 4, "update_case", update),
        call(run_id, 5, "update_case", update, derived_id(run_id, "grant:4")),
        runs.ToolCallStarted(
            call_id=derived_id(run_id, "call:5"), attempt=1, lease_id=lease_id, worker="tools-1"
        ),
        done(run_id, 5, {**case, "status": "updated"}),
        granted(run_id, 6, "notify", letter, "every_letter"),
        call(run_id, 6, "notify", letter, derived_id(run_id, "grant:6")),
        done(run_id, 6, {**case, "status": "sent"}),
        runs.RunCompleted(result=json_payload({**case, "outcome": "credit", "letter": _TEXT[:1_000]})),
    )


def made_up(load: Load, chance: random.Random) -> Iterator[tuple[float, Outgoing]]:
    """The events with the ms at which each falls due, as they would stand on the log."""
    codec = pinned_codec()
    for number in range(load.runs):
        run_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        begun = 1000 * number / load.rate
        bodies = review(run_id)
        offsets = [0.0, *sorted(chance.uniform(0, load.life_ms) for _ in bodies[1:])]
        for seq, (body, offset) in enumerate(zip(bodies, offsets, strict=True), 1):
            cause_id = derived_id(run_id, f"input:{seq}")
            at_ms = START_MS + int(begun + offset)
            cause = Cause(
                id=cause_id,
                topic=RUN_INBOX,
                partition=0,
                offset=number * 16 + seq,
                time_ms=at_ms,
                index=0,
                count=1,
            )
            actor = PERSON if seq < 2 else TOOLS
            name = type(body).__name__
            meta = EventMeta(
                id=event_id(run_id, cause_id, 0),
                type=name,
                tenant="local",
                entity_id=run_id,
                entity_seq=seq,
                time_ms=at_ms,
                actor=actor,
                cause=cause,
            )
            value = codec.encode(meta, body)
            yield (
                begun + offset,
                Outgoing(RUN_EVENTS, run_id.encode(), value, event_headers(meta, RUNS_GROUP, 1)),
            )


def turns(load: Load, kept: MemoryLog) -> list[Sequence[Record]]:
    """What each turn of a projector finds on the log; appends it all there."""
    due = sorted(made_up(load, random.Random(7)), key=lambda pair: pair[0])
    records = kept.append([outgoing for _, outgoing in due])
    if not load.turn_ms:
        cut = load.batch_records_max
        return [records[at : at + cut] for at in range(0, len(records), cut)]
    numbered = zip((int(at // load.turn_ms) for at, _ in due), records, strict=True)
    found = [[record for _, record in group] for _, group in groupby(numbered, lambda pair: pair[0])]
    # As librdkafka hands them over: partition by partition.
    return [sorted(turn, key=lambda record: record.partition) for turn in found]


def apply(load: Load, tell: Callable[[str], None]) -> Spent:
    """Make a log, project it on a Postgres of its own."""
    kept = MemoryLog({RUN_EVENTS: PARTITIONS})
    tell(f"making {load.runs} runs up")
    batches = turns(load, kept)
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as home:
        postgres = LocalPostgres(Path(home))
        url = postgres.start()
        process = postgres.process()
        assert process is not None
        try:
            migrate(url)
            with connect(url) as connection:
                connection.execute("SET synchronous_commit = off")
                applier = Applier(connection, pinned_codec())
                applier.take([(RUN_EVENTS, each) for each in range(PARTITIONS)], kept)
                return _timed(applier, batches, process.pid, tell)
        finally:
            postgres.stop()


def measure(arguments: argparse.Namespace, reviews: int, tell: Callable[[str], None]) -> Figures:
    """Figures of the applier alone, by record and by run."""
    load = Load(reviews, arguments.rate, arguments.life_ms, arguments.turn_ms)
    spent = apply(load, tell)
    line = {
        "cpu_us_applier": 1e6 * spent.applier_s / spent.records,
        "cpu_us_postgres": 1e6 * spent.postgres_s / spent.records,
        "cpu_ms_run": 1e3 * (spent.applier_s + spent.postgres_s) / reviews,
    }
    return Figures("projector_alone", line, {"records": spent.records, "turns": spent.turns, **asdict(load)})


def _timed(
    applier: Applier, batches: Sequence[Sequence[Record]], postgres: int, tell: Callable[[str], None]
) -> Spent:
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, 20, 50)
    records = sum(map(len, batches))
    tell(f"projecting {records} events in {len(batches)} turns")
    before_s, own_s = cpu.tree_s(postgres), time.process_time()
    for batch in batches:
        applier.handle(batch)
    own_s = time.process_time() - own_s
    return Spent(records, len(batches), own_s, cpu.tree_s(postgres) - before_s)
