"""The numbers of the views: what they count, and that runs which have ended cost them nothing."""

from collections.abc import Iterator, Mapping

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit import measures as measuring
from penstock.audit.applier import Applier, catch_up
from penstock.audit.measures import measures
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.envelope.records import Failure
from penstock.schemas.log.records import InputParked
from penstock.schemas.run import records as runs
from penstock.schemas.topics import RUN_EVENTS
from tests.views.database import database_with_views
from tests.views.histories import (
    START_MS,
    Historian,
    asked,
    call_of,
    case_review,
    granted,
    lease_started,
    new_run,
    requested,
    started,
)

Views = psycopg.Connection[TupleRow]
Labels = Mapping[str, str]


def measured(views: Views, log: MemoryLog) -> dict[str, list[tuple[Labels, float]]]:
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS])
    found: dict[str, list[tuple[Labels, float]]] = {}
    for each in measures(views):
        found.setdefault(each.name, []).append((each.labels, each.value))
    for values in found.values():
        values.sort(
            key=lambda one: [one[0].get(name, "") for name in ("tenant", "workflow", "tool", "status")]
        )
    return found


def write(log: MemoryLog, *bodies: EventBody, run_id: str | None = None) -> None:
    Historian(log).write(run_id or new_run(), *bodies)


def test_nothing_is_measured_of_empty_views(views: Views, log: MemoryLog) -> None:
    assert measured(views, log) == {}


def test_runs_are_open_until_they_end(views: Views, log: MemoryLog) -> None:
    for _ in range(2):
        write(log, started())
    waiting, ended = new_run(), new_run()
    write(log, started(), asked(waiting, 1), run_id=waiting)
    write(log, *case_review(ended), run_id=ended)
    found = measured(views, log)
    named = {"tenant": "local", "workflow": "case-review"}
    assert found["runs_open"] == [
        (named | {"status": "running"}, 2),
        (named | {"status": "waiting_approval"}, 1),
    ]
    now_s = views.execute("SELECT extract(epoch FROM now())::float8").fetchone()
    assert now_s is not None
    for _, age_s in found["runs_open_oldest_age_s"]:
        assert age_s == pytest.approx(now_s[0] - START_MS / 1000, abs=60)


def test_questions_wait_until_somebody_decides(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    write(log, started(), asked(run_id, 1), asked(run_id, 2), granted(run_id, 1), run_id=run_id)
    found = measured(views, log)
    labels = {"tenant": "local", "tool": "update_case_status", "role": "supervisor"}
    assert found["approvals_waiting"] == [(labels, 1)]
    assert found["approvals_waiting_oldest_age_s"][0][1] > 0


def test_calls_are_open_in_doubt_or_tried_again(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    doubt = runs.ToolCallInDoubt(call_id=call_of(run_id, 2), attempt=1, lease_id="l", reason="worker died")
    write(
        log,
        started(),
        requested(run_id, 1),
        requested(run_id, 1, attempt=2),
        requested(run_id, 1, attempt=3),
        requested(run_id, 2, tool="pay", effect="unsafe"),
        lease_started(run_id, 2),
        doubt,
        requested(run_id, 3, tool="pay", effect="unsafe"),
        lease_started(run_id, 3),
        run_id=run_id,
    )
    found = measured(views, log)
    assert found["calls_open"] == [
        ({"tenant": "local", "tool": "pay", "status": "started"}, 1),
        ({"tenant": "local", "tool": "read_case", "status": "requested"}, 1),
    ]
    assert found["calls_in_doubt"] == [({"tenant": "local", "tool": "pay"}, 1)]
    assert found["call_retries"] == [({"tenant": "local", "tool": "read_case"}, 2)]


def test_calls_that_a_runs_end_left_open_are_not(views: Views, log: MemoryLog) -> None:
    run_id = new_run()
    write(log, started(), requested(run_id, 1), runs.RunCancelled(reason="withdrawn"), run_id=run_id)
    assert measured(views, log) == {}


def test_parked_inputs_are_counted_even_of_runs_that_have_ended(views: Views, log: MemoryLog) -> None:
    parked = [
        InputParked(
            input_id=name, input_type="CastVote", input_value=b"", error=Failure(kind="k", message="m")
        )
        for name in ("p1", "p2")
    ]
    run_id = new_run()
    write(log, *case_review(run_id), *parked, run_id=run_id)
    assert measured(views, log) == {"inputs_parked": [({"tenant": "local", "workflow": "case-review"}, 2)]}


def test_dead_letters_by_topic_group_and_reason(views: Views, log: MemoryLog) -> None:
    broken = Outgoing(RUN_EVENTS, b"k", b"\xff", (("epoch", b"1"),))
    log.append([broken, broken])
    ((labels, value),) = measured(views, log)["dead_letters"]
    assert (labels["topic"], labels["group"], value) == (RUN_EVENTS, "penstock.audit.views", 2)
    assert labels["reason"]


@pytest.fixture(scope="module")
def untouched(postgres_server: str) -> Iterator[Views]:
    """Views that no test has written to: what the database has gathered about rows makes it plan otherwise."""
    with database_with_views(postgres_server) as url, connect(url) as connection:
        yield connection


@pytest.mark.parametrize("question", measuring._QUESTIONS, ids=lambda question: question.values[0])
def test_each_question_reads_an_index_of_its_own(untouched: Views, question: measuring._Question) -> None:
    """Not a table: with sequential scans forbidden where an index will do, none is left."""
    with untouched.transaction():
        untouched.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(str(line) for (line,) in untouched.execute(b"EXPLAIN " + question.select.encode()))
    assert "Seq Scan" not in plan, plan
    assert any(
        f"{kind} Scan using" in plan or f"{kind} Scan on" in plan
        for kind in ("Index", "Index Only", "Bitmap Index")
    )
    # An index of all rows would go through everything that ever was.
    assert "_pkey" not in plan, plan
