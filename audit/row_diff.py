"""Which rows of the views and of a shadow differ: found by Postgres, in its own bounded memory, in one snapshot.

Both must stand at the same positions when it is asked, or records that only one of them has seen would be differences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from psycopg import Connection, sql
from psycopg.rows import TupleRow, dict_row

from penstock.audit.statements import LIVE
from penstock.audit.tables import ViewTable

# Of a row: the views have it and the log doesn't give it, the other way round, or both have it otherwise.
Kind: TypeAlias = Literal["only_in_views", "only_in_log", "differs"]

_FOUND: Final = sql.Identifier("penstock_row_diff")
_COUNTS: Final = sql.SQL("SELECT diff_kind, count(*) FROM {} GROUP BY diff_kind").format(_FOUND)
_COLUMNS: Final = sql.SQL(
    "SELECT c, count(*) FROM {}, unnest(diff_columns) AS c WHERE diff_kind = 'differs' GROUP BY c ORDER BY c"
).format(_FOUND)


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row. `columns`: those that differ; each side's values by column, None for one that lacks the row."""

    key: Mapping[str, Any]
    kind: Kind
    columns: tuple[str, ...]
    in_views: Mapping[str, Any] | None
    in_log: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class TableDiff:
    """One view: how many rows the log gives, how many are in which way otherwise, how often which column, and the first
    rows in full, by key."""

    view: str
    rows: int
    only_in_views: int
    only_in_log: int
    differ: int
    columns: Mapping[str, int]
    first: tuple[RowDifference, ...]

    @property
    def differences(self) -> int:
        """How many rows aren't the same."""
        return self.only_in_views + self.only_in_log + self.differ


def row_diff(connection: Connection[TupleRow], table: ViewTable, schema: str, first: int) -> TableDiff:
    """Compare a table of the views with that of a shadow, within the transaction that is open; `first`: how many rows
    to give in full. Leaves nothing behind."""
    connection.execute(_find(table, schema))
    counts: dict[str, int] = dict(connection.execute(_COUNTS).fetchall())
    columns: dict[str, int] = dict(connection.execute(_COLUMNS).fetchall())
    with connection.cursor(row_factory=dict_row) as cursor:
        shown = tuple(_shown(table, row) for row in cursor.execute(_first(table, schema), (first,)))
    rows = connection.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table.name))
    ).fetchone()
    connection.execute(sql.SQL("DROP TABLE {}").format(_FOUND))
    return TableDiff(
        table.view,
        int(rows[0]) if rows else 0,
        counts.get("only_in_views", 0),
        counts.get("only_in_log", 0),
        counts.get("differs", 0),
        columns,
        shown,
    )


def _find(table: ViewTable, schema: str) -> sql.Composed:
    """The keys of rows that differ, into a table of this session's: there may be millions."""
    keys = sql.SQL(", ").join(
        sql.SQL("coalesce(v.{key}, s.{key}) AS {key}").format(key=sql.Identifier(key)) for key in table.key
    )
    return sql.SQL(
        "CREATE TEMP TABLE {found} ON COMMIT DROP AS SELECT {keys},"
        " CASE WHEN s.{one} IS NULL THEN 'only_in_views' WHEN v.{one} IS NULL THEN 'only_in_log' ELSE 'differs' END"
        " AS diff_kind, array_remove(ARRAY[{names}]::text[], NULL) AS diff_columns"
        " FROM {live} AS v FULL JOIN {shadow} AS s ON {same}"
        " WHERE v.{one} IS NULL OR s.{one} IS NULL OR {other}"
    ).format(
        found=_FOUND,
        keys=keys,
        one=sql.Identifier(table.key[0]),
        names=sql.SQL(", ").join(
            sql.SQL("CASE WHEN {} THEN {} END").format(_other(table, name), sql.Literal(name))
            for name in table.columns
        ),
        live=sql.Identifier(LIVE, table.name),
        shadow=sql.Identifier(schema, table.name),
        same=_same(table, "v", "s"),
        other=sql.SQL(" OR ").join((sql.SQL("false"), *(_other(table, name) for name in table.columns))),
    )


def _first(table: ViewTable, schema: str) -> sql.Composed:
    return sql.SQL(
        "SELECT f.diff_kind, f.diff_columns, to_json(v) AS in_views, to_json(s) AS in_log FROM {found} AS f"
        " LEFT JOIN {live} AS v ON {of_views} LEFT JOIN {shadow} AS s ON {of_shadow} ORDER BY {keys} LIMIT %s"
    ).format(
        found=_FOUND,
        live=sql.Identifier(LIVE, table.name),
        shadow=sql.Identifier(schema, table.name),
        of_views=_same(table, "v", "f"),
        of_shadow=_same(table, "s", "f"),
        keys=sql.SQL(", ").join(sql.Identifier("f", key) for key in table.key),
    )


def _same(table: ViewTable, one: str, other: str) -> sql.Composed:
    pairs = (
        sql.SQL("{} = {}").format(sql.Identifier(one, key), sql.Identifier(other, key)) for key in table.key
    )
    return sql.SQL(" AND ").join(pairs)


def _other(table: ViewTable, name: str) -> sql.Composed:
    # JSON has no equality of its own in Postgres: as it was written it must be the same.
    cast = sql.SQL("::text") if name in table.texts else sql.SQL("")
    column = sql.Identifier(name)
    return sql.SQL("v.{column}{cast} IS DISTINCT FROM s.{column}{cast}").format(column=column, cast=cast)


def _shown(table: ViewTable, row: Mapping[str, Any]) -> RowDifference:
    own = row["in_views"] if row["in_views"] is not None else row["in_log"]
    return RowDifference(
        key={key: own[key] for key in table.key},
        kind=row["diff_kind"],
        columns=tuple(row["diff_columns"]) if row["diff_kind"] == "differs" else (),
        in_views=row["in_views"],
        in_log=row["in_log"],
    )
