"""A real runner over the log in memory, counted and traced from around it."""

from collections.abc import Mapping, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind

from penstock.producers.log import Outgoing, Record
from penstock.runtime import metric_names as names
from penstock.runtime.meters import Meters
from penstock.schemas.run.records import FireTimer
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP
from penstock.streams.memory_journal import MemoryJournal
from penstock.streams.observed import Observed
from penstock.streams.observing import stage, staged
from penstock.streams.spans import of_run, onward, processing, sampled
from tests.runner.tally import World, entity, input_record

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = f"00-{TRACE}-b7ad6b7169203331-01"
UNSAMPLED = f"00-{TRACE}-b7ad6b7169203331-00"


def traced(record: Outgoing, traceparent: str) -> Outgoing:
    headers = (*record.headers, ("traceparent", traceparent.encode()))
    return Outgoing(record.topic, record.key, record.value, headers)


def context_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


class Hosted:
    """A runner inside Observed, fed as the worker feeds it."""

    def __init__(self) -> None:
        self.world = World(MemoryJournal())
        self.meters = Meters()
        self.now_ms = 0
        self.host = Observed(self.world.runner().runner, self.meters, lambda: self.now_ms)
        self.positions = {p: self.host.take(p) for p in range(self.world.log.partitions(RUN_INBOX))}

    def send(self, name: str, note: str, traceparent: str | None = None) -> Record:
        record = input_record(name, FireTimer(timer_id=note))
        (stood,) = self.world.log.append([record if traceparent is None else traced(record, traceparent)])
        return stood

    def feed(self) -> frozenset[int]:
        batches: dict[int, Sequence[Record]] = {}
        for partition, position in self.positions.items():
            if records := self.world.log.deliver(RUN_INBOX, partition, position, 500):
                batches[partition] = records
                self.positions[partition] = records[-1].offset + 1
        return self.host.handle_all(batches)

    def value(self, metric: names.Metric, *values: str) -> float:
        return self.meters.value(metric, *values)


def test_a_batch_is_counted_by_partition_and_what_it_caused_by_type() -> None:
    hosted = Hosted()
    first = hosted.send("a", "one")
    hosted.send("a", "many")
    other = hosted.send("b", "one")
    hosted.feed()
    consumed = {
        partition: hosted.value(names.CONSUMED, RUNS_GROUP, RUN_INBOX, str(partition))
        for partition in {first.partition, other.partition}
    }
    assert sum(consumed.values()) == 3
    assert hosted.value(names.SENT, RUNS_GROUP, RUN_EVENTS, "InputAccepted") == 5
    assert hosted.value(names.BATCH_RECORDS, RUNS_GROUP) == 1
    assert hosted.value(names.PROCESS_SECONDS, RUNS_GROUP, RUN_INBOX) == 1


def test_age_is_that_of_the_oldest_record_when_its_batch_is_done() -> None:
    hosted = Hosted()
    oldest = hosted.send("a", "one")
    hosted.send("b", "one")
    hosted.now_ms = oldest.time_ms + 7_000
    hosted.feed()
    (point,) = hosted.meters.spread(names.RECORD_AGE).points(0, 0)
    assert (point.count, point.sum) == (1, 7.0)


def test_parked_inputs_are_counted() -> None:
    hosted = Hosted()
    hosted.send("a", "raise")
    hosted.feed()
    assert hosted.value(names.PARKED, RUNS_GROUP) == 1


def test_partitions_are_held_from_take_until_they_are_dropped_lost_or_closed() -> None:
    hosted = Hosted()
    count = len(hosted.positions)
    assert hosted.value(names.PARTITIONS_HELD, RUNS_GROUP, RUN_INBOX) == count
    assert hosted.value(names.TAKE_SECONDS, RUNS_GROUP, RUN_INBOX) == count
    hosted.host.take(0)
    hosted.host.drop(0)
    assert hosted.value(names.PARTITIONS_HELD, RUNS_GROUP, RUN_INBOX) == count - 1
    hosted.positions.pop(0)
    names_ = (name for name in map(str, range(100)) if hosted.world.partition(name) != 0)
    fenced = hosted.send(next(names_), "one").partition
    hosted.world.runner().take_all()
    assert hosted.feed() == {fenced}
    assert hosted.value(names.PARTITIONS_LOST, RUNS_GROUP, RUN_INBOX) == 1
    assert hosted.value(names.PARTITIONS_HELD, RUNS_GROUP, RUN_INBOX) == count - 2
    hosted.host.close()
    assert hosted.value(names.PARTITIONS_HELD, RUNS_GROUP, RUN_INBOX) == 0


def test_a_batch_that_fails_is_counted_by_its_error_and_raised() -> None:
    class Failing:
        def __init__(self, host: Observed) -> None:
            self.topic, self.group_id = host.topic, host.group_id
            self.fetch_min_bytes, self.pace_s = host.fetch_min_bytes, host.pace_s
            self.appends_to, self.appends_alone = host.appends_to, host.appends_alone
            self.appended, self.fault = host.appended, None
            self.take, self.drop = host.take, host.drop
            self.stop, self.close = host.stop, host.close

        def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
            raise KeyError("a defect")

    meters = Meters()
    host = Observed(Failing(Hosted().host), meters)
    with pytest.raises(KeyError):
        host.handle_all({})
    assert meters.value(names.BATCH_FAILURES, RUNS_GROUP, "KeyError") == 1


def test_stages_add_up_within_a_batch_and_cost_nothing_outside() -> None:
    with stage("commit"):
        pass
    with staged() as seconds:
        with stage("commit"):
            pass
        first = seconds["commit"]
        with stage("commit"):
            pass
    assert set(seconds) == {"commit"}
    assert seconds["commit"] > first


def test_a_sampled_record_is_a_span_in_its_trace_linked_to_who_sent_it(spans: InMemorySpanExporter) -> None:
    hosted = Hosted()
    record = hosted.send("a", "one", SAMPLED)
    hosted.send("b", "one", UNSAMPLED)
    hosted.send("c", "one")
    hosted.feed()
    (span,) = spans.get_finished_spans()
    assert (span.name, span.kind) == (f"process {RUN_INBOX}", SpanKind.CONSUMER)
    assert f"{context_of(span).trace_id:032x}" == TRACE
    assert [f"{link.context.span_id:016x}" for link in span.links] == ["b7ad6b7169203331"]
    attributes = span.attributes or {}
    assert attributes["messaging.kafka.offset"] == record.offset
    assert attributes["messaging.consumer.group.name"] == RUNS_GROUP
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == RUNS_GROUP


def test_while_a_record_is_in_hand_its_span_is_what_goes_on(spans: InMemorySpanExporter) -> None:
    record = Hosted().send("a", "one", SAMPLED)
    assert onward(record) == SAMPLED
    with processing("group", [(record, SAMPLED)]):
        within = onward(record)
    (span,) = spans.get_finished_spans()
    assert within == f"00-{TRACE}-{context_of(span).span_id:016x}-01"
    assert onward(record) == SAMPLED
    assert of_run(entity("a")) == within
    assert of_run(entity("somebody else")) is None


def test_an_unsampled_record_goes_on_as_it_came(spans: InMemorySpanExporter) -> None:
    hosted = Hosted()
    hosted.send("a", "one", UNSAMPLED)
    hosted.feed()
    (event,) = (
        record
        for partition in range(hosted.world.log.partitions(RUN_EVENTS))
        for record in hosted.world.log.deliver(RUN_EVENTS, partition, 0, 100)
        if record.header("ce_type") == b"InputAccepted"
    )
    assert event.header("traceparent") == UNSAMPLED.encode()
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("traceparent", "is_sampled"),
    [
        (SAMPLED, True),
        (SAMPLED[:-2] + "03", True),
        (UNSAMPLED, False),
        (SAMPLED[:-2] + "02", False),
        (SAMPLED[:-1], False),
        (SAMPLED[:-2] + "zz", False),
        ("", False),
        ("é" * 60, False),
    ],
)
def test_only_a_well_formed_header_with_the_sampled_bit_counts(traceparent: str, is_sampled: bool) -> None:
    record = Record("t", 0, 0, 0, b"k", b"v", (("traceparent", traceparent.encode()),))
    assert (sampled(record) is not None) is is_sampled
