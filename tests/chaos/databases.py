"""A database replaced under the feet of its users: dropped, or put back as an older dump had it."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from penstock.cli.local.postgres import LocalPostgres
from penstock.runtime.postgres import migrate

DUMP = "dump"


class Databases:
    """The database of that address, and one dump of it, on a server of our own."""

    def __init__(self, server: LocalPostgres, url: str) -> None:
        self._admin, self._url = server.url_of("postgres"), url
        self._name = conninfo_to_dict(url)["dbname"]

    def dump(self) -> None:
        """Keep the database as it is now."""
        self._run(
            f"DROP DATABASE IF EXISTS {DUMP}",
            f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false",
            self._terminate(),
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

    def terminate(self) -> None:
        """End every connection to it."""
        self._run(self._terminate())

    def _terminate(self) -> str:
        return f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'"

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self._admin, autocommit=True, connect_timeout=10) as connection:
            for statement in statements:
                connection.execute(statement.encode())
