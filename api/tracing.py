"""Every request belongs to a trace, the caller's by its traceparent or a new one; each answer has its id."""

from secrets import randbits
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRACE_ID: Final = "X-Trace-Id"
_W3C: Final = TraceContextTextMapPropagator()


class Tracing:
    """ASGI middleware: makes the request's trace the current one, so that what it publishes carries it on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = trace.get_current_span(_W3C.extract(Headers(scope=scope))).get_span_context()
        span = SpanContext(
            trace_id=given.trace_id if given.is_valid else randbits(128) or 1,
            span_id=randbits(64) or 1,
            is_remote=False,
            trace_flags=given.trace_flags if given.is_valid else TraceFlags(0),
            trace_state=given.trace_state,
        )

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[TRACE_ID] = f"{span.trace_id:032x}"
                headers["traceparent"] = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
            await send(message)

        token = context.attach(trace.set_span_in_context(NonRecordingSpan(span)))
        try:
            await self._app(scope, receive, send_traced)
        finally:
            context.detach(token)
