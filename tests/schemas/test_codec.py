"""The codec: what it refuses, one refusal a test, and what it does to text that can't be stored."""

import dataclasses
import time
import tracemalloc
from typing import Any

import pytest

from penstock.schemas.codec import Codec, Undecodable, Unencodable, codec_for, pinned_codec
from penstock.schemas.envelope.records import Actor, Cause, EventMeta, Failure, InputMeta
from penstock.schemas.log.records import ReleaseInput
from penstock.schemas.registry import pinned
from penstock.schemas.run.records import CancelRun, CastVote, FailToolCall, RunFailed, TimerFired

RUN = "330e33a1-3861-5cf0-b4db-54ae97c97fea"
INPUT = "127763b3-2b2d-5c1e-885d-464a8e3af074"
CLERK = Actor(kind="person", subject="m.okafor", roles=("supervisor",))


def input_meta(kind: str, **changes: Any) -> InputMeta:
    meta = InputMeta(id=INPUT, type=kind, tenant="harbor-bank", entity_id=RUN, time_ms=1, actor=CLERK)
    return dataclasses.replace(meta, **changes)


def event_meta(kind: str, **changes: Any) -> EventMeta:
    cause = Cause(id=INPUT, topic="penstock.run.inbox", partition=3, offset=4, time_ms=5, index=0, count=1)
    meta = EventMeta(
        id=INPUT, type=kind, tenant="t", entity_id=RUN, entity_seq=1, time_ms=5, actor=CLERK, cause=cause
    )
    return dataclasses.replace(meta, **changes)


CANCEL = CancelRun(reason="withdrawn")
VALUE = pinned_codec().encode(input_meta("CancelRun"), CANCEL)


def reason_for(value: bytes) -> str:
    with pytest.raises(Undecodable) as refused:
        pinned_codec().decode_input(value)
    assert refused.value.reason == str(refused.value)
    return refused.value.reason


def written(meta: InputMeta, body: Any, **wrong: Any) -> bytes:
    """The value of a record whose envelope says something that encode would refuse or never be given."""
    honest = pinned_codec().encode(meta, body)
    return honest if not wrong else pinned_codec().encode(dataclasses.replace(meta, **wrong), body)


def test_a_value_without_the_magic_byte_is_undecodable() -> None:
    assert "Confluent framing" in reason_for(b"\x01" + VALUE[1:])
    assert "Confluent framing" in reason_for(b'{"reason": "json"}')


@pytest.mark.parametrize("length", range(len(VALUE)))
def test_a_value_cut_anywhere_is_undecodable(length: int) -> None:
    reason_for(VALUE[:length])


def test_a_cut_inside_the_last_text_says_that_it_ends_too_early() -> None:
    assert "ends too early" in reason_for(VALUE[:-1])


def test_an_unknown_schema_id_is_undecodable() -> None:
    assert "no Avro schema 999999" in reason_for(b"\0" + (999999).to_bytes(4, "big") + VALUE[5:])
    reason_for(b"\0\xff\xff\xff\xff" + VALUE[5:])


def test_an_event_is_undecodable_as_an_input_and_an_input_as_an_event() -> None:
    event = pinned_codec().encode(event_meta("TimerFired"), TimerFired(timer_id=RUN))
    assert "doesn't belong here" in reason_for(event)
    with pytest.raises(Undecodable, match="doesn't belong here"):
        pinned_codec().decode_event(VALUE)


def test_bytes_behind_the_end_are_undecodable() -> None:
    assert "1 bytes behind its end" in reason_for(VALUE + b"\0")


def test_text_that_isnt_utf8_is_undecodable() -> None:
    assert "UTF-8" in reason_for(VALUE.replace(b"withdrawn", b"withdra\xff\xfe"))
    # A lone surrogate in the three bytes that CESU-8 would give it.
    reason_for(VALUE.replace(b"withdrawn", b"\xed\xa0\x80withdr"))


def test_text_that_postgres_cant_store_is_undecodable() -> None:
    assert "U+0000" in reason_for(VALUE.replace(b"withdrawn", b"with\0rawn"))
    assert "U+0000" in reason_for(VALUE.replace(b"supervisor", b"super\0isor"))


@pytest.mark.parametrize("size", [2**31, 2**40, 2**62, 2**63 - 1])
def test_a_hostile_length_costs_neither_memory_nor_time(size: int) -> None:
    def varint(number: int) -> bytes:
        raw, out = number << 1, bytearray()
        while raw > 0x7F:
            out.append(raw & 0x7F | 0x80)
            raw >>= 7
        return bytes((*out, raw))

    text = VALUE[: -len("withdrawn") - 1] + varint(size) + b"withdrawn"
    roles = VALUE.index(b"\x02\x14supervisor")
    array = VALUE[:roles] + varint(size) + VALUE[roles + 1 :]
    tracemalloc.start()
    begun = time.perf_counter()
    reason_for(text)
    reason_for(array)
    assert time.perf_counter() - begun < 1.0
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_negative_length_and_a_number_without_end_are_undecodable() -> None:
    head = VALUE[: -len("withdrawn") - 1]
    assert "negative length" in reason_for(head + b"\x11withdrawn")
    assert "ten bytes" in reason_for(head + b"\xff" * 20)
    assert "64 bits" in reason_for(head + b"\xff" * 9 + b"\x7f")


def test_a_number_wider_than_its_type_is_undecodable() -> None:
    value = pinned_codec().encode(event_meta("TimerFired"), TimerFired(timer_id=RUN))
    partition = value.index(b"penstock.run.inbox") + len("penstock.run.inbox")
    with pytest.raises(Undecodable, match="32 bits"):
        pinned_codec().decode_event(value[:partition] + b"\x80\x80\x80\x80\x20" + value[partition + 1 :])


def test_a_symbol_or_a_branch_that_doesnt_exist_is_undecodable() -> None:
    kind = VALUE.index(b"\x02\x10m.okafor")
    assert "no symbol" in reason_for(VALUE[:kind] + b"\x7e" + VALUE[kind + 1 :])
    # -1 would be the last symbol to a careless reader.
    assert "no symbol" in reason_for(VALUE[:kind] + b"\x01" + VALUE[kind + 1 :])


def test_an_array_in_blocks_with_sizes_is_read_as_other_writers_write_it() -> None:
    roles = VALUE.index(b"\x02\x14supervisor\0")
    blocks = b"\x01\x16\x14supervisor" + b"\x02\x08lead" + b"\0"
    meta, _ = pinned_codec().decode_input(VALUE[:roles] + blocks + VALUE[roles + 13 :])
    assert meta.actor.roles == ("supervisor", "lead")


@pytest.mark.parametrize(
    "wrong",
    ["", "run-1", RUN.upper(), RUN.replace("-", ""), "{" + RUN + "}", RUN + RUN, RUN[:-1] + "g", RUN + "\n"],
)
def test_an_id_or_entity_id_that_isnt_a_lower_case_uuid_is_undecodable(wrong: str) -> None:
    assert "UUID" in reason_for(written(input_meta("CancelRun"), CANCEL, id=wrong))
    assert "UUID" in reason_for(written(input_meta("CancelRun"), CANCEL, entity_id=wrong))


def test_two_ids_that_are_uuids_only_when_put_together_are_undecodable() -> None:
    assert "UUID" in reason_for(written(input_meta("CancelRun"), CANCEL, id=RUN + RUN, entity_id=""))
    assert "UUID" in reason_for(
        written(input_meta("CancelRun"), CANCEL, id=RUN[:30], entity_id=RUN[30:] + RUN)
    )


def test_an_envelope_that_names_another_record_is_undecodable() -> None:
    assert "'StartRun'" in reason_for(VALUE.replace(b"\x12CancelRun", b"\x10StartRun"))


def test_the_runners_own_inputs_belong_into_every_inbox() -> None:
    body = ReleaseInput(parked_input_id=INPUT)
    meta = input_meta("ReleaseInput")
    assert pinned_codec().decode_input(pinned_codec().encode(meta, body)) == (meta, body)


def test_meta_and_body_that_dont_belong_together_are_not_encoded() -> None:
    with pytest.raises(Unencodable, match="StartRun"):
        pinned_codec().encode(input_meta("StartRun"), CANCEL)
    with pytest.raises(Unencodable, match="EventMeta"):
        pinned_codec().encode(event_meta("CancelRun"), CANCEL)


def test_fields_of_the_wrong_type_or_width_are_not_encoded() -> None:
    fired: Any = TimerFired(timer_id=None)  # type: ignore[arg-type]
    with pytest.raises(Unencodable, match="TimerFired"):
        pinned_codec().encode(event_meta("TimerFired"), fired)
    with pytest.raises(Unencodable, match="64 bits"):
        pinned_codec().encode(input_meta("CancelRun", time_ms=2**63), CANCEL)
    vote: Any = CastVote(approval_id=RUN, decision="maybe", args_sha256="")  # type: ignore[arg-type]
    with pytest.raises(Unencodable, match="maybe"):
        pinned_codec().encode(input_meta("CastVote"), vote)


def test_a_record_without_a_schema_id_is_not_encoded() -> None:
    class Nothing:
        def id_of(self, record: str) -> int:
            raise KeyError(record)

        def schema_of(self, schema_id: int) -> None:
            return None

    with pytest.raises(Unencodable, match="CancelRun: KeyError"):
        Codec(Nothing()).encode(input_meta("CancelRun"), CANCEL)


def test_text_that_cant_be_stored_is_mended_when_it_is_written() -> None:
    def sent(message: str) -> str:
        error = Failure(kind="internal", message=message)
        _, body = pinned_codec().decode_event(
            pinned_codec().encode(event_meta("RunFailed"), RunFailed(error=error))
        )
        assert isinstance(body, RunFailed)
        return body.error.message

    assert sent("null \0 here") == "null \ufffd here"
    assert sent("lone \ud800 here") == "lone \ufffd here"
    assert sent("pair \ud83d\ude00 here") == "pair \U0001f600 here"
    assert sent("plain é 😀") == "plain é 😀"


def test_long_text_and_large_content_come_back() -> None:
    for size in (63, 64, 8191, 8192, 300_000):
        body = FailToolCall(
            call_id=RUN,
            attempt=1,
            lease_id=RUN,
            error=Failure(kind="x", message="é" * size),
            duration_ms=2**62,
        )
        meta = input_meta("FailToolCall", time_ms=-(2**63))
        assert pinned_codec().decode_input(pinned_codec().encode(meta, body)) == (meta, body)


def test_without_a_registry_url_the_pinned_ids_are_used() -> None:
    assert codec_for(None) is pinned_codec()
    assert codec_for("") is pinned_codec()
    assert VALUE[:5] == b"\0" + pinned().id_of("penstock.run.CancelRun").to_bytes(4, "big")
