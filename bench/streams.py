"""`streams`: what event streams cost one API process, and how soon after its projection an event is at its client.

Streams of as many runs, and a few of the whole tenant, on real connections. The applier writes turns of made-up events
straight into the views, so that the moment of their commit is known; nothing is decided, and the broker is idle.
"""

import argparse
import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import cpu
from bench.applying import call
from bench.failing import BenchFailed
from bench.figures import Figures, quantile
from bench.standing import Standing, backends_s, standing
from penstock.audit.applier import Applier, catch_up
from penstock.cli.api_keys import add
from penstock.cli.local import ports
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta
from penstock.schemas.headers import event_headers
from penstock.schemas.ids import derived_id, event_id
from penstock.schemas.topics import ALL_TOPICS, RUN_EVENTS, RUN_INBOX, RUNS_GROUP

API: Final = "api"
UP_S: Final = 60.0
DRAIN_S: Final = 20.0
TURN_S: Final = 0.05
OPENING_AT_ONCE: Final = 50
PERSON: Final = Actor(kind="person", subject="ana", roles=("analyst",))
ARGUMENTS: Final = json_payload({"query": "x" * 500})


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--streams", type=int, help="streams of one run each (default 1000, quick 300)")
    parser.add_argument("--tenants", type=int, default=10, help="streams of the whole tenant (default 10)")
    parser.add_argument("--rate", type=float, default=200.0, help="events a second (default 200)")
    parser.add_argument("--seconds", type=float, help="how long, idle and under load (default 20, quick 5)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Open them, leave them alone, then write events, and see that each comes once to each stream."""
    streams = arguments.streams or (300 if arguments.quick else 1_000)
    seconds = arguments.seconds or (5.0 if arguments.quick else 20.0)
    with standing(tell) as at:
        key = add(at.settings.api_keys_file, "ana", ("analyst",)).text
        port = ports.free_port()
        bounds = str(streams + arguments.tenants + 1)
        at.start(
            API,
            ("penstock.cli.main", "api"),
            PENSTOCK_API_PORT=str(port),
            PENSTOCK_API_STREAMS_MAX=bounds,
            PENSTOCK_API_STREAMS_CALLER_MAX=bounds,
        )
        at.until(lambda: ports.answers(port), UP_S, lambda: "the API doesn't answer")
        with connect(at.database_url) as connection:
            turns = Turns(Applier(connection, pinned_codec()), [str(uuid.uuid4()) for _ in range(streams)])
            turns.write(streams)
            bench = _Bench(at, port, key, turns, tell)
            return asyncio.run(bench.run(arguments.tenants, arguments.rate, seconds))


class Turns:
    """Made-up events of these runs, one after the other, and when each was committed to the views."""

    def __init__(self, applier: Applier, run_ids: Sequence[str]) -> None:
        self.run_ids = run_ids
        self.committed_s: dict[tuple[str, int], float] = {}
        self._applier = applier
        self._log = MemoryLog(ALL_TOPICS)
        self._written = 0
        catch_up(applier, self._log, [RUN_EVENTS])

    def write(self, events: int) -> None:
        """The next so many events, in one turn of the projector."""
        outgoing = [self._next() for _ in range(events)]
        self._applier.handle(self._log.append([each for _, each in outgoing]))
        now_s = time.monotonic()
        self.committed_s |= {key: now_s for key, _ in outgoing}

    def _next(self) -> tuple[tuple[str, int], Outgoing]:
        round_, which = divmod(self._written, len(self.run_ids))
        run_id, seq, now_ms = self.run_ids[which], round_ + 1, int(time.time() * 1000)
        self._written += 1
        cause_id = derived_id(run_id, f"input:{seq}")
        at = {"topic": RUN_INBOX, "partition": 0, "offset": self._written, "time_ms": now_ms}
        meta = EventMeta(
            id=event_id(run_id, cause_id, 0),
            type="ToolCallRequested",
            tenant="local",
            entity_id=run_id,
            entity_seq=seq,
            time_ms=now_ms,
            actor=PERSON,
            cause=Cause(id=cause_id, index=0, count=1, **at),  # type: ignore[arg-type]
        )
        value = pinned_codec().encode(meta, call(run_id, seq, "look_up", ARGUMENTS))
        return (run_id, seq), Outgoing(RUN_EVENTS, run_id.encode(), value, event_headers(meta, RUNS_GROUP, 1))


@dataclass(slots=True)
class _Stream:
    """One client, as small as it can be: it counts, and notes when each event came."""

    path: str
    run_id: str = ""
    came_s: dict[tuple[str, int], float] = field(default_factory=dict)
    doubled: int = 0

    async def follow(self, port: int, key: str, opened: Callable[[], None]) -> None:
        reading, writing = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        head = f"GET {self.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        writing.write(f"{head}Accept: text/event-stream\r\n\r\n".encode())
        try:
            status = await reading.readline()
            if b" 200 " not in status:
                raise BenchFailed(f"a stream was answered with {status!r}")
            opened()
            while line := await reading.readline():
                if line.startswith(b"data: "):
                    self._take(line, time.monotonic())
        finally:
            writing.close()

    def _take(self, line: bytes, now_s: float) -> None:
        run_id = self.run_id or line.partition(b'"run_id":"')[2][:36].decode()
        key = run_id, int(line.partition(b'"seq":')[2].partition(b",")[0])
        self.doubled += key in self.came_s
        self.came_s[key] = now_s


@dataclass(slots=True)
class _Bench:
    at: Standing
    port: int
    key: str
    turns: Turns
    tell: Callable[[str], None]
    opened: int = 0

    async def run(self, tenants: int, rate: float, seconds: float) -> Figures:
        resident = _resident_kib(self._pid)
        own = [_Stream(f"/v1/runs/{run_id}/events?from_seq=2", run_id) for run_id in self.turns.run_ids]
        streams = own + [_Stream("/v1/events") for _ in range(tenants)]
        self.tell(f"opening {len(streams)} streams")
        tasks = await self._open(streams)
        kib = (_resident_kib(self._pid) - resident) / len(streams)
        self.tell(f"leaving them alone for {seconds:.0f} s")
        idle = await self._spending(asyncio.sleep(seconds))
        self.tell(f"{rate:.0f} events a second for {seconds:.0f} s")
        written = len(self.turns.committed_s)
        busy = await self._spending(self._load(rate, seconds))
        wanted = len(self.turns.committed_s) - written
        sent = wanted * (1 + tenants)
        await self._drain(streams, sent)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if sum(each.doubled for each in streams):
            raise BenchFailed("an event came twice")
        delays_ms = [
            (came_s - self.turns.committed_s[key]) * 1000
            for each in streams
            for key, came_s in each.came_s.items()
        ]
        line = {
            "streams": float(len(streams)),
            "kib_stream": kib,
            "idle_cpu_ms_s": 1000 * idle[API] / seconds,
            "idle_postgres_cpu_ms_s": 1000 * idle["postgres"] / seconds,
            "cpu_us_event_sent": 1e6 * busy[API] / sent,
            "p50_ms": quantile(delays_ms, 0.5),
            "p95_ms": quantile(delays_ms, 0.95),
        }
        details = {
            "rate": rate,
            "sent": sent,
            "p99_ms": quantile(delays_ms, 0.99),
            "busy": busy,
            "idle": idle,
        }
        return Figures("streams", line, details)

    @property
    def _pid(self) -> int:
        return self.at.pids()[API]

    async def _open(self, streams: Sequence[_Stream]) -> list["asyncio.Task[None]"]:
        def opened() -> None:
            self.opened += 1

        tasks: list[asyncio.Task[None]] = []
        for each in streams:
            tasks.append(asyncio.create_task(each.follow(self.port, self.key, opened)))
            while len(tasks) - self.opened >= OPENING_AT_ONCE:
                await asyncio.sleep(0.01)
                self._check(tasks)
        while self.opened < len(streams):
            await asyncio.sleep(0.05)
            self._check(tasks)
        return tasks

    async def _load(self, rate: float, seconds: float) -> None:
        """As many events a turn as are due; late turns are larger."""
        began_s, done = time.monotonic(), 0
        while done < rate * seconds:
            await asyncio.sleep(TURN_S)
            due = min(int(rate * seconds), int((time.monotonic() - began_s) * rate)) - done
            if due > 0:
                await asyncio.to_thread(self.turns.write, due)
                done += due

    async def _drain(self, streams: Sequence[_Stream], sent: int) -> None:
        until_s = time.monotonic() + DRAIN_S
        while (came := sum(len(each.came_s) for each in streams)) < sent:
            if time.monotonic() > until_s:
                raise BenchFailed(f"{came} of {sent} events came")
            await asyncio.sleep(0.05)

    async def _spending(self, what: Awaitable[None]) -> Mapping[str, float]:
        """CPU seconds of the API, and of its connections in Postgres, while it is done."""
        before = {API: cpu.tree_s(self._pid), "postgres": self._postgres_s()}
        await what
        return cpu.used(before, {API: cpu.tree_s(self._pid), "postgres": self._postgres_s()})

    def _postgres_s(self) -> float:
        return backends_s(self.at, cpu.process_s).get("penstock.api", 0.0)

    def _check(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        self.at.check()
        for task in tasks:
            if task.done():
                task.result()
                raise BenchFailed("a stream ended")


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
