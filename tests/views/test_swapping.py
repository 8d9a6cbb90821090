"""The swap: what stands on the tables stays, what remembers the old ones is fenced, what can't be moved is named."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit import shadow as shadows
from penstock.audit.applier import catch_up
from penstock.audit.compare import compare
from penstock.audit.store import Fenced
from penstock.audit.swapping import SwapRefused
from penstock.producers.memory import MemoryLog
from penstock.schemas.envelope.records import Failure
from penstock.schemas.run.records import RunFailed
from penstock.schemas.topics import RUN_EVENTS
from tests.views.database import address
from tests.views.histories import completed
from tests.views.rebuilds import TOPICS, counts, live, rebuilding, told
from tests.views.test_applier import count

Views = psycopg.Connection[TupleRow]


@pytest.fixture(autouse=True)
def tidied(views: Views) -> Iterator[None]:
    yield
    views.execute("DROP SCHEMA IF EXISTS reporting CASCADE")
    shadows.drop(views)


def test_a_projector_that_sleeps_through_a_swap_writes_nothing(views: Views, log: MemoryLog) -> None:
    historian, open_run = told(views, log)
    views.execute("UPDATE views.tool_call_row SET tool = 'old' WHERE run_id = %s", (open_run,))
    projector = live(views)
    places = [(RUN_EVENTS, partition) for partition in range(log.partitions(RUN_EVENTS))]
    projector.take(places, log)
    # It remembers the planted row from now on, and the positions will be where it leaves them.
    projector.handle(historian.write(open_run, completed(open_run, 1)))
    with rebuilding(address(views), log) as work:
        work.swap()
    records = historian.write(open_run, RunFailed(error=Failure(kind="late", message="")))
    with pytest.raises(Fenced):
        projector.handle(records)
    assert compare(views, log).behind == 1
    projector.take(places, log)
    assert projector.handle(records) == 1
    assert compare(views, log).differences == ()


def test_one_view_is_compared_and_swapped_alone(views: Views, log: MemoryLog) -> None:
    told(views, log)
    views.execute("UPDATE views.run_row SET requester = 'old'")
    views.execute("UPDATE views.dead_letter SET error_message = 'old'")
    with rebuilding(address(views), log, "dead_letter") as work:
        assert counts(work.compare(1)) == {"dead_letter": (0, 0, 1)}
        work.swap()
    standing = views.execute("SELECT error_message FROM views.dead_letter_standing").fetchall()
    assert len(standing) == 1
    assert standing != [("old",)]
    assert views.execute("SELECT DISTINCT requester FROM views.run").fetchall() == [("old",)]


def catalogue(views: Views) -> list[object]:
    """All that is known of the schema `views` beside the numbers of its tables."""
    selects = (
        "SELECT table_name, column_name, ordinal_position, data_type, column_default, is_nullable,"
        " generation_expression, collation_name FROM information_schema.columns WHERE table_schema = 'views'",
        "SELECT relname, relkind, relacl::text, relrowsecurity, relforcerowsecurity, reloptions::text,"
        " relowner FROM pg_class WHERE relnamespace = 'views'::regnamespace",
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'views'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'views'::regnamespace",
        "SELECT * FROM pg_policies WHERE schemaname = 'views'",
        "SELECT viewname, definition FROM pg_views WHERE schemaname IN ('views', 'reporting')",
        "SELECT tgname, tgrelid::regclass::text, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger"
        " WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'views.%'",
        "SELECT attrelid::regclass::text, attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL"
        " AND attrelid::regclass::text LIKE 'views.%'",
    )
    return [sorted(map(str, views.execute(select.encode()).fetchall())) for select in selects]


def test_a_swapped_table_has_all_that_the_old_one_had(views: Views, log: MemoryLog) -> None:
    historian, open_run = told(views, log)
    views.execute(
        """
        CREATE SCHEMA reporting;
        CREATE VIEW reporting.broken AS SELECT id, error_class, tenant FROM views.dead_letter;
        CREATE VIEW reporting.runs AS SELECT run_id, status FROM views.run;
        GRANT SELECT (id, topic) ON views.dead_letter TO PUBLIC;
        GRANT INSERT ON views.run_row TO penstock_tenant WITH GRANT OPTION;
        CREATE FUNCTION views.told() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_notify('told', NEW.run_id); RETURN NEW; END $$;
        CREATE TRIGGER tell AFTER INSERT ON views.run_event_row FOR EACH ROW EXECUTE FUNCTION views.told();
        LISTEN told
        """
    )
    try:
        before = catalogue(views)
        with rebuilding(address(views), log) as work:
            work.swap()
        assert catalogue(views) == before
        historian.write(open_run, completed(open_run, 1))
        catch_up(live(views), log, TOPICS)
        # Only what is new is told, not what the shadow was filled with.
        assert [note.payload for note in views.notifies(timeout=0.2)] == [open_run]
        assert views.execute("SELECT count(*) FROM reporting.broken").fetchone() == (1,)
        assert views.execute("SELECT count(*) FROM reporting.runs").fetchone() == (count(views, "run"),)
    finally:
        views.execute(
            "UNLISTEN told; DROP SCHEMA reporting CASCADE; DROP FUNCTION views.told CASCADE;"
            " REVOKE SELECT (id, topic) ON views.dead_letter FROM PUBLIC;"
            " REVOKE INSERT ON views.run_row FROM penstock_tenant"
        )


def test_what_would_go_on_reading_the_old_tables_is_named_and_nothing_is_swapped(
    views: Views, log: MemoryLog
) -> None:
    told(views, log)
    views.execute(
        "CREATE SCHEMA reporting; CREATE MATERIALIZED VIEW reporting.counted AS SELECT count(*) FROM views.run_row"
    )
    views.execute("UPDATE views.run_row SET requester = 'old'")
    with (
        rebuilding(address(views), log) as work,
        pytest.raises(SwapRefused, match=r"reporting\.counted"),
    ):
        work.swap()
    assert views.execute("SELECT DISTINCT requester FROM views.run").fetchall() == [("old",)]
    views.execute("DROP SCHEMA reporting CASCADE")
    with rebuilding(address(views), log, resume=True) as work:
        assert counts(work.compare(0)) == {"run": (0, 0, 4)}
        work.swap()
    assert compare(views, log).differences == ()
