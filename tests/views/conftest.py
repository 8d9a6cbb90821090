"""A database with the views in it, and a log in memory."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect
from penstock.schemas.topics import ALL_TOPICS
from tests.conftest import TopicMaker
from tests.views.database import database_with_views, empty
from tests.views.stage import Stage


@pytest.fixture(scope="session")
def views_database(postgres_server: str) -> Iterator[str]:
    """The address of this folder's database."""
    with database_with_views(postgres_server) as url:
        yield url


@pytest.fixture
def views(views_database: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection to a database that has the views and nothing else."""
    with connect(empty(views_database)) as connection:
        yield connection


@pytest.fixture
def log() -> MemoryLog:
    """An empty log with every topic."""
    return MemoryLog(ALL_TOPICS)


@pytest.fixture
def stage(kafka: str, views: psycopg.Connection[TupleRow], kafka_topics: TopicMaker) -> Iterator[Stage]:
    made = Stage(kafka, views, kafka_topics)
    yield made
    made.log.close()
