"""One database with the views for a whole session; each test finds it empty."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from penstock.runtime.postgres import migrate, migrations

SMALL_BYTES = 2**20
_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname = 'views' OR (schemaname = 'penstock' AND tablename IN ('bulk', 'bulk_run'))"""
_SIZE = "SELECT pg_relation_size('views.run_event_row') + pg_relation_size('views.run_row')"
# What of the rest the API's tests need.
API_KEYS = ("0011_api_keys.sql", "0019_webhooks.sql", "0022_groups.sql")


@contextmanager
def database_with_views(server: str) -> Iterator[str]:
    """The address of a new database that has the views; it is dropped afterwards."""
    name = f"test_views_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_conninfo(server, dbname=name)
    migrate(url, known=tuple(each for each in migrations() if each.name.endswith("_views.sql")))
    yield url
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def empty(url: str) -> str:
    """The same database without a row.

    Making all tables and indexes anew takes a seventh of a second; a few rows are deleted in no time.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        (size_bytes,) = connection.execute(_SIZE).fetchone() or (0,)
        if size_bytes > SMALL_BYTES:
            make_anew(connection)
        else:
            connection.execute("; ".join(f"DELETE FROM {table}" for table in _tables(connection)).encode())
    return url


def make_anew(connection: psycopg.Connection[TupleRow]) -> None:
    """Empty its tables, and leave nothing of earlier rows in their indexes."""
    connection.execute(f"TRUNCATE {', '.join(_tables(connection))}".encode())


def _tables(connection: psycopg.Connection[TupleRow]) -> list[str]:
    return [table for (table,) in connection.execute(_TABLES)]


def address(connection: psycopg.Connection[TupleRow]) -> str:
    """Where this connection leads, with the password, which psycopg leaves out of a connection's own dsn."""
    return make_conninfo(connection.info.dsn, password=connection.info.password)
