"""Nothing grows without bound: what an open call costs, and what piles up while the log is away."""

import gc
import time
import tracemalloc
from collections.abc import Callable

from penstock import Call, tool
from penstock.declare.application import Application
from penstock.producers.clock import SystemClock
from penstock.producers.memory import MemoryLog
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import RUN_INBOX
from penstock.streams.answers import Answers, Sender
from penstock.streams.background import Background
from penstock.streams.open_work import Seen

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


def _decoded() -> Seen:
    made = request(waits, "a")
    value = CODEC.encode(made.meta, made.body)
    return Seen(*CODEC.decode_event(value), value)


def _until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.01)
