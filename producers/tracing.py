"""Carries the caller's trace onto the log, in W3C form, when OpenTelemetry has a span current."""

from opentelemetry import trace


def current_traceparent() -> str | None:
    """The traceparent header of the current span: '00-<trace id>-<span id>-<flags>'; None without a span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
