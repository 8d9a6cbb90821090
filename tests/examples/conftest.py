"""A database with the thirty cases and the manual in it: one a module, or one a test that writes."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from tests.examples.reviewing import Workers

from penstock.examples.casework import tools
from penstock.examples.casework.desk import Desk, open_desk
from penstock.examples.casework.policy import MANUAL
from penstock.examples.casework.seed import seed

REGULATION = Path(__file__).parents[2].parent / "shared" / "data" / "regulation-e" / "2014-11-17"


def desk_on(url: str) -> Iterator[Desk]:
    """A desk of the test's own, whose connections are closed after it."""
    opened = open_desk(url)
    yield opened
    opened.connections.close()


@pytest.fixture(scope="module")
def module_url(postgres_server: str) -> Iterator[str]:
    """An empty database for a module of tests that only read."""
    name = f"casework_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        if "://" in postgres_server:
            yield urlsplit(postgres_server)._replace(path=f"/{name}").geturl()
        else:
            yield make_conninfo(postgres_server, dbname=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def manual_desk(module_url: str) -> Iterator[Desk]:
    """A desk with the cases and the bank's manual; tests only read it."""
    seed(module_url, policy=MANUAL)
    yield from desk_on(module_url)


@pytest.fixture(scope="module")
def regulation_desk(module_url: str) -> Iterator[Desk]:
    """A desk with the regulation as its policy; tests only read it."""
    if not REGULATION.is_dir():
        pytest.skip(
            f"the regulation's pages aren't there ({REGULATION.name} beside the repository's shared data)"
        )
    seed(module_url, policy=REGULATION)
    yield from desk_on(module_url)


@pytest.fixture
def seeded_url(database_url: str) -> str:
    """The address of a database of this test's own, seeded."""
    seed(database_url, policy=MANUAL)
    return database_url


@pytest.fixture
def desk(seeded_url: str) -> Iterator[Desk]:
    """A desk of this test's own, which it may change."""
    yield from desk_on(seeded_url)


@pytest.fixture
def workers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Workers:
    monkeypatch.setattr(tools, "desk", lambda: desk)
    return Workers(desk)
