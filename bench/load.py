"""`load`: what one tenant's queue does to another, and a run that fans out over thousands of items.

Figures: tenant B's start to first step while tenant A's runs wait for the same tool, and how many of A's still
waited at the end; seconds and items a second of a fan-out, and the most of its calls that were open at once.
"""

import argparse
import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Final

from confluent_kafka import Consumer, Message, TopicPartition

from bench.failing import BenchFailed
from bench.figures import Figures, quantile
from bench.standing import Standing, standing
from penstock.producers.kafka import KafkaLog
from penstock.producers.publisher import Publisher
from penstock.producers.runs import RunClient
from penstock.producers.signing import Authority
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.headers import CE_TYPE
from penstock.schemas.topics import RUN_EVENTS

APPLICATION: Final = "bench.load_application:application"
HOLD_MS: Final = 100
SLOTS: Final = 16
EVERY_S: Final = 0.2
SILENCE_S: Final = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--queued", type=int, help="runs of tenant A (default 10000, quick 3000)")
    parser.add_argument("--runs", type=int, help="runs of tenant B (default 150, quick 40)")
    parser.add_argument("--items", type=int, help="items of the fan-out (default 5000, quick 1000)")
    parser.add_argument("--at-a-time", type=int, default=50, help="open calls of the fan-out (default 50)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """The fan-out first, alone; then the two tenants."""
    quick = arguments.quick
    queued = arguments.queued or (3_000 if quick else 10_000)
    runs = arguments.runs or (40 if quick else 150)
    items = arguments.items or (1_000 if quick else 5_000)
    with standing(tell) as at:
        at.worker("all", APPLICATION)
        door = Door(at)
        try:
            tell(f"a fan-out over {items} items, {arguments.at_a_time} at a time")
            seconds, most_open = _fan_out(door, items, arguments.at_a_time)
            tell(f"{queued} runs of tenant A")
            latencies_ms, left = _two_tenants(door, queued, runs, tell)
        finally:
            door.close()
        at.check()
    line = {
        "b_first_step_p50_ms": quantile(latencies_ms, 0.5),
        "b_first_step_p95_ms": quantile(latencies_ms, 0.95),
        "a_queued_at_the_end": float(left),
        "fan_out_s": seconds,
        "fan_out_items_per_s": items / seconds,
        "fan_out_most_open": float(most_open),
    }
    details = {"a_runs": queued, "b_runs": runs, "hold_ms": HOLD_MS, "slots": SLOTS, "items": items}
    return Figures("load", line, details)


class Door:
    """Starts runs of any tenant and sees every event from an offset on once, with its kind and run."""

    def __init__(self, at: Standing, first: int = 0) -> None:
        self._log = KafkaLog(at.bootstrap_servers, "bench-load")
        signer = at.keyring.signer(Authority.API)
        self._publisher = Publisher(self._log, pinned_codec(), signer, "bench")
        self._consumer = Consumer(
            {
                "bootstrap.servers": at.bootstrap_servers,
                "group.id": "bench-load",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 20,
            }
        )
        self._consumer.assign(
            [TopicPartition(RUN_EVENTS, partition, first) for partition in range(at.partitions)]
        )
        self._moved_s = time.monotonic()

    def start(self, tenant: str, workflow: str, asked: dict[str, int]) -> bytes:
        """The key of the run."""
        # The API's key: an app's speaks for one tenant only.
        actor = Actor(kind="person", subject="sam", roles=("analyst",))
        client = RunClient(self._publisher, tenant, actor)
        return client.start(workflow, asked, str(uuid.uuid4())).run_id.encode()

    def events(self, wait_s: float = 0.05) -> Iterator[tuple[bytes, str]]:
        """What has come since, as (run, kind). Raises BenchFailed when nothing has come for long."""
        messages = self._consumer.consume(1_000, wait_s)
        if messages:
            self._moved_s = time.monotonic()
        elif time.monotonic() - self._moved_s > SILENCE_S:
            raise BenchFailed("the log is silent")
        for message in messages:
            if message.error() is not None:
                raise BenchFailed(f"the log can't be read: {message.error()}")
            kind = _kind(message)
            if kind in ("InputRefused", "RunStalled", "RunFailed"):
                raise BenchFailed(
                    f"run {message.key()!r} met {kind}: {json.dumps(str(message.value())[-600:])}"
                )
            yield message.key() or b"", kind

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.close()
        self._consumer.close()
        self._log.close()


def _fan_out(door: Door, items: int, at_a_time: int) -> tuple[float, int]:
    """Seconds from start to end, and the most calls that were open at once. Raises BenchFailed if an item is lost."""
    began_s = time.monotonic()
    run = door.start("local", "bench-fan", {"items": items, "at_a_time": at_a_time})
    requested, completed, most = 0, 0, 0
    while True:
        for key, kind in door.events():
            if key != run:
                continue
            requested += kind == "ToolCallRequested"
            completed += kind == "ToolCallCompleted"
            most = max(most, requested - completed)
            if kind == "RunCompleted":
                if (requested, completed) != (items, items) or most > at_a_time:
                    raise BenchFailed(
                        f"{requested} calls, {completed} results, {most} open for {items} items"
                    )
                return time.monotonic() - began_s, most


def _two_tenants(door: Door, queued: int, runs: int, tell: Callable[[str], None]) -> tuple[list[float], int]:
    """Milliseconds from the start of each of B's runs to its first result, and how many of A's waited at the end."""
    requested: set[bytes] = set()
    done: set[bytes] = set()
    mine: dict[bytes, float] = {}
    latencies_ms: list[float] = []

    def look(wait_s: float) -> None:
        for key, kind in door.events(wait_s):
            if kind == "ToolCallRequested":
                requested.add(key)
            elif kind == "ToolCallCompleted":
                done.add(key)
                if key in mine:
                    latencies_ms.append(1000 * (time.monotonic() - mine.pop(key)))

    for number in range(queued):
        door.start("tenant-a", "bench-hold", {"ms": HOLD_MS})
        if number % 200 == 0:
            look(0)
    while len(requested) < queued:
        look(0.05)
    tell(f"{queued - len(done)} calls of tenant A wait or run; {runs} runs of tenant B")
    following_s, started = time.monotonic(), 0
    while len(latencies_ms) < runs:
        if started < runs and time.monotonic() >= following_s:
            began_s = time.monotonic()
            mine[door.start("tenant-b", "bench-hold", {"ms": HOLD_MS})] = began_s
            started, following_s = started + 1, following_s + EVERY_S
        look(0.01)
    left = queued + runs - len(done)
    if left <= SLOTS:
        raise BenchFailed(
            "tenant A's queue was empty before tenant B had finished: ask for more with --queued"
        )
    return latencies_ms, left


def _kind(message: Message) -> str:
    for pair in message.headers() or ():
        if pair[0] == CE_TYPE:
            return pair[1] if isinstance(pair[1], str) else (pair[1] or b"").decode()
    return ""
