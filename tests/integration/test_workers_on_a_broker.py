"""The batch consumer on a real broker: rebalances, SIGKILL, SIGSTOP, redelivery. Nothing lost, nothing twice."""

import signal
import time

import pytest

from tests.chaos.matrix.workers import wait_until_up
from tests.integration.conftest import Start, finish
from tests.integration.processes import Processes, eventually
from tests.integration.tally_topics import TallyTopics

pytestmark = pytest.mark.broker


def test_a_worker_handles_every_input_in_order(topics: TallyTopics, workers: Processes, start: Start) -> None:
    topics.send(20)
    start("one")
    finish(topics, workers)


def test_a_joining_worker_and_a_leaving_one_lose_nothing(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    start("one", static=False)
    topics.send(10)
    # Told to stop while it still imports, it would end with the signal's code.
    eventually(topics.done, 60, workers.tails)
    start("two", static=False)
    for _ in range(60):
        topics.send(1)
        time.sleep(0.05)
    # One that still imports would die of the signal, and say nothing about how workers leave.
    wait_until_up(workers.running["one"])
    workers.signal("one", signal.SIGTERM)
    topics.send(10)
    finish(topics, workers)
    assert workers.running["one"].wait(20) == 0, workers.tails()


def test_a_killed_worker_that_comes_back_under_its_name_goes_on_at_once(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    start("one")
    for round_ in range(4):
        topics.send(5)
        time.sleep(2.0 if round_ == 0 else 0.7)
        workers.kill("one")
        start("one")
    # How long it imports says nothing of sessions, and on a busy machine is most of the time.
    wait_until_up(workers.running["one"])
    began = time.monotonic()
    finish(topics, workers)
    assert time.monotonic() - began < 15, "static membership: nobody waits for the session to end"


@pytest.mark.parametrize(
    "point", ["after-receive", "after-commit", "mid-publish", "after-publish", "before-ack", "while-taking"]
)
def test_sigkill_at_a_named_point(topics: TallyTopics, workers: Processes, start: Start, point: str) -> None:
    topics.send(5)
    start("one", PENSTOCK_CRASH_AT=f"{point}:3")

    def dies_of_work() -> bool:
        topics.send(1)
        return workers.died("one")

    eventually(dies_of_work, 30, lambda: f"{point} was never reached\n{workers.tails()}")
    assert workers.running.pop("one").returncode == -signal.SIGKILL
    topics.send(5)
    start("one")
    finish(topics, workers)


def test_a_stopped_worker_that_wakes_up_is_seen_by_nobody(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    start("one", static=False)
    topics.send(5)
    eventually(topics.done, 30, workers.tails)
    topics.send(200)
    workers.signal("one", signal.SIGSTOP)
    start("two", static=False)
    eventually(topics.done, 60, workers.tails)
    workers.signal("one", signal.SIGCONT)
    topics.send(5)
    finish(topics, workers)
    time.sleep(5)
    topics.check()
