"""The stack of the kill tests: a broker, a database and a target of its own, for as long as these run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from tests.chaos.stack import Stack
from tests.integration.processes import processes

APPLICATION = "tests.chaos.application:application"

MakeStack = Callable[..., Stack]


@pytest.fixture(scope="package")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalBroker, LocalPostgres]]:
    """A broker and a Postgres that only these tests use: they count everything on them, and replace the database."""
    home = tmp_path_factory.mktemp("servers")
    broker, database = LocalBroker(home, heap_mb=512), LocalPostgres(home)
    broker.start()
    database.start()
    try:
        yield broker, database
    finally:
        database.stop()
        broker.stop()


@pytest.fixture(scope="package")
def stack(
    servers: tuple[LocalBroker, LocalPostgres], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    broker, database = servers
    home: Path = tmp_path_factory.mktemp("home")
    with processes({}, home / "logs") as children:
        made = Stack(broker.bootstrap_servers, database.url, home, children, APPLICATION)
        try:
            yield made.up()
        finally:
            made.close()
