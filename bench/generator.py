"""The load: starts reviews through the SDK, votes on approvals as a person at the API's door would, sees ends.

Reads: penstock.run.events, directly, so that nobody's polling of views is measured. Writes: the inbox. Closed
loop: a review that ends makes room for the next.
"""

import math
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Consumer, Message, TopicPartition

from bench.failing import BenchFailed
from bench.standing import Standing
from penstock.producers.kafka import KafkaLog
from penstock.producers.publisher import Publisher
from penstock.producers.runs import RunClient
from penstock.producers.signing import LOCAL_APP_KEY, LOCAL_TENANT, Authority
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, ActorKind
from penstock.schemas.headers import CE_TYPE
from penstock.schemas.run.records import ApprovalRequested
from penstock.schemas.topics import RUN_EVENTS

SILENCE_S: Final = 20.0
ENDS: Final = frozenset({b"RunCompleted", b"RunFailed", b"RunCancelled"})
_STUCK: Final = frozenset({b"RunStalled", b"ToolCallInDoubt"})


@dataclass(slots=True)
class Seen:
    """What became of a batch of reviews. Latencies are by this process's clock, in milliseconds."""

    latencies_ms: list[float] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    # By partition, offset and the log's time of every event.
    appended: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


class Generator:
    """One client of the log. `input_of(number)` is the workflow's input for the n-th review."""

    def __init__(self, standing: Standing, workflow: str, input_of: Callable[[int], object]) -> None:
        keyring, codec = standing.keyring, pinned_codec()
        self._codec = codec
        self._workflow = workflow
        self._input_of = input_of
        self._log = KafkaLog(standing.bootstrap_servers, "bench-generator")
        self._publishers = [
            Publisher(self._log, codec, keyring.signer(authority), "bench")
            for authority in (Authority.APP, Authority.API)
        ]
        app, door = self._publishers
        self._app = RunClient(app, LOCAL_TENANT, _actor("app", LOCAL_APP_KEY, "analyst"))
        self._sam = RunClient(door, LOCAL_TENANT, _actor("person", "sam", "supervisor", "manager", "analyst"))
        self._consumer = _events_consumer(standing)
        self._count = 0
        self._open: dict[bytes, float] = {}
        self._ended: set[bytes] = set()

    def run(self, reviews: int, in_flight: int, seconds: float = math.inf) -> Seen:
        """So many reviews from start to end, so many at a time; after so many seconds none is started any more.

        Raises BenchFailed if one fails, gets stuck, ends twice, or none moves for SILENCE_S seconds.
        """
        seen, goal = Seen(), self._count + reviews
        moved_s = time.monotonic()
        until_s = moved_s + seconds
        while self._open or self._count < goal:
            while len(self._open) < in_flight and self._count < goal:
                self._start()
            for message in self._messages():
                moved_s = time.monotonic()
                self._see(message, seen)
            if time.monotonic() > until_s:
                goal = self._count
            if time.monotonic() - moved_s > SILENCE_S:
                raise BenchFailed(f"{len(self._open)} reviews of {reviews} never ended: the log is silent")
        return seen

    def close(self) -> None:
        """Let go of the connections."""
        for publisher in self._publishers:
            publisher.close()
        self._consumer.close()
        self._log.close()

    def _start(self) -> None:
        began_s = time.monotonic()
        key = f"bench-{self._count}-{uuid.uuid4()}"
        started = self._app.start(self._workflow, self._input_of(self._count), key)
        self._open[started.run_id.encode()] = began_s
        self._count += 1

    def _messages(self) -> Iterator[Message]:
        """What is there, never waiting for more."""
        first = self._consumer.poll(0.5)
        if first is not None:
            yield first
            yield from self._consumer.consume(1_000, 0)

    def _see(self, message: Message, seen: Seen) -> None:
        error = message.error()
        if error is not None:
            raise BenchFailed(f"the generator can't read the log: {error.str()}")
        kind = _type(message)
        stands = (message.offset() or 0, message.timestamp()[1])
        seen.appended.setdefault(message.partition() or 0, []).append(stands)
        seen.events[kind.decode()] += 1
        value, key = message.value() or b"", message.key() or b""
        seen.bytes += len(value)
        if kind == b"ApprovalRequested":
            meta, body = self._codec.decode_event(bytes(value))
            assert isinstance(body, ApprovalRequested)
            self._sam.vote(meta.entity_id, body.approval_id, "grant", body.arguments.sha256)
        elif kind in ENDS:
            self._end(bytes(key), kind, seen)
        elif kind in _STUCK:
            raise BenchFailed(f"review {key!r} met {kind.decode()}")

    def _end(self, key: bytes, kind: bytes, seen: Seen) -> None:
        if key in self._ended:
            raise BenchFailed(f"review {key.decode()} ended twice")
        if kind != b"RunCompleted":
            raise BenchFailed(f"review {key.decode()} ended with {kind.decode()}")
        began_s, now_s = self._open.pop(key), time.monotonic()
        self._ended.add(key)
        seen.latencies_ms.append((now_s - began_s) * 1000)


def _actor(kind: ActorKind, subject: str, *roles: str) -> Actor:
    return Actor(kind=kind, subject=subject, roles=roles)


def _type(message: Message) -> bytes:
    for pair in message.headers() or ():
        if pair[0] == CE_TYPE:
            return pair[1].encode() if isinstance(pair[1], str) else pair[1] or b""
    return b""


def _events_consumer(standing: Standing) -> Consumer:
    consumer = Consumer(
        {
            "bootstrap.servers": standing.bootstrap_servers,
            "client.id": "bench-generator",
            "group.id": "bench",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 100,
        }
    )
    consumer.assign([TopicPartition(RUN_EVENTS, partition, 0) for partition in range(standing.partitions)])
    return consumer
