"""The suite's own broker and database: it fills them with what no other test could bear."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from tests.integration.processes import processes
from tests.integration.strangers.world import World


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalBroker, LocalPostgres]]:
    home = tmp_path_factory.mktemp("strangers")
    broker, database = LocalBroker(home, heap_mb=512), LocalPostgres(home)
    try:
        broker.start()
        database.start()
        yield broker, database
    finally:
        database.stop()
        broker.stop()


@pytest.fixture(scope="module")
def world(
    servers: tuple[LocalBroker, LocalPostgres], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    broker, database = servers
    home: Path = tmp_path_factory.mktemp("home")
    with processes({}, home / "logs") as children:
        made = World(broker.bootstrap_servers, database.url, home, children)
        try:
            made.work_goes_on()
            yield made
        finally:
            made.close()
