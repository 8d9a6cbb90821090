"""What operators do, as it stands on the log."""

import secrets

import pytest

from penstock.producers.memory import MemoryLog
from penstock.producers.operators import OperatorLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.canonical import NotCanonical, read_payload
from penstock.schemas.codec import Undecodable, pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import partition_of, tenant_id
from penstock.schemas.operator.records import OperatorActed
from penstock.schemas.topics import OPERATOR_ACTIONS

OLGA = Actor(kind="person", subject="olga", roles=("operator",))


@pytest.fixture
def keyring() -> Keyring:
    return Keyring([Key("api", secrets.token_bytes(32), Authority.API)])


@pytest.fixture
def actions(keyring: Keyring) -> OperatorLog:
    signer = keyring.signer(Authority.API)
    return OperatorLog(Publisher(MemoryLog(), pinned_codec(), signer, "tests"), "local")


def test_an_action_says_who_what_and_why_under_the_doors_signature(
    actions: OperatorLog, keyring: Keyring
) -> None:
    record = actions.record(OLGA, "key.create", "key 7", "for Ana", {"roles": ["analyst"]}).wait(5)
    meta, body = pinned_codec().decode_fact(record.value or b"")
    assert isinstance(body, OperatorActed)
    assert (meta.actor, meta.tenant, body.action, body.target, body.reason) == (
        OLGA,
        "local",
        "key.create",
        "key 7",
        "for Ana",
    )
    assert read_payload(body.detail) == b'{"roles":["analyst"]}'
    assert keyring.verify(record, meta) is Authority.API
    assert record.topic == OPERATOR_ACTIONS
    assert record.key == meta.entity_id.encode() == tenant_id("local").encode()
    assert record.partition == partition_of(meta.entity_id.encode(), 6)


def test_the_same_action_again_has_the_same_id(actions: OperatorLog) -> None:
    action_id = "484a9a60-5af7-5170-8b4e-5f31451435f0"
    made = [actions.record(OLGA, "a.b", "c", "", {}, action_id=action_id).wait(5) for _ in range(2)]
    assert {record.header("ce_id") for record in made} == {action_id.encode()}


def test_a_detail_that_is_no_json_is_refused_before_anything_is_sent(actions: OperatorLog) -> None:
    with pytest.raises(NotCanonical):
        actions.record(OLGA, "a.b", "c", "", {"when": object()})


def test_a_fact_is_neither_an_input_nor_an_event(actions: OperatorLog) -> None:
    value = actions.record(OLGA, "a.b", "c", "", {}).wait(5).value or b""
    with pytest.raises(Undecodable, match="doesn't belong here"):
        pinned_codec().decode_input(value)
    with pytest.raises(Undecodable, match="doesn't belong here"):
        pinned_codec().decode_event(value)


def test_an_input_is_no_fact() -> None:
    with pytest.raises(Undecodable, match="doesn't belong here"):
        pinned_codec().decode_fact(b"\0" + (1).to_bytes(4, "big") + b"\0" * 20)
