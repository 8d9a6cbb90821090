"""What is too large to be decided or parked, on a real broker: no worker ends over it, and its partition goes on."""

import pytest

from penstock.producers.log import Outgoing, Record
from penstock.producers.signing import Authority
from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.headers import input_headers
from penstock.schemas.ids import derived_id, partition_of
from penstock.schemas.run.records import FireTimer
from tests.integration.conftest import Start
from tests.integration.processes import Processes, eventually
from tests.integration.tally_topics import PARTITIONS, TallyTopics
from tests.runner.tally import CODEC, KEYRING, entity, visible

pytestmark = pytest.mark.broker

MUCH = 1024 * 1024 - 4_096
# More than may fail in a row, and all on one partition.
NAMES = [n for n in (f"n{i}" for i in range(100)) if partition_of(entity(n).encode(), PARTITIONS) == 0][:7]


def sized(topic: str, name: str, note: str, subject: str = "olga", **headers: bytes) -> Outgoing:
    """An input of the tally, signed, with these headers beside its own."""
    entity_id = entity(name)
    body = FireTimer(timer_id=note)
    actor = Actor(kind="person", subject=subject, roles=("operator",))
    ident = derived_id(entity_id, f"{note[:20]}{len(subject)}{sorted(headers)}")
    meta = InputMeta(id=ident, type="FireTimer", tenant="local", entity_id=entity_id, time_ms=0, actor=actor)
    value = CODEC.encode(meta, body)
    signature = KEYRING.signer(Authority.OPERATOR).sign(meta.type, entity_id, "local", value)
    own = {**dict(input_headers(meta, "test", signature)), **headers}
    return Outgoing(topic, entity_id.encode(), value, tuple(own.items()))


def caused(topics: TallyTopics, by: Record) -> list[EventBody]:
    decoded = [CODEC.decode_event(one.value or b"") for one in visible(topics.log, 0, topics.events)]
    return [body for meta, body in decoded if meta.cause.offset == by.offset]


def test_what_is_too_large_ends_no_worker_and_loses_no_input(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    dead = f"{topics.inbox}.penstock.streams.{topics.noun}.dlq"
    start("one")
    kinds = {
        "InputAccepted": [sized(topics.inbox, n, "traced", traceparent=b"\xff" * MUCH) for n in NAMES],
        "TooLarge": [sized(topics.inbox, n, "raise", "s" * MUCH) for n in NAMES],
        "InputParked": [sized(topics.inbox, n, "huge") for n in NAMES],
        "parked behind": [sized(topics.inbox, n, "x" * MUCH, "s" * 1_000) for n in NAMES],
    }
    stood = {kind: topics.log.append(records) for kind, records in kinds.items()}
    last = topics.log.append([sized(topics.inbox, NAMES[0], "end")])

    def done() -> bool:
        assert not workers.died("one"), workers.tails()
        return bool(caused(topics, last[0]))

    eventually(done, 60, workers.tails)
    letters = list(topics.log.read(dead, 0, *topics.log.bounds(dead, 0)))
    assert [(one.value, one.header("dlq.error.class")) for one in letters] == [
        (one.value, b"TooLarge") for one in stood["TooLarge"]
    ]
    for kind in ("InputAccepted", "InputParked", "parked behind"):
        types = {type(body).__name__ for one in stood[kind] for body in caused(topics, one)}
        assert types == {"InputParked" if kind == "parked behind" else kind}
