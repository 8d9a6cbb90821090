"""What rebuilds have left in a database: a shadow that is being filled or was abandoned, tables that were replaced."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from penstock.audit import shadow as shadows
from penstock.audit.shadowing import LOCK
from penstock.audit.tables import POSITION

_BYTES: Final = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'"""
_AT_WORK: Final = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) + objid::bigint = %s)"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A rebuild that isn't done. `at_work`: a process is at it; `records` as many as the views have read now."""

    rebuild: str
    view: str
    subject: str
    reason: str
    begun_at: datetime
    at_work: bool
    records_done: int
    records: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Leftovers:
    """`before`: by schema how many bytes the replaced tables in it take."""

    begun: Begun | None
    before: Mapping[str, int]


def leftovers(connection: Connection[TupleRow]) -> Leftovers:
    """What is there now."""
    shadow = shadows.found(connection)
    begun = None
    if shadow is not None:
        done = sql.Identifier(shadow.schema, POSITION)
        begun = Begun(
            rebuild=shadow.ident,
            view=shadow.asked,
            subject=shadow.subject,
            reason=shadow.reason,
            begun_at=shadow.begun_at,
            at_work=bool(_number(connection, _AT_WORK, LOCK)),
            records_done=_read(connection, done),
            records=_read(connection, sql.Identifier("views", POSITION)),
            size_bytes=_number(connection, _BYTES, shadow.schema),
        )
    return Leftovers(begun, {name: _number(connection, _BYTES, name) for name in shadows.kept(connection)})


def _read(connection: Connection[TupleRow], table: sql.Identifier) -> int:
    row = connection.execute(
        sql.SQL("SELECT coalesce(sum(position - first), 0)::bigint FROM {}").format(table)
    ).fetchone()
    return int(row[0]) if row else 0


def _number(connection: Connection[TupleRow], select: str, value: str | int) -> int:
    row = connection.execute(select.encode(), (value,)).fetchone()
    return int(row[0]) if row else 0
