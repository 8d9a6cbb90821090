"""Which tables the views stand on, as the database itself knows them: a new view is in here by being migrated.

Reads Postgres's catalogue. How far the views are (`position`) is no view and isn't among them.
"""

from dataclasses import dataclass
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow, class_row

from penstock.audit.statements import LIVE

POSITION: Final = "position"
# Tables below SQL views of the same name.
_BELOW: Final = "_row"

_TABLES: Final = """
SELECT c.relname::text AS name,
       ARRAY(SELECT a.attname::text FROM pg_index AS i
             CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, n)
             JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
             WHERE i.indrelid = c.oid AND i.indisprimary ORDER BY k.n) AS key,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             ORDER BY a.attnum) AS columns,
       ARRAY(SELECT a.attname::text FROM pg_attribute AS a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.atttypid IN ('json'::regtype, 'xml'::regtype)) AS texts
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname <> 'position' ORDER BY c.relname"""


@dataclass(frozen=True, slots=True)
class ViewTable:
    """A table, its primary key, its columns without generated ones; `texts`: those that only compare as text."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        # Postgres gives arrays as lists.
        for field in ("key", "columns", "texts"):
            object.__setattr__(self, field, tuple(getattr(self, field)))

    @property
    def view(self) -> str:
        """What people call it: run, not run_row."""
        return self.name.removesuffix(_BELOW)


def tables(connection: Connection[TupleRow], schema: str = LIVE) -> tuple[ViewTable, ...]:
    """The tables of the views, by name."""
    with connection.cursor(row_factory=class_row(ViewTable)) as cursor:
        return tuple(cursor.execute(_TABLES, (schema,)).fetchall())
