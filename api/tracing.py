"""Every request belongs to a trace, the caller's by its traceparent or a new one; each answer has its id.

Where spans are exported a sampled request is one, and so is each input that it sends. Otherwise, and for all other
requests, the ids alone go on: into the answer and onto the log.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import randbits
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SOURCE: Final = "penstock.api"
TRACE_ID: Final = "X-Trace-Id"
_W3C: Final = TraceContextTextMapPropagator()
_ERROR_FROM: Final = 500


class Tracing:
    """ASGI middleware: makes the request's trace the current one, so that what it publishes carries it on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tracer = trace.get_tracer(SOURCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _W3C.extract(Headers(scope=scope), context.Context())
        made = self._tracer.start_span(scope["method"], given, SpanKind.SERVER)
        span = made if made.is_recording() else NonRecordingSpan(_own(made, given))
        ids = span.get_span_context()

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[TRACE_ID] = f"{ids.trace_id:032x}"
                headers["traceparent"] = f"00-{ids.trace_id:032x}-{ids.span_id:016x}-{ids.trace_flags:02x}"
                _describe(span, scope, message["status"])
            await send(message)

        token = context.attach(trace.set_span_in_context(span))
        try:
            await self._app(scope, receive, send_traced)
        finally:
            context.detach(token)
            span.end()


@contextmanager
def sending(topic: str) -> Iterator[None]:
    """What is published in here is one input's way to the log: a span of its own below a sampled request."""
    if not trace.get_current_span().is_recording():
        yield
        return
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
    }
    tracer = trace.get_tracer(SOURCE)
    with tracer.start_as_current_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes):
        yield


def route_of(scope: Scope) -> str:
    """The template of the route that answers, empty where none fits."""
    return str(getattr(scope.get("route"), "path", ""))


def _own(made: Span, given: context.Context) -> SpanContext:
    """The ids of a request that nobody records. Without an exporter nobody has made any: they are made here."""
    ids, parent = made.get_span_context(), trace.get_current_span(given).get_span_context()
    if ids.is_valid and ids.span_id != parent.span_id:
        return ids
    return SpanContext(
        trace_id=parent.trace_id if parent.is_valid else randbits(128) or 1,
        span_id=randbits(64) or 1,
        is_remote=False,
        trace_flags=parent.trace_flags if parent.is_valid else TraceFlags(0),
        trace_state=parent.trace_state,
    )


def _describe(span: Span, scope: Scope, status: int) -> None:
    if not span.is_recording():
        return
    method, route = scope["method"], route_of(scope)
    span.update_name(f"{method} {route}".strip())
    span.set_attributes(
        {"http.request.method": method, "http.route": route, "http.response.status_code": status}
    )
    if status >= _ERROR_FROM:
        span.set_status(Status(StatusCode.ERROR))
