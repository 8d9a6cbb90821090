"""One partition of runs over the in-memory log, and what is too large for it by every route."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from pydantic import BaseModel

from penstock import Application, Call, Run, tool, workflow
from penstock.producers.clock import FakeClock
from penstock.producers.log import Outgoing, Record
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Authority
from penstock.schemas.bodies import EventBody, InputBody
from penstock.schemas.canonical import canonical_json, json_payload, sha256_hex
from penstock.schemas.envelope.records import Actor, InputMeta, Payload
from penstock.schemas.headers import input_headers
from penstock.schemas.ids import dead_letter_id, derived_id, run_id
from penstock.schemas.log.records import InputParked, InputRefused
from penstock.schemas.run.records import (
    CastVote,
    SignalRun,
    StartRun,
)
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP, dead_letter_topic
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.runner import Runner
from penstock.streams.runs.decision import RunDecider

from .tally import CODEC, KEYRING

MIB: Final = 1024 * 1024
# Of a record of 1 MiB, what is left beside its envelope and headers.
MUCH: Final = MIB - 4_096
DECISION_BYTES_MAX: Final = 2 * MIB
IN_A_ROW: Final = 6
DEAD: Final = dead_letter_topic(RUN_INBOX, RUNS_GROUP)
ANA: Final = Actor(kind="app", subject="ana", roles=("operator",))

CLERK: Final = Actor(kind="person", subject="cleo", roles=("clerk",))


@tool(effect="read", timeout=timedelta(seconds=1))
def look(call: Call, *, name: str) -> str:
    return name


@tool(effect="unsafe", timeout=timedelta(seconds=1))
def act(call: Call, *, name: str) -> str:
    return name


class Go(BaseModel):
    said: str


@workflow("ends", version=1)
async def ends(run: Run, given: str) -> int:
    return len(given)


@workflow("waits", version=1, signals={"go": Go})
async def waits(run: Run, given: str) -> str:
    return (await run.signal("go", schema=Go)).said


@workflow("asks", version=1)
async def asks(run: Run, given: str) -> bool:
    question = run.approval(
        action=act, args={"name": "x"}, role=given or "r" * 3 * MIB, expires=timedelta(days=1)
    )
    return not (await question).refused


@workflow("fans-out", version=1)
async def fans_out(run: Run, given: str) -> int:
    return len(await run.gather(*(run.tool(look, name=f"{n}{'x' * 200_000}") for n in range(20))))


@workflow("shouts", version=1)
async def shouts(run: Run, given: str) -> str:
    return await run.tool(look, name="x" * 300_000)


APPLICATION: Final = Application("large", workflows=(ends, waits, asks, fans_out, shouts), tools=(look, act))


class Site:
    """One partition of runs, and the worker that has it."""

    def __init__(self) -> None:
        self.log = MemoryLog({RUN_INBOX: 1, RUN_EVENTS: 1, DEAD: 1}, clock=FakeClock())
        self.journal = MemoryJournal()
        self._sent = 0
        self.start(APPLICATION)

    def start(self, application: Application) -> None:
        """A worker with that code takes over."""
        decider = RunDecider(application)
        log = self.log.another_client()
        self._host = Runner(
            *(decider, self.journal, log, CODEC, KEYRING, "test"), decision_bytes_max=DECISION_BYTES_MAX
        )
        self._position = self._host.take(0)

    def send(
        self, run: str, body: InputBody, actor: Actor = ANA, tenant: str = "local", **headers: bytes
    ) -> Record:
        """An input with the API's signature, and these headers in the place of its own."""
        self._sent += 1
        entity_id = run_id(tenant, run)
        meta = InputMeta(
            id=derived_id(entity_id, str(self._sent)),
            type=type(body).__name__,
            tenant=tenant,
            entity_id=entity_id,
            time_ms=0,
            actor=actor,
        )
        value = CODEC.encode(meta, body)
        signature = KEYRING.signer(Authority.API).sign(meta.type, entity_id, tenant, value)
        own = {**dict(input_headers(meta, "test", signature)), **headers}
        return self.log.append([Outgoing(RUN_INBOX, entity_id.encode(), value, tuple(own.items()))])[0]

    def send_and_work(self, run: str, body: InputBody, **headers: bytes) -> Record:
        sent = self.send(run, body, ANA, "local", **headers)
        self.work()
        return sent

    def work(self) -> None:
        """All that has come, as one delivery."""
        records = self.log.deliver(RUN_INBOX, 0, self._position)
        self._host.handle(0, records)
        self._position = records[-1].offset + 1

    def caused(self, by: Record) -> list[EventBody]:
        """The events of an input."""
        found = [CODEC.decode_event(r.value or b"") for r in self.log.deliver(RUN_EVENTS, 0, 0, 10_000)]
        return [
            body for meta, body in found if meta.cause.offset == by.offset and meta.type != "PartitionTaken"
        ]

    def outcome(self, by: Record) -> str:
        """What became of an input, in a word or two."""
        letters = {r.header("dlq.id"): r for r in self.log.deliver(DEAD, 0, 0, 10_000)}
        letter = letters.get(dead_letter_id(RUN_INBOX, 0, by.offset).encode())
        if letter is not None:
            assert letter.value == by.value
            return f"dead letter {(letter.header('dlq.error.class') or b'').decode()}"
        told = self.caused(by)
        if isinstance(told[-1], InputRefused):
            return f"refused {told[-1].reason}"
        if isinstance(told[-1], InputParked):
            assert told[-1].input_value == by.value
            return f"parked {told[-1].error.kind}"
        return type(told[-1]).__name__


def start(name: str, given: object = "") -> StartRun:
    content = canonical_json(given)
    payload = Payload(content_type="application/json", content=content, sha256=sha256_hex(content))
    return StartRun(workflow=name, input=payload, body_sha256="0" * 64)


def subject(size: int) -> Actor:
    return Actor(kind="app", subject="s" * size, roles=("operator",))


def roles(size: int) -> Actor:
    """Each takes two bytes beside its own."""
    return Actor(kind="app", subject="ana", roles=("r" * 6,) * (size // 8))


Send = Callable[[Site, str], Record]


def after(first: InputBody, then: Callable[[str], InputBody], by: Actor = ANA) -> Send:
    """The second input of a run."""

    def send(site: Site, run: str) -> Record:
        site.send(run, first)
        return site.send(run, then(run_id("local", run)), by)

    return send


def vote(reason: str) -> Callable[[str], InputBody]:
    digest = json_payload({"name": "x"}).sha256
    return lambda run: CastVote(
        approval_id=derived_id(run, "approval:1"), decision="refuse", args_sha256=digest, reason=reason
    )


def go(name: str, said: str) -> Callable[[str], InputBody]:
    return lambda run: SignalRun(
        name=name, signal_id=derived_id(run, "s"), payload=json_payload({"said": said})
    )
