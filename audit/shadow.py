"""A shadow of the views: a schema with the same tables, empty at first, that a rebuild folds the log into.

Reads and writes Postgres's catalogue. A shadow is made in one transaction, with what it is for in its table `rebuild`:
there is none or a whole one. What only readers need (policies, grants, triggers) comes with the swap.
"""

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, LiteralString, TypeAlias

from psycopg import Connection, sql
from psycopg.errors import DependentObjectsStillExist
from psycopg.rows import TupleRow, class_row

from penstock.audit.statements import LIVE
from penstock.audit.tables import POSITION, tables
from penstock.runtime.errors import SetupError

SHADOW: Final = "views_shadow_"
BEFORE: Final = "views_before_"
REBUILD: Final = "rebuild"
Statement: TypeAlias = sql.SQL | sql.Composed

_SCHEMAS: Final = "SELECT nspname::text FROM pg_namespace WHERE starts_with(nspname, %s) ORDER BY nspname"
_OPTIONS: Final = "SELECT reloptions FROM pg_class WHERE oid = %s::regclass"
# As they are said where the views are on the search path: without a schema, so that they can be said of another one.
_CONSTRAINTS: Final = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u')
ORDER BY conname"""
_INDEXES: Final = """
SELECT pg_get_indexdef(i.indexrelid, 0, true) FROM pg_index AS i
WHERE i.indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
ORDER BY i.indexrelid"""
_MIGRATIONS: Final = """
SELECT coalesce(string_agg(name, ' ' ORDER BY name), '') FROM public.penstock_migration
WHERE name LIKE '%\\_views.sql'"""


class ShadowStands(SetupError):
    """A rebuild was begun before and isn't done: go on with it, or drop it, as the message says."""


@dataclass(frozen=True, slots=True)
class Shadow:
    """A rebuild as its schema tells it. `asked`: a view, or all; `made_by`: the code and tables that it is of."""

    ident: str
    asked: str
    subject: str
    reason: str
    made_by: str
    begun_at: datetime

    @property
    def schema(self) -> str:
        """Where its tables are."""
        return SHADOW + self.ident

    @property
    def before(self) -> str:
        """Where the tables go whose place its own take."""
        return BEFORE + self.ident


def found(connection: Connection[TupleRow]) -> Shadow | None:
    """The shadow that stands in this database; there is one at most."""
    for (schema,) in connection.execute(_SCHEMAS, (SHADOW,)).fetchall():
        with connection.cursor(row_factory=class_row(Shadow)) as cursor:
            row = cursor.execute(
                sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, REBUILD))
            ).fetchone()
        if row is not None:
            return row
    return None


def kept(connection: Connection[TupleRow]) -> tuple[str, ...]:
    """The schemas that hold what swaps have replaced."""
    return tuple(name for (name,) in connection.execute(_SCHEMAS, (BEFORE,)).fetchall())


def refuse_a_second(connection: Connection[TupleRow]) -> None:
    """Raises ShadowStands if a shadow is there."""
    if (standing := found(connection)) is not None:
        raise ShadowStands(
            f"rebuild {standing.ident} of {standing.asked} was begun at {standing.begun_at:%Y-%m-%d %H:%M} and isn't"
            " done: `penstock rebuild --resume` goes on with it, `penstock rebuild --drop` removes it"
        )


def new_ident() -> str:
    """An id that no rebuild has yet."""
    return secrets.token_hex(4)


def make(connection: Connection[TupleRow], ident: str, asked: str, subject: str, reason: str) -> Shadow:
    """An empty shadow of all views. Whoever makes one rebuilds alone, and has looked that there is none."""
    schema = SHADOW + ident
    with connection.transaction():
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        for name in (*(table.name for table in tables(connection)), POSITION):
            for statement in _copied(connection, schema, name):
                connection.execute(statement)
        about = sql.Identifier(schema, REBUILD)
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} (ident text, asked text, subject text, reason text, made_by text,"
                " begun_at timestamptz DEFAULT clock_timestamp())"
            ).format(about)
        )
        row = (ident, asked, subject, reason, stamp(connection))
        connection.execute(sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s, %s)").format(about), row)
    made = found(connection)
    assert made is not None
    return made


def drop(connection: Connection[TupleRow]) -> tuple[str, ...]:
    """Remove the shadow, and what swaps have replaced; the schemas that are gone.

    Raises SetupError if somebody's own view stands on such a table.
    """
    gone = [
        name for prefix in (SHADOW, BEFORE) for (name,) in connection.execute(_SCHEMAS, (prefix,)).fetchall()
    ]
    for schema in gone:
        remove(connection, schema)
    return tuple(gone)


def remove(connection: Connection[TupleRow], schema: str) -> None:
    """Drop a schema with its tables, and nothing else that stands on them. Raises SetupError."""
    select = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace"
    try:
        with connection.transaction():
            names = [name for (name,) in connection.execute(select, (f'"{schema}"',)).fetchall()]
            for name in names:
                connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(schema, name)))
            connection.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(schema)))
    except DependentObjectsStillExist as error:
        said = " ".join(str(error).split())
        raise SetupError(f"{schema} can't be dropped: {said}. Drop what stands on it first") from error


def stamp(connection: Connection[TupleRow]) -> str:
    """What a row is made by: the migrations of the views, and the code that folds. Half of each would be neither's."""
    migrations = connection.execute(_MIGRATIONS).fetchone()
    digest = hashlib.sha256(str(migrations).encode())
    for source in _sources(files("penstock.audit")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for name in (
        "applier.py",
        "changes.py",
        "projection.py",
        "schedule_rows.py",
        "statements.py",
        "store.py",
    ):
        yield folder.joinpath(name)
    views = (each for each in folder.joinpath("views").iterdir() if each.name.endswith(".py"))
    yield from sorted(views, key=lambda each: each.name)


def _copied(connection: Connection[TupleRow], schema: str, name: str) -> Iterator[Statement]:
    """What makes an empty table like the one of the views, its indexes under their own names."""
    live, own = sql.Identifier(LIVE, name), sql.Identifier(schema, name)
    (options,) = _asked(connection, _OPTIONS, name)[0]
    with_options: Statement = sql.SQL("")
    if options:
        pairs = (option.partition("=") for option in options)
        told = (sql.SQL("{} = {}").format(sql.Identifier(key), sql.Literal(to)) for key, _, to in pairs)
        with_options = sql.SQL(" WITH ({})").format(sql.SQL(", ").join(told))
    yield sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES){}").format(
        own, live, with_options
    )
    for constraint, definition in _asked(connection, _CONSTRAINTS, name):
        yield sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            own, sql.Identifier(constraint), verbatim(definition)
        )
    indexes = _asked(connection, _INDEXES, name)
    yield search(schema, LIVE)
    for (definition,) in indexes:
        yield verbatim(definition)


def search(*schemas: str) -> sql.Composed:
    """Look names without a schema up in these, until the transaction ends."""
    return sql.SQL("SET LOCAL search_path TO {}").format(sql.SQL(", ").join(map(sql.Identifier, schemas)))


def verbatim(said: str) -> sql.SQL:
    """What Postgres's catalogue says, as it says it."""
    return sql.SQL(said)  # pyright: ignore[reportArgumentType] it is no literal of ours


def _asked(connection: Connection[TupleRow], select: LiteralString, name: str) -> list[TupleRow]:
    connection.execute(search(LIVE))
    return connection.execute(select, (f'{LIVE}."{name}"',)).fetchall()
