"""The applier: each record once, no zombies, bad records set aside, two writers never interleave."""

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit import store
from penstock.audit.applier import Applier, PositionRefused, catch_up
from penstock.audit.compare import compare
from penstock.audit.rebuild import rebuild
from penstock.audit.store import Fenced
from penstock.producers.log import Outgoing, Record
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect
from penstock.schemas.codec import pinned_codec
from penstock.schemas.headers import dead_letter_headers
from penstock.schemas.ids import dead_letter_id, partition_of
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP, VIEWS_GROUP, dead_letter_topic
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
    for _ in range(20):
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

    def killed(row: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(store, "_document", killed)
        with pytest.raises(TypeError):
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


def test_an_undecodable_record_is_a_dead_letter_and_the_rest_goes_on(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    historian = Historian(log)
    historian.write(run_id, started())
    good = historian.outgoing(run_id, requested(run_id, 1))
    (bad,) = log.append([Outgoing(RUN_EVENTS, run_id.encode(), b"\x00nonsense", good.headers)])
    log.append([good])
    catch_up(applier(views), log, [RUN_EVENTS])
    row = views.execute(
        'SELECT id, consumer_group, topic, partition, "offset", error_class, error_stage, key, value'
        " FROM views.dead_letter"
    ).fetchall()
    place = (bad.topic, bad.partition, bad.offset)
    why = ("Undecodable", "projection")
    assert row == [(dead_letter_id(*place), VIEWS_GROUP, *place, *why, run_id.encode(), b"\x00nonsense")]
    assert count(views, "run_event") == 2
    assert compare(views, log).differences == ()


def test_a_record_that_postgres_cannot_hold_is_set_aside_alone(
    views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [new_run() for _ in range(8)]
    historian = Historian(log)
    for run_id in runs:
        historian.write(run_id, started(workflow="poison" if run_id == runs[5] else "case-review"))
    views.execute("ALTER TABLE views.run ADD CONSTRAINT holdable CHECK (workflow <> 'poison')")
    try:
        catch_up(applier(views), log, [RUN_EVENTS])
    finally:
        views.execute("ALTER TABLE views.run DROP CONSTRAINT holdable")
    assert count(views, "run") == 7
    rows = views.execute("SELECT key, error_class, error_stage FROM views.dead_letter").fetchall()
    assert rows == [(runs[5].encode(), "CheckViolation", "projection")]
    assert compare(views, log).behind == 0


def test_a_gap_in_a_history_is_shown_and_told(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    historian = Historian(log)
    historian.write(run_id, started())
    log.append([historian.outgoing(run_id, requested(run_id, 1), seq=3)])
    catch_up(applier(views), log, [RUN_EVENTS])
    assert views.execute("SELECT error_class FROM views.dead_letter").fetchall() == [("SequenceGap",)]
    assert views.execute("SELECT last_seq FROM views.run").fetchone() == (3,)


def test_dead_letters_are_shown_with_their_original_bytes(views: Views, log: MemoryLog) -> None:
    dlq = dead_letter_topic(RUN_INBOX, RUNS_GROUP)
    headers = dead_letter_headers(
        (("ce_type", b"StartRun"), ("odd", b"\xff\x00")),
        dead_letter_id=dead_letter_id(RUN_INBOX, 3, 17),
        topic=RUN_INBOX,
        partition=3,
        offset=17,
        time_ms=123,
        group=RUNS_GROUP,
        error_class="Misplaced",
        message="wrong partition",
        stage="place",
    )
    for _ in range(2):
        log.append([Outgoing(dlq, b"key", b"\x00\xff", headers)])
    log.append([Outgoing(dlq, b"key", b"somebody else's", ())])
    catch_up(applier(views), log, [dlq])
    first, second = views.execute(
        'SELECT topic, partition, "offset", error_class, error_stage, value, time_ms FROM views.dead_letter'
        " ORDER BY topic"
    ).fetchall()
    assert first == (RUN_INBOX, 3, 17, "Misplaced", "place", b"\x00\xff", 123)
    assert second[:1] == (dlq,)
    assert second[3:6] == ("unknown", "unknown", b"somebody else's")


def test_of_two_projectors_one_writes(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    Historian(log).write(run_id, *case_review(run_id))
    records = everything(log)
    with connect(views.info.dsn) as connection:
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
    assert rebuild(views.info.dsn) == 1
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
    rebuild(views.info.dsn)
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
        rebuild(views.info.dsn)
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 64
