"""What nobody could take, and what the projector itself can't: shown with its bytes, and the rest goes on."""

import pytest

from penstock.audit.applier import catch_up
from penstock.audit.compare import compare
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.schemas.headers import dead_letter_headers
from penstock.schemas.ids import dead_letter_id
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP, VIEWS_GROUP, dead_letter_topic
from tests.views.histories import Historian, new_run, requested, started
from tests.views.test_applier import Views, applier, count


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
    views.execute("ALTER TABLE views.run_row ADD CONSTRAINT holdable CHECK (workflow <> 'poison')")
    try:
        catch_up(applier(views), log, [RUN_EVENTS])
    finally:
        views.execute("ALTER TABLE views.run_row DROP CONSTRAINT holdable")
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


def test_a_stranger_s_numbers_that_no_column_holds_count_as_none(views: Views, log: MemoryLog) -> None:
    dlq = dead_letter_topic(RUN_INBOX, RUNS_GROUP)
    said = (("dlq.original.partition", b"9" * 18), ("dlq.original.offset", b"9" * 19))
    (stands,) = log.append([Outgoing(dlq, b"key", b"a stranger's", said)])
    catch_up(applier(views), log, [dlq])
    row = views.execute('SELECT partition, "offset", error_class FROM views.dead_letter').fetchall()
    assert row == [(stands.partition, stands.offset, "unknown")]
