"""What the run client says: the inputs, their ids and their limits."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import BaseModel

from penstock.producers.clock import FakeClock
from penstock.producers.log import Record
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.receipt import Receipt
from penstock.producers.runs import RunClient, StartReceipt
from penstock.schemas import ids
from penstock.schemas.attributes import InvalidAttributes
from penstock.schemas.canonical import (
    INLINE_BYTES_MAX,
    NotCanonical,
    PayloadTooLarge,
    canonical_json,
    read_payload,
    sha256_hex,
)
from penstock.schemas.codec import InputBody, pinned_codec
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.log.records import DiscardInput, ReleaseInput
from penstock.schemas.run.records import CancelRun, CastVote, SettleToolCall, SignalRun, StartRun
from penstock.schemas.topics import RUN_INBOX

RUN = ids.run_id("local", "one")
ACTOR = Actor(kind="person", subject="ana", roles=("analyst",))


@pytest.fixture
def client(publisher: Publisher, clock: FakeClock) -> RunClient:
    return RunClient(publisher, "local", ACTOR, clock)


def said(receipt: Receipt | StartReceipt) -> tuple[Record, InputMeta, InputBody]:
    record = receipt.wait(1)
    assert record.value is not None
    meta, body = pinned_codec().decode_input(record.value)
    return record, meta, body


def start_body(client: RunClient, value: object, key: str = "one") -> StartRun:
    _, _, body = said(client.start("case-review", value, key))
    assert isinstance(body, StartRun)
    return body


def test_a_start_goes_to_the_inbox_of_its_run(client: RunClient, clock: FakeClock) -> None:
    receipt = client.start("case-review", {"b": 1, "a": "é"}, "one", version=3)
    record, meta, body = said(receipt)
    assert receipt.run_id == RUN == meta.entity_id
    assert record.topic == RUN_INBOX
    assert record.key == RUN.encode()
    assert (meta.tenant, meta.actor, meta.time_ms) == ("local", ACTOR, clock.now_ms())
    assert isinstance(body, StartRun)
    assert (body.workflow, body.workflow_version) == ("case-review", 3)
    assert read_payload(body.input) == '{"a":"é","b":1}'.encode()
    asked = '{"input":{"a":"é","b":1},"version":3,"workflow":"case-review"}'
    assert body.body_sha256 == sha256_hex(asked.encode())
    assert meta.id == str(uuid.uuid5(uuid.UUID(RUN), f"start:{body.body_sha256}"))


def test_starting_again_is_the_same_input_and_another_body_is_not(client: RunClient) -> None:
    (_, first, _), (_, again, _) = (said(client.start("w", {"a": 1}, "one")) for _ in range(2))
    assert first.id == again.id
    others = [
        client.start("w", {"a": 2}, "one"),
        client.start("w2", {"a": 1}, "one"),
        client.start("w", {"a": 1}, "one", version=1),
    ]
    found = {said(other)[1].id for other in others}
    assert len(found | {first.id}) == 4
    assert {other.run_id for other in others} == {RUN}


def test_another_tenants_same_key_is_another_run(client: RunClient, publisher: Publisher) -> None:
    other = RunClient(publisher, "other", ACTOR)
    assert other.start("w", {}, "one").run_id != client.start("w", {}, "one").run_id


class Money(BaseModel):
    amount: Decimal
    at: datetime


@dataclass
class Case:
    case_id: str
    money: Money


def test_models_and_dataclasses_travel_as_canonical_json(client: RunClient) -> None:
    money = Money(amount=Decimal("12.50"), at=datetime(2025, 1, 2, tzinfo=UTC))
    expected = b'{"case_id":"c1","money":{"amount":"12.50","at":"2025-01-02T00:00:00Z"}}'
    assert read_payload(start_body(client, Case("c1", money)).input) == expected
    assert read_payload(start_body(client, {"money": money, "case_id": "c1"}).input) == expected


@pytest.mark.parametrize("value", [object(), {"a": float("nan")}, {"a": 2**60}, {"a": b"\xff"}])
def test_a_value_without_a_json_form_is_refused(client: RunClient, log: MemoryLog, value: object) -> None:
    with pytest.raises(NotCanonical):
        client.start("w", value, "one")
    assert sum(log.bounds(RUN_INBOX, partition)[1] for partition in range(6)) == 0


def test_an_input_over_the_limit_is_refused_before_anything_is_sent(
    client: RunClient, log: MemoryLog
) -> None:
    largest = "x" * (INLINE_BYTES_MAX - 2)  # Two bytes are its quotes.
    assert len(read_payload(start_body(client, largest).input)) == INLINE_BYTES_MAX
    with pytest.raises(PayloadTooLarge):
        client.start("w", largest + "x", "two")
    assert sum(log.bounds(RUN_INBOX, partition)[1] for partition in range(6)) == 1


def test_each_verb_says_its_input(client: RunClient) -> None:
    expected = [
        (client.cancel(RUN, "why"), CancelRun(reason="why")),
        (
            client.vote(RUN, "a1", "grant", "ff", "fine"),
            CastVote(approval_id="a1", decision="grant", args_sha256="ff", reason="fine"),
        ),
        (
            client.settle(RUN, "c1", 2, happened=False, basis="key_voided", evidence="journal"),
            SettleToolCall(call_id="c1", attempt=2, happened=False, basis="key_voided", evidence="journal"),
        ),
        (client.release(RUN, "i1", "mended"), ReleaseInput(parked_input_id="i1", reason="mended")),
        (client.discard(RUN, "i1", "hopeless"), DiscardInput(parked_input_id="i1", reason="hopeless")),
    ]
    for receipt, body in expected:
        record, meta, found = said(receipt)
        assert found == body
        assert (meta.type, meta.entity_id, meta.actor) == (type(body).__name__, RUN, ACTOR)
        assert record.topic == RUN_INBOX


def test_a_settled_calls_result_travels_as_given(client: RunClient) -> None:
    _, _, body = said(client.settle(RUN, "c1", 1, happened=True, result=b'{"ok":true}'))
    assert isinstance(body, SettleToolCall)
    assert body.result is not None
    assert read_payload(body.result) == b'{"ok":true}'
    assert body.basis == "person"


def test_calls_are_inputs_of_their_own_unless_the_caller_names_them(client: RunClient) -> None:
    unnamed = {said(client.cancel(RUN, "why"))[1].id for _ in range(2)}
    assert len(unnamed) == 2
    mine = str(uuid.uuid4())
    named = {said(client.cancel(RUN, "why", input_id=mine))[1].id for _ in range(2)}
    assert named == {mine}


def test_a_signal_says_its_name_its_id_and_what_it_tells(client: RunClient) -> None:
    record, meta, body = said(client.signal(RUN, "note", {"b": 1, "a": "é"}, "s1"))
    assert isinstance(body, SignalRun)
    assert (body.name, body.signal_id) == ("note", "s1")
    assert read_payload(body.payload) == '{"a":"é","b":1}'.encode()
    assert (meta.type, meta.entity_id, meta.actor, record.topic) == ("SignalRun", RUN, ACTOR, RUN_INBOX)
    with pytest.raises(NotCanonical):
        client.signal(RUN, "note", object(), "s2")


def test_a_run_id_that_is_none_is_refused(client: RunClient) -> None:
    with pytest.raises(ValueError, match="run-17"):
        client.cancel("run-17", "why")


def test_search_attributes_travel_beside_the_input_and_are_part_of_the_hash(client: RunClient) -> None:
    plain = start_body(client, {"a": 1})
    _, _, body = said(client.start("case-review", {"a": 1}, "one", search_attributes={"b": True, "a": "x"}))
    assert isinstance(body, StartRun)
    assert plain.search_attributes is None
    assert body.search_attributes == '{"a":"x","b":true}'
    whole = {"workflow": "case-review", "version": None, "input": {"a": 1}}
    assert plain.body_sha256 == sha256_hex(canonical_json(whole))
    searched = whole | {"search_attributes": {"a": "x", "b": True}}
    assert body.body_sha256 == sha256_hex(canonical_json(searched))


def test_search_attributes_that_do_not_fit_are_not_sent(client: RunClient) -> None:
    with pytest.raises(InvalidAttributes, match="name"):
        client.start("case-review", {}, "one", search_attributes={"a b": 1})
