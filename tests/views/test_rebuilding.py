"""A rebuild beside the live views: what it finds, what the swap mends and leaves alone, what it refuses."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit import shadow as shadows
from penstock.audit.applier import catch_up
from penstock.audit.compare import compare
from penstock.audit.leftovers import leftovers
from penstock.audit.rebuild import rebuild
from penstock.audit.refolding import LogDoesNotFit
from penstock.audit.shadow import ShadowStands
from penstock.audit.shadowing import NotThisRebuild, RebuildUnderWay, alone, asked_tables
from penstock.audit.tables import tables
from penstock.producers.memory import MemoryLog
from tests.views.database import address
from tests.views.histories import completed, requested
from tests.views.rebuilds import TOPICS, counts, live, rebuilding, schemas, told
from tests.views.test_applier import count

Views = psycopg.Connection[TupleRow]


@pytest.fixture(autouse=True)
def tidied(views: Views) -> Iterator[None]:
    yield
    views.execute("DROP SCHEMA IF EXISTS reporting CASCADE")
    shadows.drop(views)


def test_the_tables_of_the_views_are_known_with_their_keys_and_each_is_filled(
    views: Views, log: MemoryLog
) -> None:
    told(views, log)
    known = {table.name: table for table in tables(views)}
    assert {"run_row", "run_attribute", "dead_letter"} <= known.keys()
    assert known["run_attribute"].key == ("tenant", "pair", "created_at_ms", "run_id")
    assert all(table.key for table in known.values()), "a view without a primary key can't be compared"
    # A statement that names the schema `views` itself would leave the shadow's table empty, and fill the live one.
    with rebuilding(address(views), log) as work:
        found = work.compare(1)
    assert counts(found) == {}
    assert {diff.view: diff.rows for diff in found} == {
        table.view: count(views, table.name) for table in known.values()
    }
    assert {
        "run",
        "run_event",
        "run_attribute",
        "tool_call",
        "approval",
        "dead_letter",
        "operator_action",
    } <= {diff.view for diff in found if diff.rows}


def test_planted_differences_are_found_and_the_swap_mends_them(views: Views, log: MemoryLog) -> None:
    historian, open_run = told(views, log)
    views.execute(
        "UPDATE views.tool_call_row SET tool = 'old', worker = 'old' WHERE run_id = %s", (open_run,)
    )
    views.execute("DELETE FROM views.run_event_row WHERE seq = 2 AND run_id <> %s", (open_run,))
    views.execute(
        'INSERT INTO views.approval_row SELECT (json_populate_record(a, \'{"approval_id": "of nobody"}\')).*'
        " FROM views.approval_row AS a LIMIT 1"
    )
    views.execute("UPDATE views.operator_action SET detail = '{}'")
    with rebuilding(address(views), log) as work:
        found = work.compare(2)
        assert counts(found) == {
            "tool_call": (0, 0, 1),
            "run_event": (0, 3, 0),
            "approval": (1, 0, 0),
            "operator_action": (0, 0, 1),
        }
        by_view = {diff.view: diff for diff in found}
        (call,) = by_view["tool_call"].first
        assert (call.kind, call.columns) == ("differs", ("tool", "worker"))
        assert by_view["tool_call"].columns == {"tool": 1, "worker": 1}
        assert call.in_views is not None
        assert call.in_log is not None
        assert (call.in_views["tool"], call.in_log["tool"], call.in_log["worker"]) == (
            "old",
            "read_case",
            None,
        )
        assert [row.key["approval_id"] for row in by_view["approval"].first] == ["of nobody"]
        assert len(by_view["run_event"].first) == 2
        assert {row.kind for row in by_view["run_event"].first} == {"only_in_log"}
        before = work.swap()
    assert schemas(views) == [before]
    historian.write(open_run, requested(open_run, 3), completed(open_run, 3))
    catch_up(live(views), log, TOPICS)
    assert compare(views, log).differences == ()
    assert views.execute(
        f"SELECT tool FROM {before}.tool_call_row WHERE tool = 'old'".encode()
    ).fetchall() == [("old",)]
    assert leftovers(views).before.keys() == {before}
    with rebuilding(address(views), log) as work:
        assert counts(work.compare(0)) == {}


def test_one_rebuild_at_a_time_and_one_that_was_begun_is_gone_on_with_or_dropped(
    views: Views, log: MemoryLog
) -> None:
    told(views, log)
    where = address(views)
    with rebuilding(where, log) as work:
        assert leftovers(views).begun is not None
        assert leftovers(views).begun.at_work  # type: ignore[union-attr]
        with pytest.raises(RebuildUnderWay), alone(where):
            pass
        work.catch_up()
        ident = work.shadow.ident
    begun = leftovers(views).begun
    assert begun is not None
    assert (begun.rebuild, begun.view, begun.at_work, begun.records_done) == (
        ident,
        "all",
        False,
        begun.records,
    )
    with alone(where) as connection, pytest.raises(ShadowStands, match=f"{ident}.*--resume.*--drop"):
        shadows.refuse_a_second(connection)
    with (
        pytest.raises(NotThisRebuild, match="of all, not of run"),
        rebuilding(where, log, "run", resume=True),
    ):
        pass
    views.execute(f"UPDATE views_shadow_{ident}.rebuild SET made_by = 'older code'".encode())
    with pytest.raises(NotThisRebuild, match="another version"), rebuilding(where, log, resume=True):
        pass
    assert shadows.drop(views) == (f"views_shadow_{ident}",)
    with pytest.raises(NotThisRebuild, match="no rebuild"), rebuilding(where, log, resume=True):
        pass
    with pytest.raises(NotThisRebuild, match="type one of all, approval"):
        asked_tables(views, "position")


def test_a_log_that_cannot_give_back_what_the_views_have_is_refused(
    views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(views, log)
    bounds = log.bounds
    with monkeypatch.context() as later:
        later.setattr(log, "bounds", lambda topic, partition: (2, bounds(topic, partition)[1]))
        with (
            rebuilding(address(views), log) as work,
            pytest.raises(LogDoesNotFit, match="can't be made again"),
        ):
            work.catch_up()
    log.wipe()
    with (
        rebuilding(address(views), log, resume=True) as work,
        pytest.raises(LogDoesNotFit, match="another log"),
    ):
        work.catch_up()


def test_views_that_are_emptied_meanwhile_are_waited_for(views: Views, log: MemoryLog) -> None:
    told(views, log)
    with rebuilding(address(views), log) as work:
        work.catch_up()
        rebuild(address(views))
        with pytest.raises(NotThisRebuild, match="caught up"), work._connection.transaction():
            work._meet()
        catch_up(live(views), log, TOPICS)
        assert counts(work.compare(0)) == {}
