"""Hostile records whose bodies can't be: calls and timers that no decider wrote, payloads that are no JSON."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from penstock.schemas.canonical import JSON, json_payload, payload_of, sha256_hex
from penstock.schemas.envelope.records import Payload
from penstock.schemas.run.records import (
    RunCompleted,
    RunStarted,
    StartRun,
    TimerArmed,
    ToolCallRequested,
    ToolCallStarted,
)
from tests.integration.strangers.case import Case, Told, of_the_events, of_the_inbox
from tests.integration.strangers.good import Good
from tests.integration.strangers.sending import Hostile

LONG: Final = 2**63 - 1
INT: Final = 2**31 - 1


def _timer(timer_id: str | None = None, due_ms: int = LONG) -> Callable[[Good], Hostile]:
    def make(g: Good) -> Hostile:
        named = f"{timer_id or ''}{g.meta.id}"
        return g.but(body=TimerArmed(timer_id=named, step=1, purpose="sleep", due_ms=due_ms)).sent()

    return make


def _call(**changes: Any) -> Callable[[Good], Hostile]:
    def make(g: Good) -> Hostile:
        asked: dict[str, Any] = {
            "step": 1,
            "attempt": 1,
            "tool": "look_up",
            "tool_version": 1,
            "effect": "read",
            "arguments": json_payload({"number": 1}),
            "timeout_ms": 1000,
        }
        asked.update(changes, call_id=f"{changes.get('call_id', '')}{g.meta.id}")
        return g.but(body=ToolCallRequested(**asked)).sent()

    return make


def _given(payload: Payload) -> Callable[[Good], Hostile]:
    """The start of a workflow that is there, with that for its input."""
    body = StartRun(workflow="order", input=payload, body_sha256=payload.sha256)
    return lambda g: g.but(body=body).sent()


def _no_json(**fields: Any) -> Callable[[Good], Hostile]:
    return _given(Payload(**{"content_type": JSON, "sha256": "0" * 64, **fields}))


def _json(content: bytes) -> Callable[[Good], Hostile]:
    return _given(Payload(content_type=JSON, content=content, sha256=sha256_hex(content)))


def _start(**changes: Any) -> Callable[[Good], Hostile]:
    payload = json_payload({"number": 1})
    whole = {"workflow": "order", "input": payload, "body_sha256": payload.sha256, **changes}
    return lambda g: g.but(body=StartRun(**whole)).sent()


def _believed(name: str, make: Callable[[Good], Hostile], effectors: Told = Told.TAKEN) -> Case:
    """An event of the right form: who may write the topic speaks for the decider. It must only break nothing."""
    return of_the_events(name, make, effectors, Told.TAKEN, Told.ABSENT)


def _begun(search_attributes: str) -> Callable[[Good], Hostile]:
    def make(g: Good) -> Hostile:
        assert isinstance(g.body, RunStarted)
        return g.but(body=replace(g.body, search_attributes=search_attributes)).sent()

    return make


EVENTS: Final = (
    _believed("a run begun with search attributes that are no JSON", _begun("{" * 10_000)),
    _believed("a run begun with search attributes that are a list", _begun('["a"]')),
    _believed("a timer that is no UUID", _timer("no uuid"), Told.LETTER),
    _believed("a timer due when no clock gets", _timer(due_ms=LONG)),
    _believed("a timer due before time began", _timer(due_ms=-(2**63))),
    _believed("a call that is no UUID", _call(call_id="no uuid"), Told.LETTER),
    _believed("a call of a tool that isn't there", _call(tool="no such tool")),
    _believed("a call of a version that isn't there", _call(tool_version=INT)),
    _believed("a call whose arguments are no JSON", _call(arguments=payload_of(b"\xff{"))),
    _believed(
        "a call whose arguments are nested a hundred thousand deep",
        _call(arguments=payload_of(b"[" * 100_000)),
    ),
    _believed(
        "a call whose arguments are elsewhere", _call(arguments=Payload(content_type=JSON, sha256="0" * 64))
    ),
    _believed(
        "a call with all numbers at their ends", _call(step=INT, attempt=INT, priority=INT, timeout_ms=LONG)
    ),
    _believed(
        "a call with all numbers below their ends",
        _call(step=-INT, attempt=-INT, priority=-INT, timeout_ms=-1),
    ),
    _believed("a call that may not begin before the end of time", _call(not_before_ms=LONG)),
    _believed(
        "the start of a call that nobody asked for",
        lambda g: g.but(body=ToolCallStarted(call_id=g.meta.id, attempt=1, lease_id="x", worker="x")).sent(),
    ),
    _believed(
        "the end of a run that never began",
        lambda g: g.but(body=RunCompleted(result=json_payload(1))).sent(),
    ),
)
PAYLOADS: Final = (
    of_the_inbox("an input nested a hundred thousand deep", _json(b"[" * 100_000 + b"]" * 100_000)),
    of_the_inbox(
        "an input of JSON objects, nested as deep", _json(b'{"number":' * 50_000 + b"1" + b"}" * 50_000)
    ),
    of_the_inbox("an input that is no JSON", _json(b"{number: 1}")),
    of_the_inbox("an empty input", _json(b"")),
    of_the_inbox("an input that isn't UTF-8", _json(b'{"number":"\xff"}')),
    of_the_inbox("an input with a lone surrogate", _json(b'{"number":"\\ud800"}')),
    of_the_inbox("a number of five thousand digits", _json(b'{"number":' + b"9" * 5000 + b"}")),
    of_the_inbox("a number beyond all numbers", _json(b'{"number":1e999}')),
    of_the_inbox("a number that is none", _json(b'{"number":NaN}')),
    of_the_inbox("an input of 900 KiB", _json(b'{"number":"' + b"x" * 900 * 1024 + b'"}')),
    of_the_inbox(
        "an input of other bytes than its hash",
        _no_json(content=b'{"number":1}'),
    ),
    of_the_inbox(
        "an input that is elsewhere",
        _no_json(reference="file:///etc/passwd"),
    ),
    of_the_inbox(
        "an encrypted input",
        _no_json(content=b"x", key_id="key-1"),
    ),
    of_the_inbox("a priority beyond its bounds", _start(priority=INT)),
    of_the_inbox("search attributes that are no JSON", _start(search_attributes="{" * 10_000)),
    of_the_inbox(
        "search attributes nested a thousand deep",
        _start(search_attributes='{"a":' * 1000),
    ),
)
CASES: Final = (*EVENTS, *PAYLOADS)
