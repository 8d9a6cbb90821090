"""A world for effectors: a memory log, a real Postgres, and a test that plays the runs' decider by hand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from penstock.declare.application import Application
from penstock.declare.tools import Tool
from penstock.producers.clock import Clock
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.bodies import EventBody, InputBody
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta, InputMeta
from penstock.schemas.headers import event_headers
from penstock.schemas.ids import derived_id, partition_of, run_id
from penstock.schemas.run.records import StartToolCall, ToolCallRequested, ToolCallStarted
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, TIMERS_GROUP, TOOLS_GROUP, dead_letter_topic
from penstock.streams.background import Background
from penstock.streams.effector import EffectHost
from penstock.streams.leases import boot_ms
from penstock.streams.open_work import Work
from penstock.streams.timers.agent import timers_host
from penstock.streams.timers.ports import ArmedTimer
from penstock.streams.tools.agent import tools_host
from penstock.streams.tools.ports import Open

CODEC = pinned_codec()
KEYRING = Keyring(
    [
        Key("tools", b"t" * 32, Authority.TOOLS),
        Key("timers", b"c" * 32, Authority.TIMERS),
        Key("api", b"a" * 32, Authority.API),
        Key("callback", b"o" * 32, Authority.CALLBACK),
    ]
)
RUN = run_id("local", "one")
WAIT_S = 10.0

W = TypeVar("W", bound=Work)
B = TypeVar("B", bound=InputBody)


def call_id(name: str) -> str:
    """Id of a call by a name that tests read easily."""
    return derived_id(RUN, f"call:{name}")


def requested(tool: Tool[object], name: str = "a", **changes: object) -> ToolCallRequested:
    """A request of the tool, with arguments {"name": name}."""
    fields: dict[str, object] = {
        "call_id": call_id(name),
        "step": 1,
        "attempt": 1,
        "tool": tool.name,
        "tool_version": tool.version,
        "effect": tool.effect,
        "arguments": json_payload({"name": name}),
        "timeout_ms": tool.timeout_ms,
    }
    return ToolCallRequested(**{**fields, **changes})  # type: ignore[arg-type]


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until it is so."""
    until = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.005)


@dataclass
class Effects:
    """The log, the database, and the events that the test puts on the log as the decider would."""

    database_url: str
    partitions: int = 1
    seqs: dict[str, int] = field(default_factory=dict)
    hosts: list["Driver[Open] | Driver[ArmedTimer]"] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [RUN_INBOX, RUN_EVENTS]
        names += [dead_letter_topic(RUN_EVENTS, group) for group in (TOOLS_GROUP, TIMERS_GROUP)]
        self.log = MemoryLog(dict.fromkeys(names, self.partitions))

    def emit(self, *bodies: EventBody, run: str = RUN, epoch: int = 1) -> None:
        """Append events of a run."""
        self.log.append([self.event(body, run, epoch) for body in bodies])

    def event(self, body: EventBody, run: str = RUN, epoch: int = 1) -> Outgoing:
        seq = self.seqs[run] = self.seqs.get(run, 0) + 1
        now_ms = int(time.time() * 1000)
        meta = EventMeta(
            id=derived_id(run, str(seq)),
            type=type(body).__name__,
            tenant="local",
            entity_id=run,
            entity_seq=seq,
            time_ms=now_ms,
            actor=Actor(kind="app", subject="test"),
            cause=Cause(
                id=derived_id(run, f"cause:{seq}"),
                topic=RUN_INBOX,
                partition=0,
                offset=seq,
                time_ms=now_ms,
                index=0,
                count=1,
            ),
        )
        headers = event_headers(meta, "test", epoch)
        return Outgoing(RUN_EVENTS, run.encode(), CODEC.encode(meta, body), headers)

    def inputs(self, kind: type[B]) -> list[B]:
        """What effectors have put into the inbox, each input id once; every signature is checked."""
        return [body for _, body in self.signed() if isinstance(body, kind)]

    def signed(self) -> list[tuple[InputMeta, InputBody]]:
        found: dict[str, tuple[InputMeta, InputBody]] = {}
        for partition in range(self.partitions):
            for record in self.log.deliver(RUN_INBOX, partition, 0, 10_000):
                meta, body = CODEC.decode_input(record.value or b"")
                assert KEYRING.verify(record, meta) in (Authority.TOOLS, Authority.TIMERS)
                assert partition_of(record.key or b"", self.partitions) == record.partition
                found.setdefault(meta.id, (meta, body))
        return list(found.values())

    def await_inputs(self, kind: type[B], count: int = 1) -> list[B]:
        """Wait for that many inputs of a kind."""
        eventually(lambda: len(self.inputs(kind)) >= count, f"{count} {kind.__name__}")
        found = self.inputs(kind)
        assert len(found) == count
        return found

    def tools(
        self,
        *tools: Tool[object],
        lease_ms: int = 10_000,
        clock_ms: Callable[[], int] = boot_ms,
        save_every_s: float = 0,
    ) -> "Driver[Open]":
        """A tools worker."""
        background = Background()
        host = tools_host(
            toolbox=Application("test", tools=tools),
            tools=tools,
            open_log=self.log.another_client,
            database_url=self.database_url,
            keyring=KEYRING,
            worker="test",
            wanted_lease_ms=lease_ms,
            background=background,
            clock_ms=clock_ms,
            save_every_s=save_every_s,
            public_url="https://penstock.example",
        )
        driver = Driver(self, host, background)
        self.hosts.append(driver)
        return driver

    def timers(self, clock: Clock | None = None, again_s: float = 10.0) -> "Driver[ArmedTimer]":
        """A timers worker."""
        background = Background()
        host = timers_host(
            open_log=self.log.another_client,
            database_url=self.database_url,
            keyring=KEYRING,
            background=background,
            clock=clock,
            again_s=again_s,
            save_every_s=0,
        )
        driver = Driver(self, host, background)
        self.hosts.append(driver)
        return driver

    def started(self, name: str = "a", lease_id: str | None = None, attempt: int = 1) -> ToolCallStarted:
        """The decider's leave to start, by default to whom asked first."""
        asks = [ask for ask in self.inputs(StartToolCall) if ask.call_id == call_id(name)]
        lease = lease_id or asks[-1].lease_id
        return ToolCallStarted(call_id=call_id(name), attempt=attempt, lease_id=lease, worker="test")

    def close(self) -> None:
        for driver in self.hosts:
            driver.close()


class Driver(Generic[W]):
    """A host and the positions it reads from, as the feeder keeps them."""

    def __init__(self, world: Effects, host: EffectHost[W], background: Background) -> None:
        self.host = host
        self._world = world
        self._background = background
        self._positions: dict[int, int] = {}
        self._open = True

    def take(self, partition: int = 0) -> int:
        self._positions[partition] = self.host.take(partition)
        return self._positions[partition]

    def take_all(self) -> "Driver[W]":
        """Take every partition and read what is there."""
        for partition in range(self._world.partitions):
            self.take(partition)
        return self.feed()

    def feed(self, records_max: int = 500) -> "Driver[W]":
        """Handle everything that stands on the log after the positions."""
        for partition in self._positions:
            while records := self._world.log.deliver(
                RUN_EVENTS, partition, self._positions[partition], records_max
            ):
                self.host.handle(partition, records)
                self._positions[partition] = records[-1].offset + 1
        return self

    def close(self) -> None:
        if self._open:
            self._open = False
            self.host.close()
            self._background.check()

    def crash(self) -> None:
        """Never close: the process is gone. Its threads stay, but it is fed no more."""
        self._open = False
