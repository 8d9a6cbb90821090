"""`calls`: CPU of one call inside the tools worker, from the fold of its events to its answer.

Pure Python: no broker, no database, no codec. Events are made before the clock, answers are counted by a fake.
Figures: microseconds of CPU a call of this process, all threads, for reads, asynchronous reads and unsafe calls.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bench.figures import Figures
from penstock.declare.application import Application
from penstock.declare.call import Call
from penstock.declare.tools import Tool, tool
from penstock.producers.clock import SystemClock
from penstock.schemas.bodies import EventBody
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import Codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.run.records import (
    CompleteToolCall,
    StartToolCall,
    ToolCallCompleted,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answer
from penstock.streams.background import Background
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.tools.calling import Calling
from penstock.streams.tools.fold import CallFold
from penstock.streams.tools.ports import Open

_TEXT: Final = "x" * 1_400


@tool(effect="read", owner="bench", concurrency=64)
def look(call: Call, *, case_id: str) -> dict[str, str]:
    """1.4 KiB, at once."""
    return {"case_id": case_id, "narrative": _TEXT}


@tool(effect="read", owner="bench", concurrency=64)
async def ask(call: Call, *, case_id: str) -> dict[str, str]:
    """The same, asynchronously."""
    return {"case_id": case_id, "narrative": _TEXT}


@tool(effect="unsafe", owner="bench", concurrency=64)
def act(call: Call, *, case_id: str) -> dict[str, str]:
    """The same, after leave to start."""
    return {"case_id": case_id, "narrative": _TEXT}


TOOLS: Final[tuple[Tool[object], ...]] = (look, ask, act)


class FakeLeases:
    """One lease that always holds."""

    lease_ms = 60_000
    heartbeat_ms = 2_000
    worker = "bench"

    def lease_id(self, call_id: str, attempt: int) -> str:
        return f"1:{call_id}:{attempt}"

    def ours(self, lease_id: str) -> bool:
        return True

    def covers(self, lease_id: str, need_ms: int) -> bool:
        return True

    def could_cover(self, need_ms: int) -> bool:
        return True

    def release(self) -> None: ...

    def close(self) -> None: ...


class FakeAnswers:
    """Counts answers and keeps those that the caller hasn't taken yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Answer] = []
        self._wanted = 0
        self._there = threading.Event()

    def send(self, answer: Answer) -> None:
        with self._lock:
            self._kept.append(answer)
            if len(self._kept) == self._wanted:
                self._there.set()

    def take(self, count: int) -> list[Answer]:
        """Wait for so many in all, and take them."""
        with self._lock:
            self._wanted = count
            if len(self._kept) >= count:
                self._there.set()
        if not self._there.wait(60):
            raise TimeoutError(f"{len(self._kept)} answers of {count}")
        with self._lock:
            kept, self._kept = self._kept, []
            self._there.clear()
            self._wanted = 0
        return kept

    def drain(self, deadline_s: float) -> bool:
        return True

    def close(self) -> None: ...


class Path:
    """The fold and the act of one partition, fed with events as the host does it."""

    def __init__(self, tools: tuple[Tool[object], ...] = TOOLS, codec: Codec | None = None) -> None:
        self.background = Background()
        self.answers = FakeAnswers()
        application = Application("bench", tools=tools)
        self.calling = Calling(
            application,
            FakeLeases(),  # type: ignore[arg-type]
            self.answers,  # type: ignore[arg-type]
            Alarms(self.background),
            self.background,
            SystemClock(),
            codec=codec,
        )
        self._fold = CallFold()
        self._open: OpenWork[Open] = OpenWork()

    def feed(self, events: Sequence[Seen]) -> None:
        """One batch."""
        for seen in events:
            self._fold.evolve(self._open, seen)
        for key in self._open.changes():
            work = self._open.get(key)
            if work is None:
                self.calling.settled(key)
            else:
                self.calling.open(0, work)

    def close(self) -> None:
        self.calling.close(5)
        self.background.check()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--calls", type=int, help="calls of each kind (default 20000, quick 4000)")
    parser.add_argument("--batch", type=int, default=30, help="calls requested at a time (default 30)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Each kind alone, in three rounds; the least CPU counts."""
    calls = arguments.calls or (4_000 if arguments.quick else 20_000)
    line, details = {}, {}
    for kind, one in (("read", look), ("async", ask), ("unsafe", act)):
        rounds = [_round(one, calls, arguments.batch) for _ in range(3)]
        line[f"{kind}_cpu_us"] = min(rounds)
        details[f"{kind}_rounds_us"] = [round(each, 1) for each in rounds]
        tell(f"{kind}: {[round(each) for each in rounds]} us a call, median {statistics.median(rounds):.0f}")
    return Figures("calls", line, {"calls": calls, "batch": arguments.batch, **details})


def _round(one: Tool[object], calls: int, batch: int) -> float:
    """CPU microseconds a call."""
    requests = [event for event in _requests(one, calls)]
    path = Path()
    try:
        began_s = time.process_time()
        for start in range(0, calls, batch):
            some = requests[start : start + batch]
            path.feed(some)
            if one.effect == "unsafe":
                path.feed([_started(each) for each in _asked(path.answers.take(len(some)))])
            path.feed([_settled(each) for each in _completed(path.answers.take(len(some)))])
        return 1e6 * (time.process_time() - began_s) / calls
    finally:
        path.close()


def _requests(one: Tool[object], calls: int) -> Iterator[Seen]:
    for number in range(calls):
        run = run_id("bench", str(number))
        body = ToolCallRequested(
            call_id=derived_id(run, "call:1"),
            step=1,
            attempt=1,
            tool=one.name,
            tool_version=one.version,
            effect=one.effect,
            arguments=json_payload({"case_id": f"B-{number}"}),
            timeout_ms=one.timeout_ms,
        )
        yield _seen(run, body)


def _seen(run: str, body: EventBody) -> Seen:
    cause = Cause(id=run, topic="t", partition=0, offset=0, time_ms=0, index=0, count=1)
    meta = EventMeta(
        id=run,
        type=type(body).__name__,
        tenant="bench",
        entity_id=run,
        entity_seq=1,
        time_ms=0,
        actor=Actor(kind="app", subject="bench"),
        cause=cause,
    )
    return Seen(meta, body, b"")


def _asked(answers: Sequence[Answer]) -> Iterator[tuple[str, StartToolCall]]:
    for answer in answers:
        assert isinstance(answer.body, StartToolCall)
        yield answer.entity_id, answer.body


def _completed(answers: Sequence[Answer]) -> Iterator[tuple[str, CompleteToolCall]]:
    for answer in answers:
        assert isinstance(answer.body, CompleteToolCall), answer.body
        yield answer.entity_id, answer.body


def _started(asked: tuple[str, StartToolCall]) -> Seen:
    run, body = asked
    started = ToolCallStarted(
        call_id=body.call_id, attempt=body.attempt, lease_id=body.lease_id, worker=body.worker
    )
    return _seen(run, started)


def _settled(ended: tuple[str, CompleteToolCall]) -> Seen:
    run, body = ended
    return _seen(run, ToolCallCompleted(call_id=body.call_id, attempt=body.attempt, result=body.result))
