"""The applier: each record once, no zombies, bad records set aside, two writers never interleave."""

from collections.abc import Collection

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit import applier as applying
from penstock.audit import store
from penstock.audit.applier import Applier, PositionRefused, catch_up
from penstock.audit.compare import compare
from penstock.audit.projection import RunRows
from penstock.audit.rebuild import rebuild
from penstock.audit.store import Fenced
from penstock.producers.log import Record
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect
from penstock.schemas.codec import pinned_codec
from penstock.schemas.ids import partition_of
from penstock.schemas.topics import RUN_EVENTS
from tests.views.database import address
from tests.views.histories import Historian, case_review, completed, new_run, requested, started

Views = psycopg.Connection[TupleRow]
PARTITIONS = [(RUN_EVENTS, partition) for partition in range(6)]


def applier(views: Views) -> Applier:
    return Applier(views, pinned_codec())


def everything(log: MemoryLog, topic: str = RUN_EVENTS) -> list[Record]:
    return [
        record
        for partition in range(log.partitions(topic))
        for record in log.read(topic, partition, 0, 10**9)
    ]


def count(views: Views, view: str) -> int:
    row = views.execute(f"SELECT count(*) FROM views.{view}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_records_that_come_again_change_nothing(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    Historian(log).write(run_id, *case_review(run_id))
    one = applier(views)
    one.take(PARTITIONS, log)
    records = everything(log)
    assert one.handle(records[:9]) == 9
    assert one.handle(records) == 7
    assert one.handle(records) == 0
    assert compare(views, log).differences == ()


def test_another_projector_goes_on_where_the_first_was_killed(views: Views, log: MemoryLog) -> None:
    runs = [new_run() for _ in range(5)]
    historian = Historian(log)
    for bodies in zip(*(case_review(run_id) for run_id in runs), strict=True):
        for run_id, body in zip(runs, bodies, strict=True):
            historian.write(run_id, body)
    # Often enough also where chance puts all five runs on one partition.
    for _ in range(40):
        # Each takes one batch, remembers nothing of the one before, and is gone.
        fresh = applier(views)
        positions = fresh.take(PARTITIONS, log)
        for (topic, partition), position in positions.items():
            fresh.handle(list(log.read(topic, partition, position, position + 3)))
    assert compare(views, log).differences == ()
    assert compare(views, log).behind == 0


def test_a_kill_between_rows_and_position_leaves_neither(
    views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = new_run()
    Historian(log).write(run_id, *case_review(run_id))
    one = applier(views)
    one.take(PARTITIONS, log)

    def killed(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(store, "_values", killed)
        with pytest.raises(SystemExit):
            one.handle(everything(log))
    assert [count(views, view) for view in ("run", "run_event", "tool_call")] == [0, 0, 0]
    catch_up(applier(views), log, [RUN_EVENTS])
    assert compare(views, log).differences == ()


def test_a_zombies_records_are_seen_by_nobody(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    partition = partition_of(run_id.encode(), 6)
    zombie, owner = Historian(log), Historian(log)
    zombie.take(partition, 4)
    zombie.write(run_id, started())
    owner.take(partition, 5)
    owner.seqs = dict(zombie.seqs)
    zombie.write(run_id, requested(run_id, 1, tool="the_zombies"))
    owner.write(run_id, requested(run_id, 1, tool="the_owners"))
    zombie.write(run_id, completed(run_id, 1))
    one = applier(views)
    one.take(PARTITIONS, log)
    records = everything(log)
    # The epoch is kept beside the position: a restart between the marker and the zombie's record forgets nothing.
    one.handle(records[:3])
    catch_up(applier(views), log, [RUN_EVENTS])
    assert views.execute("SELECT tool, status FROM views.tool_call").fetchall() == [
        ("the_owners", "requested")
    ]
    assert views.execute("SELECT max(epoch) FROM views.position").fetchone() == (5,)
    assert compare(views, log).differences == ()


def test_of_two_projectors_one_writes(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    Historian(log).write(run_id, *case_review(run_id))
    records = everything(log)
    with connect(address(views)) as connection:
        first, second = applier(views), applier(connection)
        first.take(PARTITIONS, log)
        second.take(PARTITIONS, log)
        second.handle(records[:10])
        with pytest.raises(Fenced):
            first.handle(records[:4])
        # It has forgotten its partitions: nothing is taken from it until it takes them anew.
        assert first.handle(records) == 0
        assert count(views, "run_event") == 10
        first.take(PARTITIONS, log)
        first.handle(records)
        with pytest.raises(Fenced):
            second.handle(records[10:])
    assert compare(views, log).differences == ()


def test_views_made_anew_under_a_running_projector_start_over(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    historian = Historian(log)
    bodies = case_review(run_id)
    historian.write(run_id, *bodies[:8])
    one = applier(views)
    one.take(PARTITIONS, log)
    one.handle(everything(log))
    assert rebuild(address(views)) == 1
    historian.write(run_id, *bodies[8:])
    with pytest.raises(Fenced):
        one.handle(everything(log))
    catch_up(one, log, [RUN_EVENTS])
    assert compare(views, log).differences == ()


def test_another_log_is_refused_with_the_command_that_mends_it(views: Views, log: MemoryLog) -> None:
    Historian(log).write(new_run(), started())
    catch_up(applier(views), log, [RUN_EVENTS])
    log.wipe()
    with pytest.raises(PositionRefused, match="penstock rebuild-views"):
        applier(views).take(PARTITIONS, log)
    rebuild(address(views))
    Historian(log).write(new_run(), started())
    assert catch_up(applier(views), log, [RUN_EVENTS]) == 1


@pytest.mark.parametrize("bounds", [(0, 3), (9, 12)])
def test_a_position_outside_the_log_is_refused(
    views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch, bounds: tuple[int, int]
) -> None:
    run_id = new_run()
    Historian(log).write(run_id, *case_review(run_id)[:6])
    catch_up(applier(views), log, [RUN_EVENTS])
    monkeypatch.setattr(log, "bounds", lambda topic, partition: bounds)
    with pytest.raises(PositionRefused, match="penstock rebuild-views"):
        applier(views).take(PARTITIONS, log)


def test_rebuilt_views_equal_the_old_ones(views: Views, log: MemoryLog) -> None:
    historian = Historian(log)
    for _ in range(4):
        run_id = new_run()
        historian.write(run_id, *case_review(run_id))
    tables = ("run", "run_event", "tool_call", "approval")
    seen = []
    for batch in (5, 500):
        catch_up(applier(views), log, [RUN_EVENTS], batch)
        selects = [f"SELECT * FROM views.{name} ORDER BY 1, 2".encode() for name in tables]
        seen.append([views.execute(select).fetchall() for select in selects])
        rebuild(address(views))
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 64


def test_what_is_kept_between_batches_is_bounded(
    views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "ROWS_KEPT_MAX", 7)
    loaded: list[int] = []
    whole = store.load

    def load(connection: Views, runs: Collection[str], schema: str) -> dict[str, RunRows]:
        loaded.append(len(runs))
        return whole(connection, runs, schema)

    monkeypatch.setattr(store, "load", load)
    historian = Historian(log)
    one = applier(views)
    one.take(PARTITIONS, log)
    runs = [new_run() for _ in range(6)]
    bodies = {run_id: case_review(run_id) for run_id in runs}
    for step in range(16):
        for run_id in runs:
            one.handle(historian.write(run_id, bodies[run_id][step]))
            kept = one._runs.values()
            assert one._rows == sum(1 + len(each.calls) + len(each.approvals) for each in kept)
            assert one._rows <= 7 or len(kept) == 1
    # What was let go was read back, and all of it is right.
    assert sum(loaded) > 6
    assert (one._rows, one._runs) == (0, {})
    assert compare(views, log).differences == ()


def test_a_run_larger_than_the_limit_is_kept(
    views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "ROWS_KEPT_MAX", 3)
    run_id = new_run()
    one = applier(views)
    one.take(PARTITIONS, log)
    for body in case_review(run_id)[:-1]:
        one.handle(
            Historian(log, seqs={run_id: one._runs[run_id].last_seq} if one._runs else {}).write(run_id, body)
        )
    assert list(one._runs) == [run_id]
