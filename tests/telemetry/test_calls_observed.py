"""Calls of tools and leases, counted and traced."""

import asyncio

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from penstock.runtime import metric_names as names
from penstock.runtime.meters import Meters
from penstock.streams.observed import CountedCalls
from penstock.streams.observing import COMPLETED
from penstock.streams.spans import processing
from tests.runner.tally import entity
from tests.telemetry.test_observed import SAMPLED, Hosted, context_of


def test_calls_are_counted_by_tool_tenant_and_outcome_and_retries_apart() -> None:
    meters = Meters()
    calls = CountedCalls(meters)
    calls.call_began("read_case", "acme", 1, entity("nobody"))
    assert meters.value(names.CALLS_ACTIVE, "read_case") == 1
    calls.call_ended("read_case", "acme", COMPLETED, 0.2)
    calls.call_began("read_case", "acme", 2, entity("nobody"))
    calls.call_ended("read_case", "acme", "timeout", 30)
    assert meters.value(names.CALLS, "read_case", "acme", COMPLETED) == 1
    assert meters.value(names.CALLS, "read_case", "acme", "timeout") == 1
    assert meters.value(names.CALLS_ACTIVE, "read_case") == 0
    assert meters.value(names.RETRIES, "read_case") == 1
    assert meters.value(names.CALL_SECONDS, "read_case") == 2


def test_leases_are_held_lost_and_released() -> None:
    meters = Meters()
    calls = CountedCalls(meters)
    calls.lease_held()
    calls.lease_lost()
    assert (meters.value(names.LEASES_HELD), meters.value(names.LEASES_LOST)) == (0, 1)
    calls.lease_held()
    calls.lease_released()
    assert (meters.value(names.LEASES_HELD), meters.value(names.LEASES_LOST)) == (0, 1)


def test_a_call_of_a_sampled_run_is_a_span_below_the_record_that_asked(spans: InMemorySpanExporter) -> None:
    record = Hosted().send("asking", "one", SAMPLED)
    with processing("group", [(record, SAMPLED)]):
        pass
    calls = CountedCalls(Meters())
    calls.call_began("read_case", "acme", 1, entity("asking"))
    calls.call_ended("read_case", "acme", "timeout", 30)
    asked, call = spans.get_finished_spans()
    assert call.name == "execute_tool read_case"
    assert call.parent is not None
    assert call.parent.span_id == context_of(asked).span_id
    assert call.status.status_code is StatusCode.ERROR


def test_calls_of_asynchronous_tools_on_one_thread_keep_their_spans_apart(
    spans: InMemorySpanExporter,
) -> None:
    hosted = Hosted()
    with processing("group", [(hosted.send(name, "one", SAMPLED), SAMPLED) for name in ("a", "b")]):
        pass
    spans.clear()
    calls = CountedCalls(Meters())

    async def call(name: str, other_is_in: asyncio.Barrier) -> None:
        calls.call_began(f"tool_{name}", "acme", 1, entity(name))
        await other_is_in.wait()
        calls.call_ended(f"tool_{name}", "acme", COMPLETED, 1)

    async def both() -> None:
        other_is_in = asyncio.Barrier(2)
        await asyncio.gather(call("a", other_is_in), call("b", other_is_in))

    asyncio.run(both())
    ended = spans.get_finished_spans()
    assert {span.name for span in ended} == {"execute_tool tool_a", "execute_tool tool_b"}
    assert len({span.parent.span_id for span in ended if span.parent}) == 2
