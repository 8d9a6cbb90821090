"""The database dropped, or an older dump restored, while runs are open: they go on, and nothing is done twice."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from penstock.audit.fold import fold
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from penstock.runtime.postgres import migrate
from tests.chaos.stack import Stack

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]

DUMP = "dump"


class Databases:
    """Replaces the stack's database under the feet of its processes."""

    def __init__(self, server: LocalPostgres, stack: Stack) -> None:
        self._admin, self._url = server.url_of("postgres"), stack.database_url
        self._name = conninfo_to_dict(stack.database_url)["dbname"]

    def dump(self) -> None:
        """Keep the database as it is now."""
        self._run(
            f"DROP DATABASE IF EXISTS {DUMP}",
            f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false",
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'",
            f"CREATE DATABASE {DUMP} TEMPLATE {self._name}",
            f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true",
        )

    def restore(self) -> None:
        """Put back what was kept."""
        self._run(
            f"DROP DATABASE {self._name} WITH (FORCE)",
            f"CREATE DATABASE {self._name} TEMPLATE {DUMP}",
        )

    def drop(self) -> None:
        """A new, empty database in the place of the old one."""
        self._run(f"DROP DATABASE {self._name} WITH (FORCE)", f"CREATE DATABASE {self._name}")
        migrate(self._url)

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self._admin, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


@pytest.fixture
def databases(servers: tuple[LocalBroker, LocalPostgres], stack: Stack) -> Databases:
    return Databases(servers[1], stack)


def finish_and_check(stack: Stack) -> None:
    verdict = stack.finish(120)
    assert verdict.ended == len(stack.receipts)
    assert verdict.executions == len(stack.receipts), "each order was paid once"
    runs = fold(stack.log).run
    assert all(runs[run_id]["status"] == "completed" for run_id in stack.receipts)


def test_the_database_is_dropped_while_runs_are_open(stack: Stack, databases: Databases) -> None:
    new = stack.publish(60, naps=2)
    stack.wait_until("waiting_approval", len(new) // 2)
    stack.drive()
    databases.drop()
    finish_and_check(stack)


def test_an_older_dump_is_restored_while_runs_are_open(stack: Stack, databases: Databases) -> None:
    new = stack.publish(60)
    stack.wait_until("waiting_approval", len(new) // 2)
    databases.dump()
    stack.wait_until("waiting_approval", len(new))
    stack.drive()
    stack.wait_until("completed", len(stack.receipts) - len(new) // 2)
    more = stack.publish(20)
    assert more
    databases.restore()
    finish_and_check(stack)
