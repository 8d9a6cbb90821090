"""A decider small enough to see through: CancelRun adds one, with reason 'raise' it raises, 'many' adds three."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from penstock.producers.clock import FakeClock
from penstock.producers.log import Log, Outgoing, Record
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.bodies import EventBody, InputBody
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta, InputMeta
from penstock.schemas.headers import EPOCH, event_headers, input_headers
from penstock.schemas.ids import derived_id, partition_entity_id, partition_of, run_id
from penstock.schemas.log.records import InputAccepted, InputRefused, PartitionTaken, ReleaseInput
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX
from penstock.streams.decider import Happened, Input
from penstock.streams.host import Fenced
from penstock.streams.journal import Journal
from penstock.streams.runner import Runner

CODEC = pinned_codec()
SECRET = b"s" * 32
KEYRING = Keyring(
    [Key(a.value, SECRET, a, None) for a in (Authority.API, Authority.OPERATOR)]
    + [Key("app:local", SECRET, Authority.APP, "local")]
)
OPERATOR = Actor(kind="person", subject="olga", roles=("operator",))


@dataclass(frozen=True, slots=True)
class Tally:
    count: int = 0
    notes: tuple[str, ...] = ()


class TallyDecider:
    """FireTimer(timer_id=note) is its only command."""

    noun = "run"
    group_id = "penstock.streams.runs"

    def __init__(self) -> None:
        self.broken = False
        self.decided = 0

    def initial(self, tenant: str, entity_id: str) -> Tally:
        return Tally()

    def decide(self, state: Tally, given: Input) -> Sequence[EventBody]:
        self.decided += 1
        assert isinstance(given.body, FireTimer)
        note = given.body.timer_id
        if given.authority is Authority.NONE:
            return [InputRefused(input_type="FireTimer", reason="unsigned")]
        if note.startswith("slow"):
            time.sleep(8)
        if note == "huge":
            return [InputAccepted(input_type="FireTimer", note="x" * 2_100_000)]
        if note == "raise" or self.broken:
            raise ValueError("a decider that raises")
        copies = 3 if note.startswith("many") else 1
        return [
            InputAccepted(input_type="FireTimer", note=f"{note}/{state.count + i}") for i in range(copies)
        ]

    def evolve(self, state: Tally, happened: Happened) -> Tally:
        if isinstance(happened.body, InputAccepted):
            return Tally(state.count + 1, (*state.notes, happened.body.note))
        return state


class LastingTallyDecider(TallyDecider):
    """The same, whose states are kept beside the journal."""

    fold_version = 1

    def __init__(self) -> None:
        super().__init__()
        self.folded = 0

    def evolve(self, state: Tally, happened: Happened) -> Tally:
        self.folded += 1
        return super().evolve(state, happened)

    def pack(self, state: Tally) -> bytes:
        return json.dumps(state.notes).encode()

    def unpack(self, packed: bytes) -> Tally:
        notes = tuple(json.loads(packed))
        return Tally(len(notes), notes)


def entity(name: str) -> str:
    return run_id("local", name)


def input_record(
    name: str, body: InputBody, ident: str = "", authority: Authority | None = Authority.OPERATOR
) -> Outgoing:
    entity_id = entity(name)
    meta = InputMeta(
        id=derived_id(entity_id, ident or repr(body)),
        type=type(body).__name__,
        tenant="local",
        entity_id=entity_id,
        time_ms=0,
        actor=OPERATOR,
    )
    value = CODEC.encode(meta, body)
    signature = KEYRING.signer(authority).sign(meta.type, entity_id, "local", value) if authority else ""
    return Outgoing(RUN_INBOX, entity_id.encode(), value, input_headers(meta, "test", signature))


def forged_marker(partition: int, epoch: int | str) -> Outgoing:
    """What a stranger who may write to the events topic can say: that the partition is taken, under any epoch."""
    entity_id = partition_entity_id(RUN_EVENTS, partition)
    cause = Cause(id=entity_id, topic=RUN_EVENTS, partition=partition, offset=0, time_ms=0, index=0, count=1)
    meta = EventMeta(
        id=derived_id(entity_id, f"forged {epoch}"),
        type=PartitionTaken.__name__,
        tenant="",
        entity_id=entity_id,
        entity_seq=1,
        time_ms=0,
        actor=OPERATOR,
        cause=cause,
    )
    value = CODEC.encode(meta, PartitionTaken(epoch=1, owner="stranger"))
    headers = [pair for pair in event_headers(meta, "stranger", 1) if pair[0] != EPOCH]
    return Outgoing(
        RUN_EVENTS, entity_id.encode(), value, (*headers, (EPOCH, str(epoch).encode())), partition
    )


class World:
    """A memory log, a journal and runners on them; `owners` come and go, the log and the journal stay."""

    inbox = RUN_INBOX
    snapshot_every = 4

    def __init__(
        self, journal: Journal, log: MemoryLog | None = None, decider: TallyDecider | None = None
    ) -> None:
        self.log = log or MemoryLog(clock=FakeClock())
        self.journal = journal
        self.decider = decider or TallyDecider()

    def runner(self, journal: Journal | None = None) -> "Owner":
        log = self.log.another_client()
        return Owner(log, self.host(log, journal or self.journal), self.inbox)

    def host(self, log: MemoryLog, journal: Journal) -> Runner[Any]:
        return Runner(self.decider, journal, log, CODEC, KEYRING, "test", snapshot_every=self.snapshot_every)

    def send(
        self, name: str, note: str, ident: str = "", authority: Authority | None = Authority.OPERATOR
    ) -> Record:
        return self.log.append([input_record(name, FireTimer(timer_id=note), ident, authority)])[0]

    def release(self, name: str, input_id: str) -> Record:
        return self.log.append([input_record(name, ReleaseInput(parked_input_id=input_id))])[0]

    def events(self, name: str) -> list[tuple[EventMeta, EventBody]]:
        """What stands on the log for an entity, seen as a reader does that knows epochs."""
        found = []
        for record in visible(self.log, self.partition(name)):
            meta, body = CODEC.decode_event(record.value or b"")
            if meta.entity_id == entity(name):
                found.append((meta, body))
        return found

    def notes(self, name: str) -> list[str]:
        return [body.note for _, body in self.events(name) if isinstance(body, InputAccepted)]

    def partition(self, name: str) -> int:
        return partition_of(entity(name).encode(), self.log.partitions(RUN_INBOX))


class Owner:
    """A runner and the positions it reads from, as the feeder keeps them."""

    def __init__(self, log: MemoryLog, runner: Runner[Any], inbox: str) -> None:
        self.log = log
        self.runner = runner
        self.inbox = inbox
        self.positions: dict[int, int] = {}

    def take_all(self) -> "Owner":
        for partition in range(self.log.partitions(self.inbox)):
            self.positions[partition] = self.runner.take(partition)
        return self

    def work(self, records_max: int = 500) -> int:
        """Handle everything that is on the inbox; take anew what was fenced, as the feeder does."""
        handled = 0
        for partition in list(self.positions):
            while records := self.log.deliver(self.inbox, partition, self.positions[partition], records_max):
                try:
                    self.runner.handle(partition, records)
                except Fenced:
                    self.positions[partition] = self.runner.take(partition)
                    continue
                self.positions[partition] = records[-1].offset + 1
                handled += len(records)
        return handled


def visible(log: Log, partition: int, topic: str = RUN_EVENTS) -> list[Record]:
    """The records that count: an independent reading of law L4's rule about epochs."""
    seen, kept = 0, []
    start, end = log.bounds(topic, partition)
    for record in log.read(topic, partition, start, end):
        said = record.header("epoch") or b"0"
        epoch = int(said) if len(said) < 20 else -1
        if not seen <= epoch <= seen + 2**32:
            continue
        if record.header("ce_type") == b"PartitionTaken":
            seen = epoch
        else:
            kept.append(record)
    return kept
