"""What the projector says to Postgres: every statement that writes the views, of the tables of one schema.

A statement that names the schema itself, instead of `{views}`, would write the live views out of a rebuild.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, LiteralString

from psycopg import sql

from penstock.audit.views import run_attribute, run_event
from penstock.audit.views.columns import APPROVAL, RUN, TOOL_CALL, Table
from penstock.audit.views.schedule import SCHEDULE

# The schema that everybody reads. A rebuild fills another one beside it, by the same statements.
LIVE: Final = "views"


@dataclass(frozen=True, slots=True)
class Statements:
    """What is said to Postgres of the tables of one schema; those of rows that are folded by their table's name."""

    upsert: Mapping[str, bytes]
    select: Mapping[str, bytes]
    copy: Mapping[str, bytes]
    copy_run_events: bytes
    copy_run_attributes: bytes
    copy_schedule_events: bytes
    dead_letters: bytes
    actions: bytes
    feedback: bytes
    move: bytes
    places: bytes
    begin: bytes


def _upsert(schema: str, table: Table) -> bytes:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.types))
    changed = [name for name in table.types if name != table.key]
    upsert = sql.SQL(
        "INSERT INTO {table} ({columns})"
        " SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s::json)"
        " ON CONFLICT ({key}) DO UPDATE SET ({changed}) = ROW({new})"
    ).format(
        table=sql.Identifier(schema, table.name),
        columns=columns,
        key=sql.Identifier(table.key),
        changed=sql.SQL(", ").join(map(sql.Identifier, changed)),
        new=sql.SQL(", ").join(sql.Identifier("excluded", name) for name in changed),
    )
    return upsert.as_bytes(None)


def _select(schema: str, table: Table) -> bytes:
    select = sql.SQL("SELECT {columns} FROM {table} WHERE {by} = ANY(%s)").format(
        by=sql.Identifier("schedule_id" if table is SCHEDULE else "run_id"),
        columns=sql.SQL(", ").join(map(sql.Identifier, table.types)),
        table=sql.Identifier(schema, table.name),
    )
    return select.as_bytes(None)


def _copy(schema: str, table: str, columns: Iterable[str]) -> bytes:
    return (
        sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)")
        .format(sql.Identifier(schema, table), sql.SQL(", ").join(map(sql.Identifier, columns)))
        .as_bytes(None)
    )


# In the order of Changes' rows of them.
FOLDED: Final = (RUN, TOOL_CALL, APPROVAL, SCHEDULE)
_SCHEDULE_EVENT: Final = ("schedule_id", *list(run_event.TYPES)[1:])
_DEAD_LETTERS: Final = """
INSERT INTO {views}.dead_letter SELECT * FROM json_populate_recordset(NULL::{views}.dead_letter, %s::json)
ON CONFLICT DO NOTHING"""
_ACTIONS: Final = """
INSERT INTO {views}.operator_action SELECT * FROM json_populate_recordset(NULL::{views}.operator_action, %s::json)
ON CONFLICT DO NOTHING"""
_FEEDBACK: Final = """
INSERT INTO {views}.feedback SELECT * FROM json_populate_recordset(NULL::{views}.feedback, %s::json)
ON CONFLICT DO NOTHING"""
_MOVE: Final = """
UPDATE {views}.position AS p SET position = m.new, epoch = m.epoch
FROM json_to_recordset(%s::json)
  AS m(topic text, partition int, old bigint, new bigint, epoch bigint, generation bigint)
WHERE p.topic = m.topic AND p.partition = m.partition AND p.position = m.old AND p.generation = m.generation"""
_PLACES: Final = """
SELECT topic, partition, position, epoch, cluster_id, topic_id, generation FROM {views}.position
WHERE topic = ANY(%s)"""
_BEGIN: Final = "INSERT INTO {views}.position VALUES (%s, %s, %s, 0, %s, %s, %s) ON CONFLICT DO NOTHING"


@cache
def statements(schema: str) -> Statements:
    """The statements of that schema: of the views, or of a shadow of theirs. Made once a process."""

    def said(statement: LiteralString) -> bytes:
        return sql.SQL(statement).format(views=sql.Identifier(schema)).as_bytes(None)

    return Statements(
        {table.name: _upsert(schema, table) for table in FOLDED},
        {table.name: _select(schema, table) for table in FOLDED},
        {table.name: _copy(schema, table.name, table.types) for table in FOLDED},
        copy_run_events=_copy(schema, "run_event_row", run_event.TYPES),
        copy_run_attributes=_copy(schema, "run_attribute", run_attribute.TYPES),
        copy_schedule_events=_copy(schema, "schedule_event_row", _SCHEDULE_EVENT),
        dead_letters=said(_DEAD_LETTERS),
        actions=said(_ACTIONS),
        feedback=said(_FEEDBACK),
        move=said(_MOVE),
        places=said(_PLACES),
        begin=said(_BEGIN),
    )
