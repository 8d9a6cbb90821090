"""Views and an independent fold of the same log say the same, whatever histories and batches (L16)."""

import random

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import TupleRow

from penstock.audit import projection
from penstock.audit.applier import Applier, catch_up
from penstock.audit.compare import compare
from penstock.audit.rebuild import rebuild
from penstock.producers.memory import MemoryLog
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import RUN_EVENTS
from tests.views.database import address
from tests.views.histories import Historian, case_review, new_run
from tests.views.wandering import wander

Views = psycopg.Connection[TupleRow]
ONCE = [HealthCheck.function_scoped_fixture]


def applied(views: Views, log: MemoryLog, batch: int = 500) -> None:
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS], batch)


def test_views_of_a_case_review_equal_the_fold(views: Views, log: MemoryLog) -> None:
    historian = Historian(log)
    for _ in range(3):
        run_id = new_run()
        historian.write(run_id, *case_review(run_id))
    applied(views, log, batch=7)
    comparison = compare(views, log)
    assert comparison.differences == ()
    # 3 runs, each with 5 calls, 1 approval and 16 events.
    assert comparison.rows == 3 * (1 + 5 + 1 + 16)
    assert comparison.behind == 0


@pytest.mark.parametrize("batch", [1, 3, 500])
@settings(max_examples=15, deadline=None, suppress_health_check=ONCE)
@given(seed=st.integers(0, 2**32))
def test_views_of_wandering_histories_equal_the_fold(views: Views, batch: int, seed: int) -> None:
    rng = random.Random(seed)
    log = MemoryLog({RUN_EVENTS: 2})
    wander(rng, Historian(log), runs=4, events=60)
    rebuild_in(views)
    applied(views, log, batch)
    assert [str(each) for each in compare(views, log).differences] == [], f"seed {seed}"


def test_batches_of_any_size_leave_the_same_rows(views: Views) -> None:
    log = MemoryLog({RUN_EVENTS: 2})
    wander(random.Random(7), Historian(log), runs=6, events=200)
    left = []
    for batch in (1, 13, 1000):
        rebuild_in(views)
        applied(views, log, batch)
        selects = [f"SELECT * FROM views.{name} ORDER BY 1, 2" for name in TABLES]
        left.append([views.execute(select.encode()).fetchall() for select in selects])
    assert left[0] == left[1] == left[2]
    assert len(left[0][0]) == 6


def test_a_fault_in_the_projector_is_caught(
    views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = projection.apply

    def forgetful(own: projection.RunRows, meta, body) -> None:  # type: ignore[no-untyped-def]
        whole(own, meta, body)
        if meta.entity_seq == 13:
            own.calls[body.call_id]["attempt"] = 2

    monkeypatch.setattr(projection, "apply", forgetful)
    run_id = new_run()
    Historian(log).write(run_id, *case_review(run_id))
    applied(views, log)
    (difference,) = compare(views, log).differences
    assert (difference.view, difference.column) == ("tool_call", "attempt")
    assert (difference.in_view, difference.in_log) == (2, 1)


@pytest.mark.parametrize(
    ("damage", "view"),
    [
        ("UPDATE views.run SET status = 'running'", "run"),
        ("UPDATE views.approval SET decided_by = '{mallory}'", "approval"),
        ("DELETE FROM views.run_event_row WHERE seq = 2", "run_event"),
        ("UPDATE views.run_event_row SET event = replace(event, 'read_case', 'x') WHERE seq = 3", "run_event"),
        ("DELETE FROM views.tool_call WHERE step = 2", "tool_call"),
        ("INSERT INTO views.run_row SELECT 'x' AS run_id, tenant, workflow, workflow_version, status, phase, "
         "requester, body_sha256, code_hash, started_at_ms, deadline_ms, ended_at_ms, error, parked_inputs, "
         "last_seq, last_event_at_ms, started_seq, result_seq, priority, created_at_ms FROM views.run_row", "run"),
    ],
)  # fmt: skip
def test_a_changed_view_is_caught(views: Views, log: MemoryLog, damage: str, view: str) -> None:
    run_id = new_run()
    Historian(log).write(run_id, *case_review(run_id))
    applied(views, log)
    views.execute(damage.encode())
    differences = compare(views, log).differences
    assert [each.view for each in differences] == [view]


def test_records_beyond_the_views_are_lag_not_difference(views: Views, log: MemoryLog) -> None:
    historian = Historian(log)
    run_id = new_run()
    bodies = case_review(run_id)
    historian.write(run_id, *bodies[:9])
    applied(views, log)
    historian.write(run_id, *bodies[9:])
    comparison = compare(views, log)
    assert (comparison.differences, comparison.behind) == ((), 7)


TABLES = ("run", "tool_call", "approval", "run_event")


def rebuild_in(views: Views) -> None:
    rebuild(address(views))
