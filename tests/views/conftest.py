"""A database with the views in it, and a log in memory."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect, migrate, migrations
from penstock.schemas.topics import ALL_TOPICS


@pytest.fixture
def views(database_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection to a database that has the views and nothing else."""
    migrate(database_url, known=tuple(each for each in migrations() if each.name.endswith("_views.sql")))
    with connect(database_url) as connection:
        yield connection


@pytest.fixture
def log() -> MemoryLog:
    """An empty log with every topic."""
    return MemoryLog(ALL_TOPICS)
