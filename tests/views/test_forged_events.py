"""Events that no decider wrote, in the right form: the views take from them what the fold does, in whatever order."""

from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit.applier import Applier, catch_up
from penstock.audit.compare import compare
from penstock.producers.memory import MemoryLog
from penstock.schemas.bodies import EventBody
from penstock.schemas.codec import pinned_codec
from penstock.schemas.ids import partition_of
from penstock.schemas.schedule.records import ScheduleDeleted
from penstock.schemas.topics import RUN_EVENTS
from tests.views.histories import Historian, asked, case_review, completed, new_run, requested, started

Views = psycopg.Connection[TupleRow]
PARTITIONS = 2


def new_runs() -> tuple[str, str]:
    """A run of the first partition, and one of the second: the first partition is projected, and folded, first."""
    found: dict[int, str] = {}
    while len(found) < PARTITIONS:
        run_id = new_run()
        found.setdefault(partition_of(run_id.encode(), PARTITIONS), run_id)
    return found[0], found[1]


def applied(views: Views, log: MemoryLog, batch: int = 500) -> list[str]:
    """Where the views differ from the log, once they have all of it."""
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS], batch)
    return [str(each) for each in compare(views, log).differences]


@pytest.mark.parametrize("forger_first", [True, False])
def test_another_runs_call_and_question_stay_its_own(views: Views, forger_first: bool) -> None:
    log = MemoryLog({RUN_EVENTS: PARTITIONS})
    forger, victim = new_runs() if forger_first else new_runs()[::-1]
    review = case_review(victim)
    stolen = replace(requested(victim, 1), tool="stolen")
    historian = Historian(log)
    historian.write(victim, *review)
    historian.write(forger, started(), stolen, completed(victim, 1), asked(victim, 4))
    assert applied(views, log) == []
    owners = {
        run_id
        for view in ("tool_call", "approval")
        for (run_id,) in views.execute(f"SELECT run_id FROM views.{view}".encode())
    }
    assert owners == {victim}
    assert views.execute("SELECT count(*) FROM views.run_event WHERE run_id = %s", (forger,)).fetchone() == (
        4,
    )


@pytest.mark.parametrize("body", [ScheduleDeleted()])
def test_an_event_of_another_noun_is_none_of_a_run(views: Views, body: EventBody) -> None:
    log = MemoryLog({RUN_EVENTS: PARTITIONS})
    Historian(log).write(new_run(), body)
    assert applied(views, log) == []
    assert views.execute("SELECT count(*) FROM views.run").fetchone() == (0,)


@pytest.mark.parametrize("attributes", ["{", '["a"]', "[" * 100_000])
def test_search_attributes_that_are_none_are_none(views: Views, attributes: str) -> None:
    log = MemoryLog({RUN_EVENTS: PARTITIONS})
    Historian(log).write(new_run(), started(search_attributes=attributes))
    assert applied(views, log) == []
