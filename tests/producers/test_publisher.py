"""The publisher on the log in memory: receipts, back-pressure, and what each error asks of the caller."""

import asyncio
from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.producers.samples import RUN

from penstock.producers.errors import (
    BufferFull,
    LogRefused,
    NotYetAcknowledged,
    OwnerLost,
    PublisherClosed,
    RecordTooLarge,
)
from penstock.producers.log import Record
from penstock.producers.memory import MemoryLog
from penstock.producers.publisher import Publisher
from penstock.producers.signing import Authority, Keyring
from penstock.schemas.codec import Unencodable, pinned_codec
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.ids import partition_of
from penstock.schemas.run.records import CancelRun
from penstock.schemas.topics import RUN_INBOX

Cancel = Callable[..., tuple[InputMeta, CancelRun]]
PLACE = (RUN_INBOX, partition_of(RUN.encode(), 6))


def test_what_was_published_decodes_and_is_signed(
    publisher: Publisher, log: MemoryLog, keyring: Keyring, cancel: Cancel
) -> None:
    meta, body = cancel()
    record = publisher.publish(meta, body).wait(1)
    assert log.deliver(*PLACE, from_offset=0) == (record,)
    assert record.value is not None
    assert record.key == RUN.encode()
    assert pinned_codec().decode_input(record.value) == (meta, body)
    assert keyring.verify(record, meta) is Authority.APP
    assert record.header("ce_type") == b"CancelRun"
    assert record.header("ce_source") == b"tests"
    assert record.header("traceparent") is None


def test_the_current_trace_goes_with_the_record(publisher: Publisher, cancel: Cancel) -> None:
    tracer = TracerProvider().get_tracer("tests")
    with tracer.start_as_current_span("outer") as span:
        record = publisher.publish(*cancel()).wait(1)
    context = span.get_span_context()
    flags = f"{int(context.trace_flags):02x}"
    expected = f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags}"
    assert record.header("traceparent") == expected.encode()


def test_publishing_again_yields_the_same_record(publisher: Publisher, cancel: Cancel) -> None:
    first, second = publisher.publish(*cancel()).wait(1), publisher.publish(*cancel()).wait(1)
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)
    assert second.offset == first.offset + 1


def test_an_unanswered_receipt_says_that_the_outcome_is_unknown(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    log.go_away()
    receipt = publisher.publish(*cancel())
    assert not receipt.is_done
    with pytest.raises(NotYetAcknowledged, match="same id"):
        receipt.wait(0.01)
    log.come_back()
    assert receipt.wait(1).offset == 0
    assert receipt.is_done


def test_a_full_buffer_blocks_then_refuses_and_takes_again(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    log.go_away()
    held = [publisher.publish(*cancel(number)) for number in range(3)]
    with pytest.raises(BufferFull, match="3 records"):
        publisher.publish(*cancel(3))
    log.come_back()
    publisher.publish(*cancel(4)).wait(1)
    assert [receipt.wait(1).offset for receipt in held] == [0, 1, 2]
    assert log.bounds(*PLACE) == (0, 4)


def test_an_input_that_cannot_fit_is_refused_before_anything_is_sent(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    meta, _ = cancel()
    with pytest.raises(RecordTooLarge):
        publisher.publish_all([cancel(1), (meta, CancelRun(reason="x" * 1024 * 1024))])
    assert log.bounds(*PLACE) == (0, 0)
    for number in range(5):  # It took no room in the buffer.
        publisher.publish(*cancel(number)).wait(1)


def test_a_refusal_reaches_the_receipt_and_whoever_comes_after(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    log.fail_next_append(LogRefused("by the test"))
    receipt = publisher.publish(*cancel())
    with pytest.raises(LogRefused, match="by the test"):
        receipt.wait(1)
    for number in range(5):
        with pytest.raises(LogRefused, match="by the test"):
            publisher.publish(*cancel(number))


def test_a_flush_tells_of_a_failure_that_nobody_looked_at_once(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    log.fail_next_append(RecordTooLarge("topic", 2, 1))
    publisher.publish(*cancel())
    publisher.publish(*cancel(1))
    with pytest.raises(RecordTooLarge):
        publisher.flush(1)
    publisher.flush(1)


def test_a_flush_that_takes_too_long_says_how_many_are_open(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    log.go_away()
    publisher.publish_all([cancel(1), cancel(2)])
    with pytest.raises(NotYetAcknowledged, match="2 records"):
        publisher.flush(0.01)
    log.come_back()
    publisher.flush(1)


def test_several_are_published_in_order(publisher: Publisher, log: MemoryLog, cancel: Cancel) -> None:
    receipts = publisher.publish_all([cancel(number) for number in range(10)])
    assert [receipt.wait(1).offset for receipt in receipts] == list(range(10))


def test_closing_flushes_and_takes_no_more(publisher: Publisher, log: MemoryLog, cancel: Cancel) -> None:
    with publisher:
        receipt = publisher.publish(*cancel())
    assert receipt.is_done
    with pytest.raises(PublisherClosed):
        publisher.publish(*cancel(1))
    log.append([])  # The log is its maker's to close.


def test_closing_with_open_records_says_so(publisher: Publisher, log: MemoryLog, cancel: Cancel) -> None:
    log.go_away()
    publisher.publish(*cancel())
    with pytest.raises(NotYetAcknowledged):
        publisher.close(0.01)


def test_a_receipt_can_be_awaited_and_outlives_who_stops_waiting(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    async def scenario() -> Record:
        log.go_away()
        receipt = publisher.publish(*cancel())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await receipt
        log.come_back()
        return await receipt

    assert asyncio.run(scenario()).offset == 0


@pytest.mark.parametrize("field", ["id", "entity_id"])
@pytest.mark.parametrize("wrong", ["", "run-1", RUN.upper(), RUN.replace("-", "")])
def test_an_id_that_would_be_a_dead_letter_is_refused(
    publisher: Publisher, log: MemoryLog, cancel: Cancel, field: str, wrong: str
) -> None:
    meta, body = cancel()
    fields = {"id": meta.id, "entity_id": meta.entity_id, field: wrong}
    broken = InputMeta(type=meta.type, tenant=meta.tenant, time_ms=0, actor=meta.actor, **fields)
    with pytest.raises(ValueError, match="UUID"):
        publisher.publish(broken, body)


def test_an_envelope_of_another_kind_is_refused(publisher: Publisher, cancel: Cancel) -> None:
    meta, body = cancel()
    other = InputMeta(
        id=meta.id,
        type="CastVote",
        tenant=meta.tenant,
        entity_id=meta.entity_id,
        time_ms=0,
        actor=meta.actor,
    )
    with pytest.raises(Unencodable):
        publisher.publish(other, body)


def test_an_owner_lost_while_handing_over_frees_its_room(
    publisher: Publisher, log: MemoryLog, cancel: Cancel
) -> None:
    log.lose_after(0)
    with pytest.raises(OwnerLost):
        publisher.publish(*cancel())
    publisher.publish_all([cancel(number) for number in range(5)])
    publisher.flush(1)
