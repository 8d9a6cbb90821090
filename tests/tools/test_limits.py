"""Declared limits, seen from the target: keys, tenants, rates, priorities; a slow tool is only its own trouble."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest

from penstock import Call, tool
from penstock.declare.application import Application
from penstock.declare.errors import DeclarationError
from penstock.declare.limits import Rate
from penstock.declare.tools import Tool
from penstock.schemas.canonical import read_payload
from penstock.schemas.run.records import CompleteToolCall, FailToolCall, StartToolCall

from .path import Path, request, started

WAIT_S = 10.0


class Target:
    """Counts who is there, by what it is asked to count by."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.here: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.came: list[tuple[float, str]] = []
        self.gate = threading.Event()

    def visit(self, label: str, seconds: float) -> None:
        with self.lock:
            self.came.append((time.monotonic(), label))
            self.here[label] += 1
            self.most[label] = max(self.most[label], self.here[label])
        time.sleep(seconds)
        with self.lock:
            self.here[label] -= 1


target = Target()


@pytest.fixture(autouse=True)
def _fresh() -> None:
    target.__init__()  # type: ignore[misc]


@pytest.fixture
def path() -> Iterator[Callable[..., Path]]:
    made: list[Path] = []

    def make(*tools: Tool[object]) -> Path:
        made.append(Path(Application("test", tools=tools)))
        return made[-1]

    yield make
    target.gate.set()
    for one in made:
        one.close()


@tool(effect="read", concurrency_key="name", concurrency_per_key=2)
def of_name(call: Call, *, name: str) -> None:
    target.visit(name, 0.02)


def backwards(arguments: Mapping[str, object]) -> str:
    return str(arguments["name"])[::-1]


@tool(effect="unsafe", concurrency_key=backwards)
def of_function(call: Call, *, name: str) -> None:
    target.visit(name, 0.02)


@tool(effect="read", tenant_concurrency=2)
def of_tenant(call: Call, *, name: str) -> None:
    target.visit(call.tenant, 0.02)


@tool(effect="read", rate=Rate(5, timedelta(milliseconds=300)))
def rated(call: Call, *, name: str) -> None:
    target.visit("", 0)


@tool(effect="read", concurrency=1)
def one_at_a_time(call: Call, *, name: str) -> None:
    target.visit(name, 0.01)


@tool(effect="read", concurrency=1)
def gated(call: Call, *, name: str) -> None:
    target.gate.wait(WAIT_S)
    target.visit(name, 0)


@tool(effect="read", concurrency=2)
def stuck(call: Call, *, name: str) -> None:
    target.gate.wait(WAIT_S)


@tool(effect="read", concurrency=20)
async def asleep(call: Call, *, name: str) -> str:
    target.visit("loop", 0)
    await asyncio.sleep(0.2)
    return threading.current_thread().name


@tool(effect="read", timeout=timedelta(milliseconds=100))
async def endless(call: Call, *, name: str) -> None:
    try:
        await asyncio.sleep(60)
    finally:
        target.visit("cancelled", 0)


def test_no_more_calls_of_a_key_at_once_than_it_may_have(path: Callable[..., Path]) -> None:
    one = path(of_name)
    one.feed(*(request(of_name, name) for name in "aabababbaa"))
    one.answers.take(10)
    assert target.most == {"a": 2, "b": 2}


def test_a_key_may_be_a_function_of_the_arguments_and_counts_from_the_asking_on(
    path: Callable[..., Path],
) -> None:
    one = path(of_function)
    first, second, other = request(of_function, "ab"), request(of_function, "ab"), request(of_function, "cd")
    one.feed(first, second, other)
    asks = one.answers.take(2)
    assert {answer.entity_id for answer in asks} == {first.meta.entity_id, other.meta.entity_id}
    one.feed(*(started(answer) for answer in asks))
    answered = one.answers.take(3)
    assert [type(answer.body) for answer in answered].count(StartToolCall) == 1
    one.feed(*(started(answer) for answer in answered if isinstance(answer.body, StartToolCall)))
    one.answers.take(1)
    assert target.most == {"ab": 1, "cd": 1}


def test_a_key_that_cannot_be_told_fails_the_call_and_nothing_is_done(path: Callable[..., Path]) -> None:
    def broken(arguments: Mapping[str, object]) -> str:
        raise LookupError("no such thing")

    @tool(effect="read", concurrency_key=broken)
    def keyless(call: Call, *, name: str) -> None:
        target.visit(name, 0)

    one = path(keyless)
    one.feed(request(keyless, "a"))
    (answer,) = one.answers.take(1)
    assert isinstance(answer.body, FailToolCall)
    assert (answer.body.error.kind, answer.body.not_done) == ("no_concurrency_key", True)
    assert target.came == []


def test_no_more_calls_of_a_tenant_at_once_than_it_may_have(path: Callable[..., Path]) -> None:
    one = path(of_tenant)
    one.feed(*(request(of_tenant, "x", tenant=tenant) for tenant in "aaaaaabb"))
    one.answers.take(8)
    assert target.most == {"a": 2, "b": 2}


def test_no_more_calls_begin_in_any_stretch_than_the_rate_says(path: Callable[..., Path]) -> None:
    one = path(rated)
    one.feed(*(request(rated, f"{number}") for number in range(16)))
    one.answers.take(16)
    came_s = [came_s for came_s, _ in target.came]
    assert all(later - earlier >= 0.29 for earlier, later in zip(came_s, came_s[5:], strict=False))
    assert came_s[-1] - came_s[0] < 1.5


def test_the_calls_of_a_run_that_goes_first_go_first(path: Callable[..., Path]) -> None:
    one, labels = path(gated), (("low", -1), ("high", 5))
    for label, priority in labels:
        one.feed(*(request(gated, label, priority=priority) for _ in range(4)))
    target.gate.set()
    one.answers.take(8)
    assert [label for _, label in target.came][-3:] == ["low"] * 3, "one may have begun before"


def test_a_tenant_does_not_wait_for_another_one_s_queue(path: Callable[..., Path]) -> None:
    one = path(one_at_a_time)
    one.feed(*(request(one_at_a_time, "a", tenant="a") for _ in range(60)))
    one.feed(request(one_at_a_time, "b", tenant="b"))
    one.answers.take(61)
    assert [label for _, label in target.came].index("b") < 10


def test_a_slow_tool_slows_its_own_lane_only(path: Callable[..., Path]) -> None:
    one = path(stuck, one_at_a_time)
    one.feed(*(request(stuck, f"{number}") for number in range(500)))
    one.feed(*(request(one_at_a_time, f"{number}") for number in range(20)))
    began_s, answers = time.monotonic(), one.answers.take(20)
    assert time.monotonic() - began_s < 2
    assert {type(answer.body) for answer in answers} == {CompleteToolCall}
    assert sum(thread.name.startswith("tool-") for thread in threading.enumerate()) <= 8


def test_asynchronous_calls_share_one_thread_and_wait_together(path: Callable[..., Path]) -> None:
    one = path(asleep)
    before = set(threading.enumerate())
    one.feed(*(request(asleep, f"{number}") for number in range(20)))
    began_s = time.monotonic()
    answers = one.answers.take(20)
    assert time.monotonic() - began_s < 1.5
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["tool-loop"]
    results = {
        read_payload(answer.body.result) for answer in answers if isinstance(answer.body, CompleteToolCall)
    }
    assert results == {b'"tool-loop"'}


def test_an_asynchronous_call_that_overruns_is_cancelled_and_gives_its_slot_back(
    path: Callable[..., Path],
) -> None:
    one = path(endless)
    one.feed(*(request(endless, f"{number}") for number in range(17)))
    kinds = [
        answer.body.error.kind for answer in one.answers.take(17) if isinstance(answer.body, FailToolCall)
    ]
    assert kinds == ["timeout"] * 17
    until_s = time.monotonic() + WAIT_S
    while len(target.came) < 17 and time.monotonic() < until_s:
        time.sleep(0.01)
    assert [label for _, label in target.came] == ["cancelled"] * 17


def test_limits_that_mean_nothing_are_refused() -> None:
    with pytest.raises(DeclarationError, match="isn't an argument"):

        @tool(effect="read", concurrency_key="nam")
        def no_such(call: Call, *, name: str) -> None: ...

    with pytest.raises(DeclarationError, match="above zero"):

        @tool(effect="read", tenant_concurrency=0)
        def none(call: Call) -> None: ...

    with pytest.raises(DeclarationError, match="needs a concurrency_key"):

        @tool(effect="read", concurrency_per_key=2)
        def of_nothing(call: Call) -> None: ...

    with pytest.raises(DeclarationError, match="count of 1"):
        Rate(0)
