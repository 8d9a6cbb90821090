"""Nothing grows without bound: time with what waits, memory with what is gone, answers while the log is away."""

import gc
import time
import tracemalloc
from collections.abc import Callable

import pytest

from penstock import Call, tool
from penstock.declare.application import Application
from penstock.declare.limits import Limits
from penstock.producers.clock import SystemClock
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import RUN_INBOX
from penstock.streams.answers import Answers, Sender
from penstock.streams.background import Background
from penstock.streams.open_work import Seen
from penstock.streams.tools.scheduling import Lane
from penstock.streams.tools.shelf import Shelf
from penstock.streams.tools.turns import Ask

from .path import Path, request

CALLS = 3_000
BYTES_A_CALL_MAX = 3_000
CODEC = pinned_codec()


@tool(effect="read", concurrency=1)
def waits(call: Call, *, name: str) -> None:
    time.sleep(1)


@tool(effect="read", concurrency=64)
def quick(call: Call, *, name: str) -> None:
    done.append(call.call_id)


done: list[str] = []


def test_an_open_call_costs_two_kibibytes_and_its_arguments() -> None:
    path = Path(Application("test", tools=(waits,)))
    path.feed(*(_decoded() for _ in range(10)))
    gc.collect()
    tracemalloc.start()
    path.feed(*(_decoded() for _ in range(CALLS)))
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    path.close()
    assert kept / CALLS < BYTES_A_CALL_MAX


def test_a_call_that_waits_among_many_keeps_no_arguments_beside_its_bytes_on_the_log() -> None:
    path = Path(Application("test", tools=(waits,)))
    path.calling._shelf = Shelf(CODEC, 0)
    values = [_decoded("a" * 1_000).value for _ in range(CALLS)]
    gc.collect()
    tracemalloc.start()
    path.feed(*(Seen(*CODEC.decode_event(value), value) for value in values))
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    path.close()
    assert kept / CALLS < 1_300


def test_withdrawn_calls_are_let_go_of() -> None:
    path = Path(Application("test", tools=(waits,)))
    path.feed(request(waits, "a"))
    tracemalloc.start()
    for _ in range(20):
        path.feed(*(request(waits, "a") for _ in range(500)))
        for work in list(path.open_work):
            path.open_work.remove(work.key)
        path.feed()
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    path.close()
    assert kept < 3_000_000


def test_answers_that_wait_for_the_log_are_one_a_call_however_often_it_is_read() -> None:
    log = MemoryLog({RUN_INBOX: 1})
    log.go_away()
    background = Background()
    keyring = Keyring([Key("tools", b"t" * 32, Authority.TOOLS)])
    sender = Sender(RUN_INBOX, "test", CODEC, keyring.signer(Authority.TOOLS), SystemClock())
    answers = Answers(sender, lambda: log, background)
    path = Path(Application("test", tools=(quick,)), answers)
    events = [request(quick, f"{number}") for number in range(300)]
    path.feed(*events)
    _until(lambda: len(done) == 300)
    path.feed(*events)
    time.sleep(0.2)
    log.come_back()
    assert answers.drain(10)
    assert len(log.deliver(RUN_INBOX, 0, 0, 10_000)) == 300
    path.close()


@pytest.mark.parametrize("keys", [1, 100, 100_000])
def test_a_hundred_thousand_that_wait_make_nobody_wait_longer(keys: int) -> None:
    lane = Lane(Limits(concurrency=4, concurrency_key="k"))
    for number in range(100_000):
        lane.ask(Ask(f"t{number % min(keys, 7)}", f"k{number % keys}", number % 3))
    longest_s = 0.0
    running: list[Ask] = []
    for _ in range(2_000):
        began_s = time.thread_time()
        ask = lane.next(0)
        if ask is None:
            lane.release(running.pop(0))
            ask = lane.next(0)
        longest_s = max(longest_s, time.thread_time() - began_s)
        assert ask is not None
        running.append(ask)
    assert longest_s < 0.05


def test_what_is_withdrawn_is_swept_from_the_queue() -> None:
    lane = Lane(Limits(concurrency=1, concurrency_key="k"))
    for round_ in range(5):
        asks = [Ask("a", f"{round_}" if number % 2 else None) for number in range(4_000)]
        for ask in asks:
            lane.ask(ask)
        for ask in asks:
            lane.withdraw(ask)
    assert (lane.waiting, lane.kept()) <= (0, 2_500)


def _decoded(name: str = "a") -> Seen:
    made = request(waits, name)
    value = CODEC.encode(made.meta, made.body)
    return Seen(*CODEC.decode_event(value), value)


def _until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.01)
