"""`telemetry`: what counting and tracing cost, in CPU: us a record through a host, us a call, us a request's span.

Everything is in this process: hosts that do nothing, so that only what is around them is measured. Each figure is
the difference between the same loop with and without it, both in turns, so that a busy machine troubles both.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from bench.figures import Figures
from penstock.producers.log import Record
from penstock.runtime.meters import Meters
from penstock.runtime.telemetry import sampler
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP
from penstock.streams.host import Appended
from penstock.streams.observed import CountedCalls, Observed
from penstock.streams.observing import COMPLETED

TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0"
BATCH: Final = 100
EVENTS: Final = 2
PARTITIONS: Final = 6


class Idle:
    """A host that does nothing but say that it appended two events for each record."""

    def __init__(self, events: Sequence[Record]) -> None:
        self.topic, self.group_id, self.appends_to = RUN_INBOX, RUNS_GROUP, RUN_EVENTS
        self.appends_alone, self.appended = True, Appended()
        self.fetch_min_bytes, self.pace_s, self.fault = 1, 0.0, None
        self._events = events

    def take(self, partition: int) -> int:
        """Nothing to take."""
        return 0

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        """Nothing to do."""
        self.appended(self._events)
        return frozenset()

    def drop(self, partition: int) -> None:
        """Nothing to let go."""

    def stop(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing to close."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--rounds", type=int, help="turns of each loop (default 40, quick 8)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Everything in turn."""
    rounds = arguments.rounds or (8 if arguments.quick else 40)
    provider = TracerProvider(sampler({}))
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    trace.set_tracer_provider(provider)
    line: dict[str, float] = {}
    tell(f"hosts: batches of {BATCH} records over {PARTITIONS} partitions, {EVENTS} events a record")
    line["us_record_batch_100"] = _host(BATCH, "0", rounds)
    line["us_record_batch_1"] = _host(1, "0", rounds)
    line["us_record_all_sampled"] = _host(BATCH, "1", rounds)
    line["us_record_one_percent"] = 0.99 * line["us_record_batch_100"] + 0.01 * line["us_record_all_sampled"]
    tell("calls")
    line["us_call"] = _calls(rounds)
    tell("spans")
    line["us_request_span"] = _requests(rounds)
    return Figures("telemetry", line, {"rounds": rounds})


def _host(size: int, flag: str, rounds: int) -> float:
    """CPU us that Observed adds to a record."""
    records = [_record(RUN_INBOX, number, f"{TRACE}{flag}", b"StartRun") for number in range(size)]
    events = [_record(RUN_EVENTS, number, f"{TRACE}{flag}", b"RunStarted") for number in range(EVENTS * size)]
    batches: dict[int, list[Record]] = {}
    for record in records:
        batches.setdefault(record.partition, []).append(record)
    bare, observed = Idle(events), Observed(Idle(events), Meters())
    turns = max(1, 2_000 // size)

    def run(host: Idle | Observed) -> float:
        began_s = time.process_time()
        for _ in range(turns):
            host.handle_all(batches)
        return (time.process_time() - began_s) / turns / size

    return 1e6 * _least(lambda: run(observed) - run(bare), rounds)


def _calls(rounds: int) -> float:
    """CPU us that counting adds to a call of a tool."""
    calls = CountedCalls(Meters())
    count = 2_000

    def run() -> float:
        began_s = time.process_time()
        for _ in range(count):
            calls.call_began("read_case", "acme", 1, "run")
            calls.call_ended("read_case", "acme", COMPLETED, 0.01)
        return (time.process_time() - began_s) / count

    return 1e6 * _least(run, rounds)


def _requests(rounds: int) -> float:
    """CPU us of a request's span by the default sampler: one in a hundred is recorded."""
    tracer, count = trace.get_tracer("bench"), 2_000

    def run() -> float:
        began_s = time.process_time()
        for _ in range(count):
            tracer.start_span("POST").end()
        return (time.process_time() - began_s) / count

    return 1e6 * _least(run, rounds)


def _least(run: Callable[[], float], rounds: int) -> float:
    """What others do on the machine only adds, so the middle one of few is too much and the least too little."""
    found = sorted(run() for _ in range(rounds))
    return found[len(found) // 4]


def _record(topic: str, number: int, traceparent: str, kind: bytes) -> Record:
    """With the headers that events have, the trace last."""
    names = ("ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "content-type")
    own = (("entity_seq", b"1"), ("epoch", b"1"))
    headers = tuple((name, kind if name == "ce_type" else b"x") for name in names)
    trace_header = (("traceparent", traceparent.encode()),)
    return Record(
        topic, number % PARTITIONS, number, 0, b"run-%d" % number, b"v", headers + own + trace_header
    )
