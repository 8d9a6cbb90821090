"""Penstock: the workers of `bench.casework` on a real broker and Postgres, and its load generator.

In the kill test the generator also plays the operator: it settles calls in doubt by the file of effects.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka import Message, TopicPartition
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from bench.casework import BENCH, TOGETHER, review_input, start_workers
from bench.failing import BenchFailed
from bench.generator import Generator, Seen
from bench.peers.collector import Collector, collecting
from bench.peers.counting import Stretch
from bench.peers.side import GENERATOR, measured, name_effects
from bench.standing import Standing, standing
from penstock.cli.local import processes
from penstock.producers.publisher import Publisher
from penstock.producers.runs import RunClient
from penstock.producers.signing import LOCAL_TENANT, Authority
from penstock.runtime.telemetry_settings import SAMPLED_SHARE
from penstock.schemas.envelope.records import Actor
from penstock.schemas.headers import CE_TYPE
from penstock.schemas.run.records import ApprovalRequested, ToolCallInDoubt
from penstock.schemas.topics import RUN_EVENTS

KILL: Final = "bench.peers.kill_application:application"
# The share of new traces that is sampled by default.
TRACED_EACH: Final = round(1 / SAMPLED_SHARE)
_HOLD_S: Final = 120.0
# Processes for runs, tools and timers: one interpreter lock each, on two cores.
WORKERS: Final = 2
# Each is a request to the broker a turn (librdkafka sends one for each), so no more than there are workers.
PARTITIONS: Final = 2


class Ours:
    """All worker processes that `bench.casework` starts; with views, and with metrics and traces exported."""

    def __init__(self, at: Standing, collector: Collector) -> None:
        self.name = "ours"
        self._collector = collector
        self._at = at
        self._effects: Path | None = None
        self._generator: Generator | None = None

    def begin(self, effects: Path | None = None) -> None:
        """Start the workers and see one review through; with a file, of the application that writes to it."""
        self._effects = effects
        name_effects(effects)
        self._start()
        if effects is None:
            self._generator = Traced(self._at, "bench-review")
            self._generator.run(1, 1)
        else:
            self._generator = KillGenerator(self._at, effects)

    def end(self) -> None:
        """Stop the workers."""
        if self._generator is not None:
            self._generator.close()
            self._generator = None
        self._at.stop_processes()

    def load(self, reviews: int, in_flight: int, seconds: float) -> Stretch:
        """A closed loop of reviews, each of them from start to end."""
        generator = self._generator
        assert generator is not None

        def run() -> tuple[Sequence[float], float]:
            began_s = time.monotonic()
            seen = generator.run(reviews, in_flight, seconds)
            return seen.latencies_ms, time.monotonic() - began_s

        stretch = measured(self._at.pids(), run, GENERATOR)
        self._at.check()
        return stretch

    def hold(self, reviews: int) -> None:
        """Start so many, and wait until each asks for its approval."""
        self._killing().hold(reviews)

    def release(self, meanwhile: Callable[[], None]) -> None:
        """Grant all and see all ends."""
        self._killing().release(meanwhile)

    def kill(self) -> None:
        """SIGKILL to every worker process, whatever its role; then start them again."""
        for started in self._at.processes.values():
            processes.send(started.process, signal.SIGKILL)
        for started in self._at.processes.values():
            processes.wait_gone(started.process, 10)
            started.exit_code()
        self._at.processes.clear()
        self._start()

    def settings(self) -> dict[str, object]:
        """How it was run."""
        telemetry = {"traced_share": 1 / TRACED_EACH, "exports": dict(self._collector.exports)}
        return {"roles": list(TOGETHER), "workers": WORKERS, "partitions": self._at.partitions, **telemetry}

    @property
    def in_doubt(self) -> int:
        """Calls that were in doubt and settled since the workers began."""
        return len(self._killing().settled)

    def _start(self) -> None:
        with self._collector.named():
            start_workers(self._at, TOGETHER, KILL if self._effects is not None else BENCH, WORKERS)

    def _killing(self) -> "KillGenerator":
        assert isinstance(self._generator, KillGenerator)
        return self._generator


class Later(Generator):
    """Begins to read where the log ends now: what earlier rounds have written isn't its own."""

    def __init__(self, at: Standing, workflow: str) -> None:
        super().__init__(at, workflow, review_input)
        ends = [(each, self._log.bounds(RUN_EVENTS, each)[1]) for each in range(at.partitions)]
        self._consumer.assign([TopicPartition(RUN_EVENTS, partition, end) for partition, end in ends])


class Traced(Later):
    """Every review has a trace, as it has one that comes through the API, and one of a hundred is sampled."""

    def _start(self) -> None:
        flags = TraceFlags(TraceFlags.SAMPLED if self._count % TRACED_EACH == 0 else TraceFlags.DEFAULT)
        context = SpanContext(random.getrandbits(128), random.getrandbits(64), True, flags)
        with use_span(NonRecordingSpan(context)):
            super()._start()


class KillGenerator(Later):
    """Holds its votes back, and answers what is in doubt as an operator who looks into the target would."""

    def __init__(self, at: Standing, effects: Path) -> None:
        super().__init__(at, "kill-review")
        self._effects = effects
        self._held: list[tuple[str, str, str]] | None = []
        operator = Actor(kind="person", subject="olga", roles=("operator",))
        signer = at.keyring.signer(Authority.OPERATOR)
        publisher = Publisher(self._log, self._codec, signer, "bench")
        self._publishers.append(publisher)
        self._olga = RunClient(publisher, LOCAL_TENANT, operator)
        self.settled: set[tuple[str, int]] = set()

    def hold(self, reviews: int) -> None:
        """Start so many, and wait until each has asked."""
        held = self._held = []
        for _ in range(reviews):
            self._start()
        until = time.monotonic() + _HOLD_S
        while len(held) < reviews:
            self._hear(Seen())
            if time.monotonic() > until:
                raise BenchFailed(f"only {len(held)} of {reviews} reviews have asked for their approval")

    def release(self, meanwhile: Callable[[], None]) -> None:
        """Grant all; until all have ended."""
        held, self._held = self._held or [], None
        for run_id, approval_id, sha256 in held:
            self._sam.vote(run_id, approval_id, "grant", sha256)
        seen, until = Seen(), time.monotonic() + _HOLD_S
        while self._open:
            meanwhile()
            self._hear(seen)
            if time.monotonic() > until:
                raise BenchFailed(
                    f"{len(self._open)} reviews never ended after the kill: {dict(seen.events)}"
                )

    def _hear(self, seen: Seen) -> None:
        for message in self._consumer.consume(100, 0.01):
            self._see(message, seen)

    def _see(self, message: Message, seen: Seen) -> None:
        kind = dict(message.headers() or ()).get(CE_TYPE)
        if kind not in (b"ToolCallInDoubt", b"ApprovalRequested"):
            super()._see(message, seen)
            return
        meta, body = self._codec.decode_event(bytes(message.value() or b""))
        if isinstance(body, ApprovalRequested):
            asked = (meta.entity_id, body.approval_id, body.arguments.sha256)
            if self._held is None:
                self._sam.vote(asked[0], asked[1], "grant", asked[2])
            else:
                self._held.append(asked)
        elif isinstance(body, ToolCallInDoubt):
            self._settle(meta.entity_id, body)

    def _settle(self, run_id: str, doubt: ToolCallInDoubt) -> None:
        self.settled.add((doubt.call_id, doubt.attempt))
        happened = doubt.call_id in self._effects.read_text().split()
        evidence = "a line in the target's file" if happened else "no line, and its worker is dead"
        self._olga.settle(run_id, doubt.call_id, doubt.attempt, happened=happened, evidence=evidence)


@contextmanager
def ours(tell: Callable[[str], None], *, lean: bool) -> Iterator[Ours]:
    """Broker and database stand until the block is left. `lean`: whether for so short a time that the broker's
    optimising compiler doesn't pay."""
    with collecting() as collector, standing(tell, partitions=PARTITIONS, lean=lean) as at:
        made = Ours(at, collector)
        yield made
        if made._generator is not None:
            made.end()
