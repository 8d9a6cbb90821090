"""The views of schedules say what an independent fold of their log says (L16)."""

import random

import pytest

from penstock.audit.applier import Applier, catch_up
from penstock.audit.compare import compare
from penstock.audit.rebuild import rebuild
from penstock.producers.clock import FakeClock
from penstock.producers.memory import MemoryLog
from penstock.schemas.codec import pinned_codec
from penstock.schemas.topics import RUN_EVENTS, SCHEDULE_EVENTS
from tests.views.database import address
from tests.views.schedules import PLAN, Schedules, wander
from tests.views.test_applier import Views, count


def applied(views: Views, log: MemoryLog, batch: int = 500) -> None:
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS, SCHEDULE_EVENTS], batch)


def test_a_schedule_is_a_row_with_its_plan(views: Views) -> None:
    clock = FakeClock()
    schedules = Schedules(MemoryLog(clock=clock), clock)
    schedules.client().create("one", PLAN)
    schedules.client().trigger("one", "now")
    schedules.decide()
    applied(views, schedules.log)
    found = views.execute(
        "SELECT name, state, revision, input, fired, cardinality(last_run_ids), created_by FROM views.schedule"
    ).fetchall()
    assert found == [("one", "active", 1, {"case_id": "case-1", "nul": "\ufffd"}, 1, 1, "olga")]
    assert count(views, "run") == count(views, "run_event") == 0


@pytest.mark.parametrize("seed", range(6))
def test_views_of_wandering_schedules_equal_the_fold(views: Views, seed: int) -> None:
    clock = FakeClock()
    schedules = Schedules(MemoryLog(clock=clock), clock)
    wander(random.Random(seed), schedules, 60)
    for batch in (1, 500):
        rebuild(address(views))
        applied(views, schedules.log, batch)
        comparison = compare(views, schedules.log, SCHEDULE_EVENTS)
        assert [str(each) for each in comparison.differences] == [], f"seed {seed}"
        assert comparison.rows > 30


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE views.schedule_row SET fired = fired + 1",
        "UPDATE views.schedule_row SET state = 'over'",
        "DELETE FROM views.schedule_event_row WHERE seq = 1",
        "DELETE FROM views.schedule_row",
    ],
)
def test_a_changed_view_is_caught(views: Views, damage: str) -> None:
    schedules = Schedules(MemoryLog())
    schedules.client().create("one", PLAN)
    schedules.decide()
    applied(views, schedules.log)
    assert compare(views, schedules.log, SCHEDULE_EVENTS).differences == ()
    views.execute(damage.encode())
    assert compare(views, schedules.log, SCHEDULE_EVENTS).differences
