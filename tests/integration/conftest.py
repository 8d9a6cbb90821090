"""Tally workers as real processes, on topics and a database of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.processes import Processes, eventually, processes
from tests.integration.tally_topics import TallyTopics

Start = Callable[..., None]


@pytest.fixture
def topics(kafka: str) -> TallyTopics:
    return TallyTopics(kafka)


@pytest.fixture
def workers(kafka: str, database_url: str, tmp_path: Path) -> Iterator[Processes]:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": database_url,
        "PENSTOCK_HOME": str(tmp_path),
    }
    with processes(environment, tmp_path / "logs") as children:
        yield children


@pytest.fixture
def start(workers: Processes, topics: TallyTopics) -> Start:
    def start(name: str, static: bool = True, **environment: str) -> None:
        words = ["tests.integration.tally_process", topics.noun, *([name] if static else [])]
        workers.start(name, words, **environment)

    return start


def finish(topics: TallyTopics, workers: Processes, seconds: float = 60) -> None:
    eventually(topics.done, seconds, lambda: f"not done after {seconds} s\n{workers.tails()}")
    topics.check()
