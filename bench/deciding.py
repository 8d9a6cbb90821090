"""`python -m bench.deciding [--quick]`: CPU of deciding runs, pure Python: no broker, no database, no envelopes.

Case reviews of the bench application, many at once and each an input further in turn, as a worker has them; then
one run of thousands of steps, and its takeover by a process that has only its history. CPU time, not the clock's.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from bench.application import ROLE, application
from bench.failing import BenchFailed
from bench.figures import Figures
from penstock.declare.application import Application
from penstock.declare.call import Call
from penstock.declare.run import Run
from penstock.declare.tools import tool
from penstock.declare.workflows import workflow
from penstock.producers.log import Record
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.canonical import json_payload, payload_of
from penstock.schemas.codec import InputBody, pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.run.records import CastVote, CompleteToolCall, RunCompleted, StartRun, StartToolCall
from penstock.schemas.topics import EVENT_BYTES_MAX, RUN_EVENTS, RUN_INBOX, RUNS_GROUP
from penstock.streams.arrival import Arrival
from penstock.streams.decider import Input
from penstock.streams.drafting import Draft, Drafter
from penstock.streams.entity import Entity, fresh, load
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.state import RunState
from penstock.streams.writing import Writer

CASE: Final = {"case_id": "c-1", "narrative": "The consumer disputes a transfer. " * 40}
WORKER: Final = Actor(kind="service", subject="penstock.streams.tools")
APP: Final = Actor(kind="app", subject="app:bench")
PERSON: Final = Actor(kind="person", subject="sue", roles=(ROLE,))
BEGIN_MS: Final = 1_700_000_000_000
# An input: the run, what is said, and who says it.
Given = tuple[str, InputBody, Authority, Actor]


@tool(effect="read", owner="bench")
def count(call: Call, *, number: int) -> int:
    """The number."""
    return number


@workflow("bench-long", version=1, max_steps=1_000_000)
async def long(run: Run, steps: int) -> int:
    """As many calls as it is told, one after the other."""
    number = 0
    for _ in range(steps):
        number = await run.tool(count, number=number + 1)
    return number


LONG: Final = Application("long", workflows=(long,), tools=(count,))


class Bench:
    """Runs of one application under one drafter, as a worker's process holds them."""

    def __init__(self, known: Application) -> None:
        self.application = known
        self.decider = RunDecider(known)
        self.codec = pinned_codec()
        self.drafter = Drafter(self.decider, self.codec, Keyring([]))
        self.entities: dict[str, Entity[RunState]] = {}
        self.inputs = 0
        self.events = 0
        self.cpu_s = 0.0

    def add(self, key: str) -> str:
        """A run that nothing has happened to."""
        entity_id = run_id("local", key)
        self.entities[entity_id] = fresh(self.decider, "local", entity_id)
        return entity_id

    def decide(self, inputs: Sequence[Given]) -> list[Draft[RunState]]:
        """Draft each and take what follows into the entity; only that is timed."""
        arrivals = [(self.entities[one[0]], self.arrival(one)) for one in inputs]
        began_s = time.process_time()
        drafts = []
        for entity, arrival in arrivals:
            draft = self.drafter.draft(entity, arrival)
            entity.state, entity.seq, entity.time_ms = (
                draft.state,
                entity.seq + len(draft.bodies),
                draft.time_ms,
            )
            entity.settled = True
            drafts.append(draft)
        self.cpu_s += time.process_time() - began_s
        self.inputs += len(drafts)
        self.events += sum(len(draft.bodies) for draft in drafts)
        return drafts

    def arrival(self, one: Given) -> Arrival:
        """The input as it comes from the log."""
        entity_id, body, authority, actor = one
        entity = self.entities[entity_id]
        time_ms = (entity.time_ms or BEGIN_MS) + 1
        input_id = derived_id(entity_id, f"input:{entity.seq}")
        meta = InputMeta(
            id=input_id,
            type=type(body).__name__,
            tenant="local",
            entity_id=entity_id,
            time_ms=time_ms,
            actor=actor,
        )
        record = Record(RUN_INBOX, 0, entity.seq, time_ms, entity_id.encode(), b"", ())
        return Arrival(Input(meta, body, authority, time_ms), record)

    def next_input(self, entity_id: str) -> Given:
        """What the run waits for: its call served, or its question granted."""
        state = self.entities[entity_id].state
        question = next((one for one in state.approvals.values() if one.outcome is None), None)
        if question is not None:
            body = CastVote(
                approval_id=question.approval_id, decision="grant", args_sha256=question.arguments.sha256
            )
            return entity_id, body, Authority.API, PERSON
        call = next(reversed(state.calls.values()))
        if call.unsafe and call.status == "requested":
            start = StartToolCall(call_id=call.call_id, attempt=call.attempt, lease_id="L", worker="w")
            return entity_id, start, Authority.TOOLS, WORKER
        known = self.application.tool(call.tool, call.tool_version)
        assert known is not None
        assert call.arguments is not None
        arguments = known.decode_arguments(call.arguments.content or b"{}")
        about = Call(call.call_id, call.attempt, entity_id, "local", "app:bench")
        result = payload_of(known.encode_result(known.function(about, **arguments)))
        done = CompleteToolCall(
            call_id=call.call_id, attempt=call.attempt, lease_id=call.lease_id, result=result, duration_ms=1
        )
        return entity_id, done, Authority.TOOLS, WORKER


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--reviews", type=int, help="case reviews (default 2000, quick 400)")
    parser.add_argument("--steps", type=int, help="steps of the long run (default 10000, quick 2000)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """The reviews, then the long run and its takeover."""
    reviews = arguments.reviews or (400 if arguments.quick else 2_000)
    steps = arguments.steps or (2_000 if arguments.quick else 10_000)
    tell(f"deciding {reviews} reviews")
    decided = decide_reviews(reviews)
    line = {
        "us_per_decide": 1e6 * decided.cpu_s / decided.inputs,
        "us_per_event": 1e6 * decided.cpu_s / decided.events,
        "ms_per_run": 1e3 * decided.cpu_s / reviews,
        "inputs_per_run": decided.inputs / reviews,
        "events_per_run": decided.events / reviews,
    }
    tell(f"a run of {steps} steps")
    early_us, late_us, takeover_s = long_run(steps)
    line |= {"us_per_early_step": early_us, "us_per_late_step": late_us, "takeover_s": takeover_s}
    return Figures("deciding", line, {"reviews": reviews, "steps": steps})


def decide_reviews(reviews: int) -> Bench:
    """All from start to end, each an input further in turn."""
    bench = Bench(application)
    ids = [bench.add(f"review-{number}") for number in range(reviews)]
    bench.decide([(each, _start("bench-review", CASE), Authority.APP, APP) for each in ids])
    while open_runs := [each for each in ids if bench.entities[each].state.terminal is None]:
        bench.decide([bench.next_input(each) for each in open_runs])
    ended = sum(isinstance(one.state.terminal, RunCompleted) for one in bench.entities.values())
    if ended != reviews:
        raise BenchFailed(f"{ended} of {reviews} reviews completed")
    return bench


def long_run(steps: int) -> tuple[float, float, float]:
    """CPU us of a step in the first tenth and in the last, and s of a takeover one step before the end."""
    bench = Bench(LONG)
    entity_id = bench.add("long")
    values: list[bytes] = []
    writer = Writer(bench.codec, RUN_EVENTS, RUNS_GROUP, EVENT_BYTES_MAX)
    spent_s: list[float] = []

    def decide(one: Given) -> None:
        entity = bench.entities[entity_id]
        seq, arrival, before_s = entity.seq, bench.arrival(one), bench.cpu_s
        [draft] = bench.decide([one])
        spent_s.append(bench.cpu_s - before_s)
        meta, at = arrival.given.meta, arrival.record
        written = writer.write(entity.tenant, meta, at, seq, draft.time_ms, draft.bodies)
        values.extend(each.value for each in written)

    decide((entity_id, _start("bench-long", steps), Authority.APP, APP))
    for _ in range(steps - 1):
        decide(bench.next_input(entity_id))
    tenth = steps // 10
    early_us, late_us = (1e6 * sum(part) / tenth for part in (spent_s[:tenth], spent_s[-tenth:]))
    last = bench.next_input(entity_id)
    other = Bench(LONG)
    began_s = time.process_time()
    other.entities[entity_id] = load(other.decider, other.codec, "local", entity_id, values)
    other.decide([last])
    takeover_s = time.process_time() - began_s
    if not isinstance(other.entities[entity_id].state.terminal, RunCompleted):
        raise BenchFailed("the run that was taken over didn't complete")
    return early_us, late_us, takeover_s


def _start(name: str, case: object) -> StartRun:
    content = json_payload(case)
    return StartRun(workflow=name, input=content, body_sha256=content.sha256)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true", help="fewer reviews, fewer steps")
    add_arguments(words)
    print(measure(words.parse_args(), lambda line: print(line, file=sys.stderr)).text())
