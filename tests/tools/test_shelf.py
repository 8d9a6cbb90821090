"""Calls whose arguments were put away while they waited: each runs with its own, whatever came in between."""

import threading
from collections.abc import Iterator
from typing import Final

import pytest

from penstock import Call, tool
from penstock.declare.application import Application
from penstock.declare.call import Happened
from penstock.schemas.codec import pinned_codec
from penstock.schemas.run.records import (
    CompleteToolCall,
    SettleToolCall,
    StartToolCall,
    ToolCallInDoubt,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.open_work import Seen
from penstock.streams.tools.fold import CallFold
from penstock.streams.tools.ports import OpenCall
from penstock.streams.tools.shelf import Shelf

from .path import Path, request, seen, started

CODEC: Final = pinned_codec()
CALLS: Final = 20

goes_on = threading.Event()
ran: list[str] = []


@tool(effect="read", concurrency=1)
def look(call: Call, *, name: str) -> str:
    goes_on.wait(10)
    ran.append(name)
    return name


@tool(effect="unsafe", concurrency=1)
def act(call: Call, *, name: str) -> str:
    goes_on.wait(10)
    ran.append(name)
    return name


@tool(effect="read", concurrency=4, concurrency_key="name")
def keyed(call: Call, *, name: str) -> str:
    goes_on.wait(10)
    ran.append(name)
    return name


def _happened(call: Call, arguments: object) -> Happened:
    ran.append(f"reconciled {arguments}")
    return Happened()


@tool(effect="unsafe", concurrency=1, reconcile=_happened)
def asked_about(call: Call, *, name: str) -> str:
    return name


@pytest.fixture
def path() -> Iterator[Path]:
    goes_on.clear()
    ran.clear()
    made = Path(Application("test", tools=(look, act, keyed, asked_about)))
    made.calling._shelf = Shelf(CODEC, 0)
    yield made
    goes_on.set()
    made.close()


def as_on_the_log(made: Seen) -> Seen:
    """With the bytes that it has there."""
    value = CODEC.encode(made.meta, made.body)
    return Seen(*CODEC.decode_event(value), value)


def put_away(path: Path) -> int:
    return sum(isinstance(work, OpenCall) and not work.requested.arguments.sha256 for work in path.open_work)


def names() -> list[str]:
    return [f"name-{number}" for number in range(CALLS)]


def test_a_read_that_waited_runs_with_its_own_arguments(path: Path) -> None:
    path.feed(*(as_on_the_log(request(look, name)) for name in names()))
    assert put_away(path) == CALLS - 1
    goes_on.set()
    answers = path.answers.take(CALLS)
    assert ran == names()
    assert {type(answer.body) for answer in answers} == {CompleteToolCall}
    assert put_away(path) == 0


def test_a_key_is_still_known_when_its_call_is_put_away(path: Path) -> None:
    path.feed(*(as_on_the_log(request(keyed, name)) for name in ("a", "a", "a", "b")))
    assert put_away(path) == 2, "the second and third a"
    goes_on.set()
    path.answers.take(4)
    assert sorted(ran) == ["a", "a", "a", "b"]


def test_a_call_that_is_put_away_before_it_is_queued_is_queued_by_its_key(path: Path) -> None:
    for name in ("a", "a", "a"):
        CallFold().evolve(path.open_work, as_on_the_log(request(keyed, name)))
    for work in path.open_work:
        assert isinstance(work, OpenCall)
        path.calling._shelf.put(work, 1)
    path.feed()
    assert put_away(path) == 2, "one of a key at once"


def test_an_unsafe_call_that_waited_asks_and_runs_once_with_its_own_arguments(path: Path) -> None:
    goes_on.set()
    path.feed(*(as_on_the_log(request(act, name)) for name in names()))
    (ask,) = path.answers.take(1)
    assert put_away(path) == CALLS - 1
    for left in reversed(range(CALLS)):
        assert isinstance(ask.body, StartToolCall)
        path.feed(started(ask))
        done, *asks = path.answers.take(2 if left else 1)
        assert isinstance(done.body, CompleteToolCall)
        ask = asks[0] if asks else ask
    assert ran == names()


def test_what_was_put_away_is_written_into_a_snapshot_as_it_stands_on_the_log(path: Path) -> None:
    events = [as_on_the_log(request(look, name)) for name in names()]
    path.feed(*events)
    assert put_away(path) == CALLS - 1
    values = [work.value for work in path.open_work if isinstance(work, OpenCall)]
    assert values == [event.value for event in events]


def test_a_doubt_is_looked_into_with_the_arguments_of_the_call(path: Path) -> None:
    event = as_on_the_log(request(asked_about, "mine"))
    body = event.body
    assert isinstance(body, ToolCallRequested)
    path.feed(event)
    path.answers.take(1)
    for work in path.open_work:
        assert isinstance(work, OpenCall)
        path.calling._shelf.put(work, 1)
    assert put_away(path) == 1
    run, call_id = event.meta.entity_id, body.call_id
    elsewhere = ToolCallStarted(call_id=call_id, attempt=1, lease_id="another's", worker="w")
    doubt = ToolCallInDoubt(call_id=call_id, attempt=1, lease_id="another's", reason="it died")
    path.feed(seen(run, elsewhere), seen(run, doubt))
    (answer,) = path.answers.take(1)
    assert isinstance(answer.body, SettleToolCall)
    assert ran == ["reconciled {'name': 'mine'}"]
