"""The columns that the projector writes are those that the tables have, of the types that it says."""

import ast
import re
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit import store
from penstock.audit.statements import LIVE, statements
from penstock.audit.views.columns import APPROVAL, RUN, TOOL_CALL, Table
from penstock.audit.views.run_event import TYPES, RunEventRow

Views = psycopg.Connection[TupleRow]
WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM|COPY|TRUNCATE)\s+views\.")


@pytest.mark.parametrize("table", [RUN, TOOL_CALL, APPROVAL], ids=lambda table: table.name)
def test_the_declared_columns_are_those_of_the_table(views: Views, table: Table) -> None:
    assert declared(views, table.name) == {**table.types}
    assert table.name in statements(LIVE).upsert
    assert table.name in statements(LIVE).select


def test_the_columns_of_an_event_are_those_of_the_table(views: Views) -> None:
    found = declared(views, "run_event_row")
    assert found == TYPES
    assert tuple(found) == tuple(TYPES) == RunEventRow._fields


def test_whatever_writes_the_views_takes_their_schema() -> None:
    """A statement that names the schema `views` itself would write the live views out of a rebuild."""
    found = [
        f"{path.name}: {node.value.strip()[:60]}"
        for path in Path(store.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and WRITES.search(node.value)
    ]
    assert found == ["swapping.py: UPDATE views.position SET generation = generation + 1"]


def declared(views: Views, table: str) -> dict[str, str]:
    """The columns that somebody has to write, with their types as Postgres names them inside."""
    found = views.execute(
        "SELECT a.attname, CASE WHEN t.typelem <> 0 AND t.typname LIKE '\\_%%' THEN substr(t.typname, 2) || '[]'"
        " ELSE t.typname END FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND attgenerated = '' ORDER BY attnum",
        (f"views.{table}",),
    )
    return {str(name): str(kind) for name, kind in found}
