"""A whole installation for tests of the command line: broker, database, worker, views, API, and a terminal."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.integration.processes import Processes, processes
from tests.views.database import database_with_views
from typer.testing import CliRunner

from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.ports import free_port
from penstock.cli.main import app
from penstock.runtime.postgres import connect


class Standing:
    """A broker, a database, a worker, views and an API, and a terminal beside them."""

    def __init__(self, environment: dict[str, str], children: Processes) -> None:
        self.environment = environment
        self.children = children

    def start_api(self) -> None:
        self.children.start("api", ["penstock.cli.main", "api"])

    def typed(self, *words: str, code: int = 0) -> list[Any]:
        """What a command says as JSON."""
        result = CliRunner().invoke(app, [*words, "--json"], env=self.environment)
        assert result.exit_code == code, (
            f"{result.output[-3000:]} {result.exception!r} {self.children.tails()}"
        )
        said, at, text = [], 0, result.stdout.strip()
        while at < len(text):
            document, at = json.JSONDecoder().raw_decode(text, at)
            said.append(document)
            at += 1
        return said

    def asked(self, query: str) -> list[tuple[Any, ...]]:
        with connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(query.encode()).fetchall()

    def statuses(self) -> Counter[str]:
        return Counter(dict(self.asked("SELECT status, count(*) FROM views.run_row GROUP BY status")))


@contextmanager
def standing_with(
    application: str, postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    """All of it, for this application; it is gone when the block ends."""
    home = tmp_path_factory.mktemp("home")
    broker = LocalBroker(tmp_path_factory.mktemp("kafka"), heap_mb=512)
    try:
        with database_with_views(postgres_server) as database_url:
            environment = {
                "KAFKA_BOOTSTRAP_SERVERS": broker.start(),
                "DATABASE_URL": database_url,
                "PENSTOCK_HOME": str(home),
                "PENSTOCK_APPLICATION": application,
                "PENSTOCK_API_PORT": str(free_port()),
            }
            prepared = CliRunner().invoke(app, ["prepare"], env=environment)
            assert prepared.exit_code == 0, prepared.output
            with processes(environment, home / "logs") as children:
                children.start("worker", ["penstock.cli.main", "worker", "all"])
                children.start("views", ["penstock.cli.main", "worker", "views"])
                made = Standing(environment, children)
                made.start_api()
                yield made
    finally:
        broker.kill()
