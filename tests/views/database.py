"""One database with the views for a whole session; each test finds it empty."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow

from penstock.runtime.postgres import migrate, migrations

# Making ten tables and forty indexes anew takes a seventh of a second; a few rows are deleted in no time.
TABLES = (
    *(
        "views.run_row",
        "views.run_event_row",
        "views.tool_call_row",
        "views.approval_row",
        "views.run_attribute",
    ),
    *("views.dead_letter", "views.operator_action", "views.position", "penstock.bulk", "penstock.bulk_run"),
)
EMPTY = "; ".join(f"DELETE FROM {table}" for table in TABLES).encode()
MADE_ANEW = f"TRUNCATE {', '.join(TABLES)}".encode()
SMALL_BYTES = 2**20


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
    """The same database without a row."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT pg_relation_size('views.run_event_row') + pg_relation_size('views.run_row')"
        )
        (size_bytes,) = row.fetchone() or (0,)
        connection.execute(EMPTY if size_bytes < SMALL_BYTES else MADE_ANEW)
    return url


def address(connection: psycopg.Connection[TupleRow]) -> str:
    """Where this connection leads, with the password, which psycopg leaves out of a connection's own dsn."""
    return make_conninfo(connection.info.dsn, password=connection.info.password)
