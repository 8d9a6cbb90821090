"""A request's span, the input that it sends, and what stands on the log: one trace."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
from opentelemetry import trace
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from penstock.api.tracing import Tracing, sending
from penstock.producers.tracing import current_traceparent
from penstock.schemas.topics import RUN_INBOX
from tests.telemetry.test_observed import SAMPLED, TRACE, UNSAMPLED, context_of

Message = MutableMapping[str, Any]


class Route:
    path = "/case-review"


def request(traceparent: str | None, status: int = 202) -> tuple[dict[str, str], str | None]:
    """The headers of the answer, and the traceparent that an input of the request carries."""
    carried: list[str | None] = []
    answered: dict[str, str] = {}

    async def app(scope: Message, receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
        scope["route"] = Route()
        with sending(RUN_INBOX):
            carried.append(current_traceparent())
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def send(message: Message) -> None:
        answered.update({name.decode(): value.decode() for name, value in message["headers"]})

    async def receive() -> Message:
        return {"type": "http.request"}

    headers = [(b"traceparent", traceparent.encode())] if traceparent else []
    scope = {"type": "http", "method": "POST", "path": "/case-review", "headers": headers}
    anyio.run(Tracing(app), scope, receive, send)
    return answered, carried[0]


def test_a_sampled_request_is_a_span_and_so_is_the_input_that_it_sends(spans: InMemorySpanExporter) -> None:
    answered, carried = request(SAMPLED)
    sent, served = spans.get_finished_spans()
    assert (sent.name, sent.kind) == (f"send {RUN_INBOX}", SpanKind.PRODUCER)
    assert (served.name, served.kind) == ("POST /case-review", SpanKind.SERVER)
    assert served.parent is not None
    assert f"{served.parent.span_id:016x}" == SAMPLED.split("-")[2]
    assert sent.parent is not None
    assert sent.parent.span_id == context_of(served).span_id
    assert answered["x-trace-id"] == TRACE
    assert carried == f"00-{TRACE}-{context_of(sent).span_id:016x}-01"
    assert (served.attributes or {})["http.response.status_code"] == 202


def test_a_failed_request_is_a_failed_span(spans: InMemorySpanExporter) -> None:
    request(SAMPLED, status=503)
    served = spans.get_finished_spans()[-1]
    assert not served.status.is_ok


def test_an_unsampled_request_keeps_its_trace_and_records_nothing(spans: InMemorySpanExporter) -> None:
    answered, carried = request(UNSAMPLED)
    assert spans.get_finished_spans() == ()
    assert answered["x-trace-id"] == TRACE
    assert carried == answered["traceparent"]
    assert carried is not None
    assert carried.split("-")[2] != UNSAMPLED.split("-")[2]
    assert carried.endswith("-00")


def test_a_request_without_a_trace_gets_one(spans: InMemorySpanExporter) -> None:
    first, carried = request(None)
    second, _ = request(None)
    assert len(first["x-trace-id"]) == 32
    assert first["x-trace-id"] != second["x-trace-id"]
    assert carried is not None
    assert first["x-trace-id"] in carried
    assert trace.get_current_span().get_span_context().is_valid is False
