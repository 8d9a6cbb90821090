"""Connections to Postgres, and the migrations that every process expects to find applied."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, TypeAlias

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.errors import (
    DeadlockDetected,
    IdleInTransactionSessionTimeout,
    ProgrammingError,
    ReadOnlySqlTransaction,
    TransactionTimeout,
    UndefinedTable,
)
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from penstock.runtime.errors import DatabaseAway, MigrationChanged, NotConfigured
from penstock.runtime.settings import Settings

Connected: TypeAlias = Connection[TupleRow]
# What a statement raises: the database is away, or doesn't have what it is asked for.
DatabaseError: Final = psycopg.Error
# What a connection raises that isn't good any more: the server is away, has ended it because this process was frozen
# within a transaction, or is a standby by now.
BROKEN_OFF: Final = (
    psycopg.OperationalError,
    IdleInTransactionSessionTimeout,
    TransactionTimeout,
    ReadOnlySqlTransaction,
)

# Held while migrations run, so that processes started together apply each of them once.
_MIGRATION_LOCK: Final = 7_306_362_911
# A deadlock is found after a second: so long readers may get in the way of one migration.
_DEADLOCKS_MAX: Final = 30

_CREATE_TABLE: Final = """
CREATE TABLE IF NOT EXISTS public.penstock_migration (
    name text PRIMARY KEY,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `runtime/migrations`."""

    name: str
    sql: bytes

    @property
    def sha256(self) -> str:
        """What the database remembers about the file that it applied."""
        return hashlib.sha256(self.sql).hexdigest()


def connect(where: Settings | str, *, application_name: str = "penstock") -> Connection[TupleRow]:
    """A connection of one's own: autocommit, no JIT (it costs more than it saves on look-ups by primary key).

    Raises DatabaseAway if nobody answers within 10 s, NotConfigured for what isn't an address of Postgres.
    """
    try:
        return psycopg.connect(_conninfo(where, application_name), autocommit=True)
    except psycopg.OperationalError as error:
        said = " ".join(str(error).split())
        raise DatabaseAway(f"Postgres doesn't answer: {said}. Start it, or correct DATABASE_URL") from error


def pool(
    where: Settings | str,
    *,
    size_min: int = 1,
    size_max: int = 4,
    application_name: str = "penstock",
    role: str | None = None,
) -> ConnectionPool[Connection[TupleRow]]:
    """A pool of such connections, opened in the background: the first one waits if Postgres is away.

    `role`: whom they act as, instead of the user that logs in.
    """
    options: dict[str, Any] = {"autocommit": True}
    return ConnectionPool(
        _conninfo(where, application_name, role),
        kwargs=options,
        min_size=size_min,
        max_size=size_max,
        name=application_name,
        open=True,
        check=ConnectionPool.check_connection,
    )


def migrations() -> tuple[Migration, ...]:
    """Every migration in the package, in the order of their numbers."""
    folder: Traversable = files("penstock.runtime").joinpath("migrations")
    found = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name
    )
    return tuple(Migration(entry.name, entry.read_bytes()) for entry in found)


def migrate(where: Settings | str, *, known: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
    """Apply what isn't applied yet, each file once, in its own transaction; the names of those applied now.

    Raises MigrationChanged if an applied file is no longer what it was, DatabaseAway if nobody answers.
    """
    applied_now: list[str] = []
    with connect(where, application_name="penstock.migrate") as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute(_CREATE_TABLE)
        for migration in _missing(connection, migrations() if known is None else known):
            _apply(connection, migration)
            applied_now.append(migration.name)
    return tuple(applied_now)


def _apply(connection: Connection[TupleRow], migration: Migration) -> None:
    """In one transaction; again if it met a reader's that holds what it wants, and wants what it holds."""
    for left in reversed(range(_DEADLOCKS_MAX)):
        try:
            with connection.transaction():
                connection.execute(migration.sql)
                connection.execute(
                    "INSERT INTO public.penstock_migration (name, sha256) VALUES (%s, %s)",
                    (migration.name, migration.sha256),
                )
        except DeadlockDetected:
            if not left:
                raise
        else:
            return


def pending(where: Settings | str) -> tuple[str, ...]:
    """The names of the migrations that this database lacks. Raises as migrate does."""
    with connect(where, application_name="penstock.preflight") as connection:
        return tuple(migration.name for migration in _missing(connection, migrations()))


def _missing(connection: Connection[TupleRow], known: tuple[Migration, ...]) -> list[Migration]:
    try:
        applied: dict[str, str] = dict(
            connection.execute("SELECT name, sha256 FROM public.penstock_migration").fetchall()
        )
    except UndefinedTable:
        applied = {}
    for migration in known:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationChanged(
                f"{migration.name} isn't the file that this database applied: put it back as it was and "
                "write a new migration, or, if the data may go, drop the database"
            )
    return [migration for migration in known if migration.name not in applied]


def _conninfo(where: Settings | str, application_name: str, role: str | None = None) -> str:
    url = where if isinstance(where, str) else where.database_url
    options = "-c jit=off" if role is None else f"-c jit=off -c role={role}"
    try:
        return make_conninfo(url, application_name=application_name, options=options, connect_timeout=10)
    except ProgrammingError:
        # Its own words quote the address, which may hold a password.
        raise NotConfigured(
            "DATABASE_URL isn't an address of Postgres: write it as postgresql://user:password@host:5432/database"
        ) from None
