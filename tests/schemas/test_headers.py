"""Headers: CloudEvents in binary mode, ours, and those of dead letters."""

from penstock.schemas.envelope.records import Actor, Cause, EventMeta, InputMeta
from penstock.schemas.headers import (
    ERROR_MESSAGE_BYTES_MAX,
    dead_letter_headers,
    event_headers,
    input_headers,
)

RUN = "330e33a1-3861-5cf0-b4db-54ae97c97fea"
INPUT = "127763b3-2b2d-5c1e-885d-464a8e3af074"
ACTOR = Actor(kind="person", subject="m.okafor")
CAUSE = Cause(id=INPUT, topic="penstock.run.inbox", partition=3, offset=4, time_ms=5, index=0, count=1)
META = InputMeta(
    id=INPUT, type="CancelRun", tenant="t", entity_id=RUN, time_ms=1_764_000_000_007, actor=ACTOR
)
EVENT = EventMeta(
    id=INPUT,
    type="RunCancelled",
    tenant="t",
    entity_id=RUN,
    entity_seq=19,
    time_ms=0,
    actor=ACTOR,
    cause=CAUSE,
)


def test_an_input_carries_cloudevents_and_its_signature() -> None:
    assert input_headers(META, "penstock.api", "api:00ff") == (
        ("ce_specversion", b"1.0"),
        ("ce_id", INPUT.encode()),
        ("ce_type", b"CancelRun"),
        ("ce_source", b"penstock.api"),
        ("ce_time", b"2025-11-24T16:00:00.007Z"),
        ("ce_subject", RUN.encode()),
        ("content-type", b"application/avro"),
        ("penstock_signature", b"api:00ff"),
    )


def test_an_unsigned_input_has_no_signature_header() -> None:
    assert "penstock_signature" not in dict(input_headers(META, "x", ""))


def test_an_event_carries_its_seq_and_the_epoch_as_decimal_text() -> None:
    headers = dict(event_headers(EVENT, "penstock.streams.runs", 17))
    assert headers["entity_seq"] == b"19"
    assert headers["epoch"] == b"17"
    assert headers["ce_time"] == b"1970-01-01T00:00:00.000Z"
    assert "penstock_signature" not in headers


def test_a_trace_is_handed_on_only_if_there_is_one() -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert dict(input_headers(META, "x", "", trace))["traceparent"] == trace.encode()
    assert dict(event_headers(EVENT, "x", 1, trace))["traceparent"] == trace.encode()
    assert "traceparent" not in dict(event_headers(EVENT, "x", 1))


def test_a_time_that_no_calendar_holds_still_makes_a_header() -> None:
    wild = InputMeta(id=INPUT, type="CancelRun", tenant="t", entity_id=RUN, time_ms=2**62, actor=ACTOR)
    assert "ce_time" in dict(input_headers(wild, "x", ""))


def dead_letter(**changes: object) -> tuple[tuple[str, bytes], ...]:
    values: dict[str, object] = {
        "dead_letter_id": RUN,
        "topic": "penstock.run.inbox",
        "partition": 3,
        "offset": 41207,
        "time_ms": 1_764_000_000_007,
        "group": "penstock.streams.runs",
        "error_class": "Undecodable",
        "message": "it ends too early",
        "stage": "decode",
    }
    original = (("ce_id", b"1"), ("odd", b"\xff\xfe"), ("odd", b""))
    return dead_letter_headers(original, **{**values, **changes})  # type: ignore[arg-type]


def test_a_dead_letter_keeps_the_original_headers_byte_for_byte_and_says_why() -> None:
    headers = dead_letter()
    assert headers[:3] == (("ce_id", b"1"), ("odd", b"\xff\xfe"), ("odd", b""))
    assert dict(headers[3:]) == {
        "dlq.id": RUN.encode(),
        "dlq.original.topic": b"penstock.run.inbox",
        "dlq.original.partition": b"3",
        "dlq.original.offset": b"41207",
        "dlq.original.timestamp": b"1764000000007",
        "dlq.consumer.group": b"penstock.streams.runs",
        "dlq.error.class": b"Undecodable",
        "dlq.error.message": b"it ends too early",
        "dlq.error.stage": b"decode",
        "dlq.attempt": b"1",
        "kafka_dlt-original-topic": b"penstock.run.inbox",
        "kafka_dlt-original-partition": b"3",
        "kafka_dlt-original-offset": b"41207",
        "kafka_dlt-original-timestamp": b"1764000000007",
    }


def test_a_long_or_unprintable_message_is_cut_to_valid_text() -> None:
    message = dict(dead_letter(message="é" * 5000))["dlq.error.message"]
    assert len(message) <= ERROR_MESSAGE_BYTES_MAX
    assert set(message.decode()) == {"é"}
    assert dict(dead_letter(message="a\ud800b"))["dlq.error.message"] == b"a?b"
