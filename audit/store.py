"""The views in Postgres, as the projector meets them: positions, rows of runs, a batch in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from psycopg import Connection, sql
from psycopg.rows import TupleRow, dict_row

from penstock.audit.projection import Changes, RunRows
from penstock.audit.views import run_attribute, run_event
from penstock.audit.views.columns import APPROVAL, RUN, TOOL_CALL, Row, Table
from penstock.audit.views.dead_letter import DeadLetterRow
from penstock.audit.views.feedback import FeedbackRow
from penstock.audit.views.operator_action import OperatorActionRow
from penstock.audit.views.readable import dumps
from penstock.audit.views.schedule import SCHEDULE
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
    columns = sql.SQL(", ").join(map(sql.Identifier, table.types))
    changed = [name for name in table.types if name != table.key]
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
    by = "schedule_id" if table is SCHEDULE else "run_id"
    return sql.SQL("SELECT {columns} FROM {table} WHERE {by} = ANY(%s)").format(
        by=sql.Identifier(by),
        columns=sql.SQL(", ").join(map(sql.Identifier, table.types)),
        table=sql.Identifier("views", table.name),
    )


def _copy(table: str, columns: Iterable[str]) -> bytes:
    return (
        sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
        .format(sql.Identifier("views", table), sql.SQL(", ").join(map(sql.Identifier, columns)))
        .as_bytes(None)
    )


_TABLES: Final = (RUN, TOOL_CALL, APPROVAL, SCHEDULE)
_UPSERT: Final = {table.name: _upsert(table).as_bytes(None) for table in _TABLES}
_SELECT: Final = {table.name: _select(table).as_bytes(None) for table in _TABLES}
_COPY: Final = {table.name: _copy(table.name, table.types) for table in _TABLES}
_COPY_RUN_EVENTS: Final = _copy("run_event_row", run_event.TYPES)
_COPY_SCHEDULE_EVENTS: Final = _copy("schedule_event_row", ("schedule_id", *list(run_event.TYPES)[1:]))
_COPY_RUN_ATTRIBUTES: Final = _copy("run_attribute", run_attribute.TYPES)
_DEAD_LETTERS: Final = (
    "INSERT INTO views.dead_letter SELECT * FROM json_populate_recordset(NULL::views.dead_letter, %s::json)"
    " ON CONFLICT DO NOTHING"
)
_ACTIONS: Final = (
    "INSERT INTO views.operator_action"
    " SELECT * FROM json_populate_recordset(NULL::views.operator_action, %s::json) ON CONFLICT DO NOTHING"
)
_FEEDBACK: Final = (
    "INSERT INTO views.feedback SELECT * FROM json_populate_recordset(NULL::views.feedback, %s::json)"
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
        _insert(connection, _COPY_RUN_EVENTS, run_event.TYPES, changes.run_events)
        _insert(connection, _COPY_RUN_ATTRIBUTES, run_attribute.TYPES, changes.run_attributes)
        _insert(connection, _COPY_SCHEDULE_EVENTS, run_event.TYPES, changes.schedule_events)
        folded = (changes.runs, changes.calls, changes.approvals, changes.schedules)
        for table, rows in zip(_TABLES, folded, strict=True):
            _insert(connection, _COPY[table.name], table.types, (_values(table, row) for row in rows.new))
            if rows.changed:
                connection.execute(_UPSERT[table.name], (_rows_json(rows.changed),))
        if changes.dead_letters:
            rows_json = _rows_json([_dead_letter(row) for row in changes.dead_letters])
            connection.execute(_DEAD_LETTERS, (rows_json,))
        if changes.actions:
            connection.execute(_ACTIONS, (_rows_json([_action(row) for row in changes.actions]),))
        if changes.feedback:
            connection.execute(_FEEDBACK, (_rows_json([_thought(row) for row in changes.feedback]),))


def _insert(
    connection: Connection[TupleRow], copy: bytes, types: Mapping[str, str], rows: Iterable[Sequence[object]]
) -> None:
    """Rows that the views don't have: for Postgres half the work of an upsert."""
    waiting = iter(rows)
    first = next(waiting, None)
    if first is None:
        return
    with connection.cursor().copy(copy) as writing:
        writing.set_types(tuple(types.values()))
        writing.write_row(first)
        for row in waiting:
            writing.write_row(row)


def _values(table: Table, row: Row) -> list[object]:
    """The columns of a row, in the table's order; psycopg knows an array by its being a list."""
    return [list(value) if isinstance(value := row.get(name), tuple) else value for name in table.types]


def load(connection: Connection[TupleRow], run_ids: Collection[str]) -> dict[str, RunRows]:
    """The rows of these runs as the views have them; empty rows for runs that they don't know."""
    found = {run_id: RunRows() for run_id in run_ids}
    wanted = (list(run_ids),)
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_SELECT[RUN.name], wanted):
            found[row["run_id"]].run = _row(row)
        for row in cursor.execute(_SELECT[TOOL_CALL.name], wanted):
            found[row["run_id"]].calls[row["call_id"]] = _row(row)
        for row in cursor.execute(_SELECT[APPROVAL.name], wanted):
            found[row["run_id"]].approvals[row["approval_id"]] = _row(row)
    return found


def load_schedules(connection: Connection[TupleRow], schedule_ids: Collection[str]) -> dict[str, Row]:
    """The rows of these schedules as the views have them; empty ones for those that they don't know."""
    found: dict[str, Row] = {schedule_id: {} for schedule_id in schedule_ids}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_SELECT[SCHEDULE.name], (list(schedule_ids),)):
            found[row["schedule_id"]] = _row(row)
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
        "INSERT INTO views.position VALUES (%s, %s, %s, 0, %s, %s, %s) ON CONFLICT DO NOTHING",
        (topic, partition, start, log.cluster_id, log.topic_id, start),
    )


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


def _action(row: OperatorActionRow) -> dict[str, object]:
    return {**row._asdict(), "detail": orjson.Fragment(row.detail), "actor": orjson.Fragment(row.actor)}


def _thought(row: FeedbackRow) -> dict[str, object]:
    comment = None if row.comment is None else orjson.Fragment(row.comment)
    return {**row._asdict(), "comment": comment, "actor": orjson.Fragment(row.actor)}


def _row(columns: Mapping[str, Any]) -> Row:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in columns.items()}
