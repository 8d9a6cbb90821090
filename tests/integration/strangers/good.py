"""A record of each kind that nothing is wrong with: what strangers start from."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, FactBody, InputBody, pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta, InputMeta
from penstock.schemas.headers import SIGNATURE, event_headers, input_headers
from penstock.schemas.ids import partition_of, schedule_id, tenant_id
from penstock.schemas.operator.records import OperatorActed
from penstock.schemas.run.records import RunStarted, StartRun
from penstock.schemas.schedule.records import CreateSchedule, Plan, ScheduleCreated
from penstock.schemas.topics import (
    OPERATOR_ACTIONS,
    PARTITIONS,
    RUN_EVENTS,
    RUN_INBOX,
    SCHEDULE_EVENTS,
    SCHEDULE_INBOX,
)
from tests.integration.strangers.sending import Hostile

TENANT: Final = "local"
OTHER: Final = "walled"
CODEC: Final = pinned_codec()
# Replaced in the bytes by what can't be encoded.
MARK: Final = "MARK"
STRANGER: Final = Actor(kind="person", subject=MARK, roles=("analyst",))
KEY_OF_NOBODY: Final = Key("nobody", b"n" * 32, Authority.API)
_NOW_MS: Final = 1_764_000_000_000
# When nobody waits for it any more.
LATER_MS: Final = 4_102_444_800_000
PLAN: Final = Plan(
    workflow="unheard-of",
    input=json_payload({"number": 1}),
    every_ms=86_400_000,
    starts_at_ms=LATER_MS,
    catch_up="last",
)


@dataclass(frozen=True, slots=True)
class Good:
    """A record of a topic, signed as it should be; `epoch` is one under which an event counts."""

    topic: str
    meta: InputMeta | EventMeta
    body: InputBody | EventBody | FactBody
    keyring: Keyring
    epoch: int
    authority: Authority

    @property
    def kind(self) -> str:
        """inbox, events, schedules, schedules' events, actions or dead."""
        return kind_of(self.topic)

    @property
    def key(self) -> bytes:
        return self.meta.entity_id.encode()

    @property
    def value(self) -> bytes:
        return CODEC.encode(self.meta, self.body)

    def but(self, **changes: Any) -> "Good":
        """The same with other fields of the envelope, and with another body if that is named."""
        body = changes.pop("body", self.body)
        if type(body) is not type(self.body):
            changes["type"] = type(body).__name__
        return replace(self, body=body, meta=replace(self.meta, **changes))

    def by(self, authority: Authority) -> "Good":
        """The same, signed with that key."""
        return replace(self, authority=authority)

    def signature(self, value: bytes | None = None) -> bytes:
        """Of this record, or of other bytes in its name, by its key."""
        signer = self.keyring.signer(self.authority)
        meta = self.meta
        return signer.sign(meta.type, meta.entity_id, meta.tenant, value or self.value).encode()

    def headers(self, **changed: bytes | None) -> tuple[tuple[str, bytes | None], ...]:
        """As its sender gives them; None takes one away."""
        if isinstance(self.meta, EventMeta):
            own = event_headers(self.meta, "stranger", self.epoch)
        else:
            own = input_headers(self.meta, "stranger", self.signature().decode())
        found: dict[str, bytes | None] = {**dict(own), **changed}
        return tuple((name, value) for name, value in found.items() if value is not None)

    def sent(self, **changes: Any) -> Hostile:
        """The record with something wrong: `key`, `value`, `headers`, `partition`, `way`, `time_ms`."""
        key = changes.get("key", self.key)
        whole: Mapping[str, Any] = {
            "topic": self.topic,
            "partition": partition_of(key or self.key, PARTITIONS),
            "key": key,
            "value": self.value,
            "headers": self.headers(),
        }
        return Hostile(**{**whole, **changes})


_KINDS: Final = {
    RUN_INBOX: "inbox",
    RUN_EVENTS: "events",
    SCHEDULE_INBOX: "schedules",
    SCHEDULE_EVENTS: "schedules' events",
    OPERATOR_ACTIONS: "actions",
}


def kind_of(topic: str) -> str:
    """Which column of the table speaks of a topic."""
    return _KINDS.get(topic, "dead")


def good(topic: str, keyring: Keyring, epoch: int) -> Good:
    """A new one at each call. Dead letters are what was meant for the runs' inbox."""
    kind, name = kind_of(topic), str(uuid.uuid4())
    entity_id = schedule_id(TENANT, name) if kind.startswith("schedules") else name
    payload = json_payload({"number": 1})
    if kind == "events":
        started = RunStarted(
            workflow="order",
            workflow_version=1,
            input=payload,
            body_sha256=payload.sha256,
            requester="stranger",
            max_steps=20,
            code_hash="0" * 64,
        )
        return Good(topic, _event(entity_id, RUN_INBOX, started), started, keyring, epoch, Authority.NONE)
    if kind == "schedules' events":
        made = ScheduleCreated(
            name=name,
            plan=PLAN,
            revision=1,
            body_sha256=payload.sha256,
            requester="stranger",
            next_due_ms=LATER_MS,
        )
        return Good(topic, _event(entity_id, SCHEDULE_INBOX, made), made, keyring, epoch, Authority.NONE)
    authority, actor = Authority.APP, STRANGER
    body: InputBody | FactBody = StartRun(workflow="unheard-of", input=payload, body_sha256=payload.sha256)
    if kind == "schedules":
        authority, actor = Authority.API, replace(STRANGER, roles=("operator",))
        body = CreateSchedule(name=name, plan=PLAN, body_sha256=payload.sha256)
    elif kind == "actions":
        authority, entity_id = Authority.API, tenant_id(TENANT)
        body = OperatorActed(action="key.create", target="one", detail=payload)
    meta = InputMeta(
        id=str(uuid.uuid4()),
        type=type(body).__name__,
        tenant=TENANT,
        entity_id=entity_id,
        time_ms=_NOW_MS,
        actor=actor,
    )
    return Good(topic, meta, body, keyring, epoch, authority)


def _event(entity_id: str, inbox: str, body: EventBody) -> EventMeta:
    place = partition_of(entity_id.encode(), PARTITIONS)
    cause = Cause(id=str(uuid.uuid4()), topic=inbox, partition=place, offset=0, time_ms=0, index=0, count=1)
    return EventMeta(
        id=str(uuid.uuid4()),
        type=type(body).__name__,
        tenant=TENANT,
        entity_id=entity_id,
        entity_seq=1,
        time_ms=_NOW_MS,
        actor=STRANGER,
        cause=cause,
    )


def signed_with(record: Good, signature: bytes | None) -> Hostile:
    """The record under another signature, or none."""
    return record.sent(headers=record.headers(**{SIGNATURE: signature}))
