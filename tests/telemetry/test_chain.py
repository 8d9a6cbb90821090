"""A run's trace from record to record: what a host writes carries on the span that it makes of what it read."""

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from penstock.producers.clock import FakeClock
from penstock.producers.signing import Authority
from penstock.runtime import metric_names as names
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP
from penstock.streams.answers import Answer, Sender
from penstock.streams.spans import processing
from tests.runner.tally import CODEC, KEYRING, entity
from tests.telemetry.test_observed import SAMPLED, TRACE, Hosted, context_of


def test_an_event_carries_the_span_of_the_input_that_caused_it(spans: InMemorySpanExporter) -> None:
    hosted = Hosted()
    hosted.send("a", "one", SAMPLED)
    hosted.feed()
    (event,) = (
        record
        for partition in range(hosted.world.log.partitions(RUN_EVENTS))
        for record in hosted.world.log.deliver(RUN_EVENTS, partition, 0, 100)
        if record.header("ce_type") == b"InputAccepted"
    )
    (span,) = spans.get_finished_spans()
    assert event.header("traceparent") == f"00-{TRACE}-{context_of(span).span_id:016x}-01".encode()


def test_an_answer_carries_the_span_of_the_record_that_asked(spans: InMemorySpanExporter) -> None:
    asked = Hosted().send("asks", "one", SAMPLED)
    with processing("group", [(asked, SAMPLED)]):
        pass
    (span,) = spans.get_finished_spans()
    sender = Sender(RUN_INBOX, "group", CODEC, KEYRING.signer(Authority.OPERATOR), FakeClock())

    def header(run: str) -> bytes | None:
        body = FireTimer(timer_id="t")
        return dict(sender.outgoing(Answer(entity("id"), entity(run), "local", body)).headers).get(
            "traceparent"
        )

    assert header("asks") == f"00-{TRACE}-{context_of(span).span_id:016x}-01".encode()
    assert header("never traced") is None


def test_a_deciders_batch_is_measured_by_stage() -> None:
    hosted = Hosted()
    hosted.send("a", "one")
    hosted.feed()
    for stage in ("decide", "commit", "publish"):
        assert hosted.value(names.STAGE_SECONDS, RUNS_GROUP, stage) == 1
