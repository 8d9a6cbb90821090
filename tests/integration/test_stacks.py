"""A signal has a worker say where its threads stand, and it goes on; Faust would wait in a debugger."""

import signal
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.matrix.workers import wait_until_up
from tests.integration.conftest import Start, finish
from tests.integration.processes import Processes, eventually
from tests.integration.tally_topics import TallyTopics

pytestmark = pytest.mark.broker


def told(log: Path, times: int) -> bool:
    return log.read_text().count("in _run_module_as_main") == times


def test_a_worker_says_where_it_stands_and_goes_on(
    topics: TallyTopics, workers: Processes, start: Start
) -> None:
    start("one")
    topics.send(5)
    wait_until_up(workers.running["one"])
    eventually(topics.done, 60, workers.tails)
    log = workers.logs / "one.log"
    for times, number in enumerate((signal.SIGUSR1, signal.SIGUSR2), start=1):
        workers.signal("one", number)
        # The main thread is the last: a second signal during a dump is none.
        eventually(partial(told, log, times), 10, workers.tails)
    topics.send(5)
    finish(topics, workers)
