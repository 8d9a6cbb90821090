"""The views in Postgres, as the projector meets them: positions, rows of runs, a batch in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
from psycopg import Connection
from psycopg.rows import TupleRow, dict_row

from penstock.audit.changes import Changes
from penstock.audit.projection import RunRows
from penstock.audit.statements import FOLDED, LIVE, statements
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
    """A position moves from `old` to `new`; `epoch` is the highest owner's seen before `new`. `generation` is that of
    the tables when the partition was taken."""

    topic: str
    partition: int
    old: int
    new: int
    epoch: int
    generation: int


@dataclass(frozen=True, slots=True)
class Place:
    """How far the views are in a partition, and of which log."""

    position: int
    epoch: int
    identity: LogIdentity
    generation: int = 0


def write(
    connection: Connection[TupleRow], moves: Sequence[Move], changes: Changes, schema: str = LIVE
) -> None:
    """Move the positions and write the rows, all or nothing.

    Raises Fenced, having written nothing, if a position isn't where the moves say.
    """
    say = statements(schema)
    with connection.transaction():
        moved = connection.execute(say.move, (_rows_json([move._asdict() for move in moves]),))
        if moved.rowcount != len(moves):
            stolen = len(moves) - moved.rowcount
            raise Fenced(f"{stolen} of {len(moves)} positions aren't where this projector left them")
        _insert(connection, say.copy_run_events, run_event.TYPES, changes.run_events)
        _insert(connection, say.copy_run_attributes, run_attribute.TYPES, changes.run_attributes)
        _insert(connection, say.copy_schedule_events, run_event.TYPES, changes.schedule_events)
        folded = (changes.runs, changes.calls, changes.approvals, changes.schedules)
        for table, rows in zip(FOLDED, folded, strict=True):
            _insert(connection, say.copy[table.name], table.types, (_values(table, row) for row in rows.new))
            if rows.changed:
                connection.execute(say.upsert[table.name], (_rows_json(rows.changed),))
        if changes.dead_letters:
            rows_json = _rows_json([_dead_letter(row) for row in changes.dead_letters])
            connection.execute(say.dead_letters, (rows_json,))
        if changes.actions:
            connection.execute(say.actions, (_rows_json([_action(row) for row in changes.actions]),))
        if changes.feedback:
            connection.execute(say.feedback, (_rows_json([_thought(row) for row in changes.feedback]),))


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


def load(
    connection: Connection[TupleRow], run_ids: Collection[str], schema: str = LIVE
) -> dict[str, RunRows]:
    """The rows of these runs as the views have them; empty rows for runs that they don't know."""
    select = statements(schema).select
    found = {run_id: RunRows() for run_id in run_ids}
    wanted = (list(run_ids),)
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(select[RUN.name], wanted):
            found[row["run_id"]].run = _row(row)
        for row in cursor.execute(select[TOOL_CALL.name], wanted):
            found[row["run_id"]].calls[row["call_id"]] = _row(row)
        for row in cursor.execute(select[APPROVAL.name], wanted):
            found[row["run_id"]].approvals[row["approval_id"]] = _row(row)
    return found


def load_schedules(
    connection: Connection[TupleRow], schedule_ids: Collection[str], schema: str = LIVE
) -> dict[str, Row]:
    """The rows of these schedules as the views have them; empty ones for those that they don't know."""
    found: dict[str, Row] = {schedule_id: {} for schedule_id in schedule_ids}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(statements(schema).select[SCHEDULE.name], (list(schedule_ids),)):
            found[row["schedule_id"]] = _row(row)
    return found


def places(
    connection: Connection[TupleRow], topics: Collection[str], schema: str = LIVE
) -> dict[tuple[str, int], Place]:
    """Where the views stand, by (topic, partition). A partition that was never read isn't there."""
    rows = connection.execute(statements(schema).places, (list(topics),))
    return {
        (topic, partition): Place(position, epoch, LogIdentity(cluster_id, topic_id), generation)
        for topic, partition, position, epoch, cluster_id, topic_id, generation in rows
    }


def begin(
    connection: Connection[TupleRow],
    topic: str,
    partition: int,
    start: int,
    log: LogIdentity,
    schema: str = LIVE,
) -> None:
    """Make the row of a partition that was never read; leaves one alone that is there."""
    place = (topic, partition, start, log.cluster_id, log.topic_id, start)
    connection.execute(statements(schema).begin, place)


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
