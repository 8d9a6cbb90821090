"""Threads for what blocks: each job has one soon, sent for one at a time, and used again."""

import threading
from collections.abc import Callable

from penstock.streams.background import Background
from penstock.streams.hands import Hands

WAIT_S = 5.0


class LateStarts(Background):
    """Threads begin when the test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.started = 0
        self._gate = threading.Event()

    def start(self, name: str, body: Callable[[], None]) -> threading.Thread:
        self.started += 1

        def late() -> None:
            self._gate.wait(WAIT_S)
            body()

        return super().start(name, late)

    def go(self) -> None:
        self._gate.set()


def test_jobs_that_wait_for_each_other_all_have_a_thread() -> None:
    background = LateStarts()
    hands, together, done = Hands(background, "test"), threading.Barrier(5), threading.Semaphore(0)

    def job() -> None:
        together.wait(WAIT_S)
        done.release()

    for _ in range(5):
        hands.submit(job)
    background.go()
    assert all(done.acquire(timeout=WAIT_S) for _ in range(5))
    hands.close()
    background.check()


def test_one_thread_at_a_time_is_sent_for_and_idle_ones_are_used_again() -> None:
    background = LateStarts()
    hands, done = Hands(background, "test"), threading.Semaphore(0)
    for _ in range(50):
        hands.submit(done.release)
    assert background.started == 1
    background.go()
    assert all(done.acquire(timeout=WAIT_S) for _ in range(50))
    before = background.started
    for _ in range(50):
        hands.submit(done.release)
        assert done.acquire(timeout=WAIT_S)
    assert background.started <= before + 2
    hands.close()
    background.check()
