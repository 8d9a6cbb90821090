"""What the projector counts: as the workers' hosts do, and the rows of its views."""

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit import store
from penstock.audit.applier import PositionRefused
from penstock.audit.counting import CountedApplier
from penstock.audit.store import Fenced
from penstock.producers.log import Record
from penstock.producers.memory import MemoryLog
from penstock.runtime import metric_names as names
from penstock.runtime.meters import Meters
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import RUN_EVENTS, VIEWS_GROUP
from tests.views.histories import Historian, case_review, new_run

Views = psycopg.Connection[TupleRow]
AGE_S = 7


class Counted:
    """An applier over a review that stands on the log, and what it counts."""

    def __init__(self, views: Views, log: MemoryLog) -> None:
        self.log = log
        self.meters = Meters()
        self.now_ms = 0
        self.applier = CountedApplier(views, pinned_codec(), self.meters, lambda: self.now_ms)
        self.run_id, historian = new_run(), Historian(log)
        log.append([historian.outgoing(self.run_id, body) for body in case_review(self.run_id)])
        self.partition = next(p for p in range(log.partitions(RUN_EVENTS)) if log.bounds(RUN_EVENTS, p)[1])
        self.now_ms = self.records()[0].time_ms + 1000 * AGE_S

    def take(self) -> None:
        self.applier.take([(RUN_EVENTS, self.partition)], self.log)

    def records(self) -> list[Record]:
        return list(self.log.read(RUN_EVENTS, self.partition, *self.log.bounds(RUN_EVENTS, self.partition)))

    def value(self, metric: names.Metric, *values: str) -> float:
        return self.meters.value(metric, *values)


def test_a_batch_is_counted_by_partition_with_its_age_and_its_rows(views: Views, log: MemoryLog) -> None:
    counted = Counted(views, log)
    counted.take()
    records = counted.records()
    counted.applier.handle(records)
    assert counted.value(names.CONSUMED, VIEWS_GROUP, RUN_EVENTS, str(counted.partition)) == len(records)
    assert counted.value(names.BATCH_RECORDS, VIEWS_GROUP) == 1
    assert counted.value(names.PROCESS_SECONDS, VIEWS_GROUP, RUN_EVENTS) == 1
    (age,) = counted.meters.spread(names.RECORD_AGE).points(0, 0)
    assert (age.count, age.sum) == (1, AGE_S)
    rows = {view: counted.value(names.VIEW_ROWS, view) for view in ("run", "run_event", "tool_call")}
    shown = {view: views.execute(f"SELECT count(*) FROM views.{view}".encode()).fetchone() for view in rows}
    assert {view: (count,) for view, count in rows.items()} == shown
    assert rows["run_event"] == len(records)


def test_what_comes_again_counts_for_nothing(views: Views, log: MemoryLog) -> None:
    counted = Counted(views, log)
    counted.take()
    records = counted.records()
    counted.applier.handle(records)
    counted.applier.handle(records)
    counted.applier.handle([])
    assert counted.value(names.CONSUMED, VIEWS_GROUP, RUN_EVENTS, str(counted.partition)) == len(records)
    assert counted.value(names.BATCH_RECORDS, VIEWS_GROUP) == 1


def test_a_partition_that_another_took_is_lost_and_held_no_more(views: Views, log: MemoryLog) -> None:
    counted = Counted(views, log)
    counted.take()
    assert counted.value(names.PARTITIONS_HELD, VIEWS_GROUP, RUN_EVENTS) == 1
    assert counted.value(names.TAKE_SECONDS, VIEWS_GROUP, RUN_EVENTS) == 1
    views.execute("UPDATE views.position SET position = position + 1")
    with pytest.raises(Fenced):
        counted.applier.handle(counted.records())
    assert counted.value(names.PARTITIONS_LOST, VIEWS_GROUP, RUN_EVENTS) == 1
    assert counted.value(names.PARTITIONS_HELD, VIEWS_GROUP, RUN_EVENTS) == 0
    assert counted.value(names.CONSUMED, VIEWS_GROUP, RUN_EVENTS, str(counted.partition)) == 0
    assert counted.value(names.VIEW_ROWS, "run_event") == 0


def test_a_take_that_is_refused_holds_nothing(views: Views, log: MemoryLog) -> None:
    counted = Counted(views, log)
    counted.take()
    views.execute("UPDATE views.position SET topic_id = 'another log'")
    with pytest.raises(PositionRefused):
        counted.take()
    counted.applier.forget()
    assert counted.value(names.PARTITIONS_HELD, VIEWS_GROUP, RUN_EVENTS) == 0


@pytest.mark.parametrize(
    ("error", "times"), [(KeyError("a defect"), 1), (psycopg.OperationalError("away"), 0)]
)
def test_a_batch_that_fails_is_counted_by_its_error_unless_the_database_is_away(
    error: Exception, times: int, views: Views, log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> None:
        raise error

    monkeypatch.setattr(store, "write", write)
    counted = Counted(views, log)
    counted.take()
    with pytest.raises(type(error)):
        counted.applier.handle(counted.records())
    assert counted.value(names.BATCH_FAILURES, VIEWS_GROUP, type(error).__name__) == times
    assert counted.value(names.VIEW_ROWS, "run_event") == 0
