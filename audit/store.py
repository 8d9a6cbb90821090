"""The views in Postgres, as the projector meets them: positions, rows of runs, a batch in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from psycopg import Connection, sql
from psycopg.rows import TupleRow, dict_row

from penstock.audit.projection import Changes, RunRows
from penstock.audit.views.columns import APPROVAL, RUN, TOOL_CALL, Row, Table
from penstock.audit.views.dead_letter import DeadLetterRow
from penstock.audit.views.readable import dumps
from penstock.audit.views.run_event import RunEventRow
from penstock.producers.log import LogIdentity

_ESCAPED_NUL: Final = b"\\u0000"


class Fenced(Exception):
    """Somebody else moved a position, or made the views anew: forget the rows, take the partitions anew."""


class Move(NamedTuple):
    """A position moves from `old` to `new`; `epoch` is the highest owner's seen before `new`."""

    topic: str
    partition: int
    old: int
    new: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Place:
    """How far the views are in a partition, and of which log."""

    position: int
    epoch: int
    identity: LogIdentity


def _upsert(table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    changed = [name for name in table.columns if name != table.key]
    return sql.SQL(
        "INSERT INTO {table} ({columns})"
        " SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json)"
        " ON CONFLICT ({key}) DO UPDATE SET ({changed}) = ROW({new})"
    ).format(
        table=sql.Identifier("views", table.name),
        columns=columns,
        key=sql.Identifier(table.key),
        changed=sql.SQL(", ").join(map(sql.Identifier, changed)),
        new=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in changed),
    )


def _select(table: Table) -> sql.Composed:
    return sql.SQL("SELECT {columns} FROM {table} WHERE run_id = ANY(%s)").format(
        columns=sql.SQL(", ").join(
            sql.SQL("{0}::text AS {0}" if name in table.json else "{0}").format(sql.Identifier(name))
            for name in table.columns
        ),
        table=sql.Identifier("views", table.name),
    )


_UPSERT: Final = {table.name: _upsert(table).as_bytes(None) for table in (RUN, TOOL_CALL, APPROVAL)}
_SELECT: Final = {table.name: _select(table).as_bytes(None) for table in (RUN, TOOL_CALL, APPROVAL)}
_COPY_RUN_EVENTS: Final = sql.SQL("COPY views.run_event ({}) FROM STDIN").format(
    sql.SQL(", ").join(map(sql.Identifier, RunEventRow._fields))
)
_DEAD_LETTERS: Final = (
    "INSERT INTO views.dead_letter SELECT * FROM json_populate_recordset(NULL::views.dead_letter, %s::json)"
    " ON CONFLICT DO NOTHING"
)
_MOVE: Final = """
UPDATE views.position AS p SET position = m.new, epoch = m.epoch
FROM json_to_recordset(%s::json) AS m(topic text, partition int, old bigint, new bigint, epoch bigint)
WHERE p.topic = m.topic AND p.partition = m.partition AND p.position = m.old"""


def write(connection: Connection[TupleRow], moves: Sequence[Move], changes: Changes) -> None:
    """Move the positions and write the rows, all or nothing.

    Raises Fenced, having written nothing, if a position isn't where the moves say.
    """
    with connection.transaction():
        moved = connection.execute(_MOVE, (_rows_json([move._asdict() for move in moves]),))
        if moved.rowcount != len(moves):
            stolen = len(moves) - moved.rowcount
            raise Fenced(f"{stolen} of {len(moves)} positions aren't where this projector left them")
        if changes.run_events:
            with connection.cursor().copy(_COPY_RUN_EVENTS) as copy:
                for event in changes.run_events:
                    copy.write_row(event)
        for table, rows in ((RUN, changes.runs), (TOOL_CALL, changes.calls), (APPROVAL, changes.approvals)):
            if rows:
                connection.execute(_UPSERT[table.name], (_document(table, rows),))
        if changes.dead_letters:
            rows_json = _rows_json([_dead_letter(row) for row in changes.dead_letters])
            connection.execute(_DEAD_LETTERS, (rows_json,))


def load(connection: Connection[TupleRow], run_ids: Collection[str]) -> dict[str, RunRows]:
    """The rows of these runs as the views have them; empty rows for runs that they don't know."""
    found = {run_id: RunRows() for run_id in run_ids}
    wanted = (list(run_ids),)
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_SELECT["run"], wanted):
            found[row["run_id"]].run = _row(row)
        for row in cursor.execute(_SELECT["tool_call"], wanted):
            found[row["run_id"]].calls[row["call_id"]] = _row(row)
        for row in cursor.execute(_SELECT["approval"], wanted):
            found[row["run_id"]].approvals[row["approval_id"]] = _row(row)
    return found


def places(connection: Connection[TupleRow], topics: Collection[str]) -> dict[tuple[str, int], Place]:
    """Where the views stand, by (topic, partition). A partition that was never read isn't there."""
    rows = connection.execute(
        "SELECT topic, partition, position, epoch, cluster_id, topic_id FROM views.position"
        " WHERE topic = ANY(%s)",
        (list(topics),),
    )
    return {
        (topic, partition): Place(position, epoch, LogIdentity(cluster_id, topic_id))
        for topic, partition, position, epoch, cluster_id, topic_id in rows
    }


def begin(connection: Connection[TupleRow], topic: str, partition: int, start: int, log: LogIdentity) -> None:
    """Make the row of a partition that was never read; leaves one alone that is there."""
    connection.execute(
        "INSERT INTO views.position VALUES (%s, %s, %s, 0, %s, %s) ON CONFLICT DO NOTHING",
        (topic, partition, start, log.cluster_id, log.topic_id),
    )


def _document(table: Table, rows: Sequence[Row]) -> str:
    """Rows as one JSON array; columns that hold JSON go in as they are, byte for byte."""
    made: list[dict[str, object]] = []
    for row in rows:
        columns: dict[str, object] = dict(row)
        for name in table.json:
            value = row.get(name)
            if isinstance(value, str):
                columns[name] = orjson.Fragment(value)
        made.append(columns)
    return _rows_json(made)


def _rows_json(rows: Sequence[Mapping[str, Any]]) -> str:
    encoded = orjson.dumps(rows)
    # Postgres can't unpack a NUL: only a document that has one pays for taking it out.
    return encoded.decode() if _ESCAPED_NUL not in encoded else dumps(orjson.loads(encoded))


def _dead_letter(row: DeadLetterRow) -> dict[str, object]:
    """Bytes as Postgres reads them from text."""
    return row._asdict() | {
        "key": None if row.key is None else "\\x" + row.key.hex(),
        "value": None if row.value is None else "\\x" + row.value.hex(),
        "headers": orjson.Fragment(row.headers),
    }


def _row(columns: Mapping[str, Any]) -> Row:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in columns.items()}
