"""The tools worker's fold and act without broker and database: events in, answers out."""

import itertools
import threading
import uuid

from penstock.declare.application import Application
from penstock.declare.tools import Tool
from penstock.producers.clock import SystemClock
from penstock.schemas.bodies import EventBody
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.ids import run_id
from penstock.schemas.run.records import StartToolCall, ToolCallRequested, ToolCallStarted
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answer, Answers
from penstock.streams.background import Background
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.tools.calling import Calling
from penstock.streams.tools.fold import CallFold
from penstock.streams.tools.ports import Open

WAIT_S = 10.0
_numbers = itertools.count()


class HoldingLeases:
    """One lease that always holds."""

    lease_ms = 60_000
    heartbeat_ms = 2_000
    worker = "test"

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


class KeptAnswers:
    """Answers, until a test takes them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._kept: list[Answer] = []

    def send(self, answer: Answer) -> None:
        with self._changed:
            self._kept.append(answer)
            self._changed.notify_all()

    def take(self, count: int) -> list[Answer]:
        """Wait for so many, and take all that are there."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._kept) >= count, WAIT_S), f"{len(self._kept)}"
            kept, self._kept = self._kept, []
        assert len(kept) == count
        return kept

    def drain(self, deadline_s: float) -> bool:
        return True

    def close(self) -> None: ...


class Path:
    """One partition."""

    def __init__(self, application: Application, answers: Answers | None = None) -> None:
        self.background = Background()
        self.answers = KeptAnswers()
        self.calling = Calling(
            application,
            HoldingLeases(),  # type: ignore[arg-type]
            answers or self.answers,  # type: ignore[arg-type]
            Alarms(self.background),
            self.background,
            SystemClock(),
            codec=pinned_codec(),
        )
        self.open_work: OpenWork[Open] = OpenWork()
        self._fold = CallFold()

    def feed(self, *events: Seen) -> None:
        """One batch."""
        for seen in events:
            self._fold.evolve(self.open_work, seen)
        for key in self.open_work.changes():
            work = self.open_work.get(key)
            if work is None:
                self.calling.settled(key)
            else:
                self.calling.open(0, work)

    def close(self) -> None:
        self.calling.close(2)
        self.background.check()


def request(tool: Tool[object], name: str, tenant: str = "local", priority: int = 0) -> Seen:
    """A call of the tool with the argument `name`, in a run of its own."""
    body = ToolCallRequested(
        call_id=str(uuid.uuid4()),
        step=1,
        attempt=1,
        tool=tool.name,
        tool_version=tool.version,
        effect=tool.effect,
        arguments=json_payload({"name": name}),
        timeout_ms=tool.timeout_ms,
        priority=priority,
    )
    return seen(run_id(tenant, str(next(_numbers))), body, tenant)


def started(answer: Answer) -> Seen:
    """The decider's leave."""
    body = answer.body
    assert isinstance(body, StartToolCall)
    leave = ToolCallStarted(
        call_id=body.call_id, attempt=body.attempt, lease_id=body.lease_id, worker=body.worker
    )
    return seen(answer.entity_id, leave)


def seen(run: str, body: EventBody, tenant: str = "local", value: bytes = b"") -> Seen:
    """An event of a run."""
    meta = EventMeta(
        id=run,
        type=type(body).__name__,
        tenant=tenant,
        entity_id=run,
        entity_seq=1,
        time_ms=0,
        actor=Actor(kind="app", subject="test"),
        cause=Cause(id=run, topic="t", partition=0, offset=0, time_ms=0, index=0, count=1),
    )
    return Seen(meta, body, value)
