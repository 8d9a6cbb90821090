"""Traces through hosts: which records belong to a sampled trace, a span for each of those, and where it leads.

A record's `traceparent` header says whether its trace is sampled. One that isn't costs the look at the header and
nothing else; it is passed on as it is. For a sampled one the host's work is a span (OpenTelemetry's messaging
conventions: `process <topic>`, linked to the span that sent the record), and what the host then writes carries
that span on: events directly, and answers of tools and timers, which come later, by their run.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from penstock.producers.log import Record
from penstock.producers.tracing import current_traceparent
from penstock.schemas.headers import TRACEPARENT

Place = tuple[str, int, int]

# Sampled runs whose latest span this process remembers, for answers to them.
RUNS_MAX: Final = 10_000
# W3C's are 55; a later version may say more. What is longer isn't passed on: each event would carry it.
TRACEPARENT_BYTES_MAX: Final = 128

_W3C: Final = TraceContextTextMapPropagator()
# Nothing, and W3C's "the trace id is random": what nearly all records have.
_NOT_SAMPLED: Final = (b"00", b"02")
_NONE: Final[Mapping[Place, str]] = MappingProxyType({})
_IN_HAND: Final[ContextVar[Mapping[Place, str]]] = ContextVar("penstock.in_hand", default=_NONE)
_SPAN_OF_RUN: Final[dict[str, str]] = {}
_LOCK: Final = threading.Lock()


def sampled(record: Record) -> str | None:
    """The record's traceparent if its trace is sampled, else None."""
    for name, value in reversed(record.headers):
        if name == TRACEPARENT:
            return _if_sampled(value)
    return None


def onward(record: Record) -> str | None:
    """The traceparent of what the record in hand causes: its own, or that of the span that is made of it."""
    given = record.header(TRACEPARENT)
    if given is None or len(given) > TRACEPARENT_BYTES_MAX:
        return None
    in_hand = _IN_HAND.get()
    if in_hand and (span := in_hand.get((record.topic, record.partition, record.offset))):
        return span
    return given.decode("ascii", "replace")


def of_run(run_id: str) -> str | None:
    """The traceparent for an answer to a run: that of the last sampled record of it that was seen here."""
    return _SPAN_OF_RUN.get(run_id) if _SPAN_OF_RUN else None


@contextmanager
def processing(group_id: str, records: Sequence[tuple[Record, str]]) -> Iterator[None]:
    """A `process` span for each of these records with their traceparents, for as long as this lasts.

    An error that passes through is the spans' too.
    """
    tracer = trace.get_tracer(group_id)
    spans = {_place(record): _begun(tracer, group_id, record, given) for record, given in records}
    in_hand = {place: traceparent for place, span in spans.items() if (traceparent := _written(span))}
    _remember(records, in_hand)
    token = _IN_HAND.set(in_hand)
    try:
        yield
    except BaseException as error:
        for span in spans.values():
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            span.record_exception(error)
        raise
    finally:
        _IN_HAND.reset(token)
        for span in spans.values():
            span.end()


class CallSpan:
    """The span of one execution of a tool, current in the thread that runs it: what the tool calls is below it."""

    def __init__(self, group_id: str, tool: str, attempt: int, traceparent: str) -> None:
        self._span = trace.get_tracer(group_id).start_span(
            f"execute_tool {tool}",
            context=_parent(traceparent),
            kind=SpanKind.INTERNAL,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": tool,
                "penstock.attempt": attempt,
            },
        )
        self._token = context.attach(trace.set_span_in_context(self._span))

    def end(self, outcome: str, *, well: bool) -> None:
        """It is over, in the same thread."""
        context.detach(self._token)
        self._span.set_attribute("penstock.outcome", outcome)
        if not well:
            self._span.set_status(Status(StatusCode.ERROR, outcome))
        self._span.end()


def _begun(tracer: trace.Tracer, group_id: str, record: Record, given: str) -> Span:
    parent = _parent(given)
    return tracer.start_span(
        f"process {record.topic}",
        context=parent,
        kind=SpanKind.CONSUMER,
        links=(Link(trace.get_current_span(parent).get_span_context()),),
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
            "messaging.consumer.group.name": group_id,
            "cloudevents.event_type": (record.header("ce_type") or b"").decode("ascii", "replace"),
            "cloudevents.event_subject": (record.key or b"").decode("ascii", "replace"),
        },
    )


def _remember(records: Sequence[tuple[Record, str]], in_hand: Mapping[Place, str]) -> None:
    with _LOCK:
        for record, given in records:
            run_id = (record.key or b"").decode("ascii", "replace")
            _SPAN_OF_RUN.pop(run_id, None)
            _SPAN_OF_RUN[run_id] = in_hand.get(_place(record), given)
        while len(_SPAN_OF_RUN) > RUNS_MAX:
            del _SPAN_OF_RUN[next(iter(_SPAN_OF_RUN))]


def _if_sampled(traceparent: bytes) -> str | None:
    """version-trace-span-flags: the lowest bit of the flags."""
    flags = traceparent[53:55]
    if flags in _NOT_SAMPLED or len(flags) != 2 or len(traceparent) > TRACEPARENT_BYTES_MAX:
        return None
    try:
        return traceparent.decode("ascii") if int(flags, 16) & 1 else None
    except ValueError:
        return None


def _parent(traceparent: str) -> context.Context:
    return _W3C.extract({"traceparent": traceparent}, context.Context())


def _written(span: Span) -> str | None:
    """None where nobody records spans: then the record's own is passed on."""
    if not span.is_recording():
        return None
    with trace.use_span(span):
        return current_traceparent()


def _place(record: Record) -> Place:
    return record.topic, record.partition, record.offset
