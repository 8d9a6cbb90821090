"""Schedules over a memory log: fired, started and accounted for, whatever dies when."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from penstock.producers.clock import FakeClock
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.schedule.records import ScheduleFired, ScheduleRearmed

from .effects import eventually
from .schedule_world import HOURLY, OLGA, World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    migrate(database_url)
    made = World(database_url)
    yield made
    made.close()


def test_a_due_time_starts_a_run_in_the_schedules_name(world: World) -> None:
    world.client.create("hourly", replace(HOURLY, priority=7, search_attributes='{"desk":"a"}'))
    world.settle()
    assert world.starts() == []
    world.pass_time(hours=1)
    world.settle()
    ((meta, start),) = world.starts()
    assert (meta.actor.kind, meta.actor.subject, meta.actor.roles) == (
        "service",
        "schedule:hourly",
        OLGA.roles,
    )
    assert (start.workflow, start.priority, start.search_attributes) == ("count", 7, '{"desk":"a"}')
    assert start.requesters_before == ("olga",)
    (fired,) = [body for _, body in world.events() if isinstance(body, ScheduleFired)]
    assert meta.entity_id == fired.run_id
    assert world.runs_started() == [fired.run_id]


def test_a_clock_that_is_ahead_costs_a_rearming_and_no_run(world: World) -> None:
    world.client.create("hourly", HOURLY)
    world.settle()
    world.new_effector(clock=FakeClock(world.clock.now_ms() + 3_600_000))
    eventually(lambda: _rearmed(world) > 0, "it was fired too early")
    assert world.starts() == []
    world.pass_time(hours=1)
    world.settle()
    assert len(world.starts()) == 1


def _rearmed(world: World) -> int:
    world.decider.feed()
    return sum(isinstance(body, ScheduleRearmed) for _, body in world.events())


def test_what_is_known_to_be_started_is_asked_for_no_more(world: World) -> None:
    world.client.create("hourly", HOURLY)
    world.settle()
    world.pass_time(hours=1)
    world.settle()
    for _ in range(3):
        world.new_effector()
    world.settle()
    assert len(world.starts()) == 1
    world.effector.feed().host.close()
    with connect(world._database_url) as session:
        counted = session.execute("SELECT count(*) FROM penstock.due_schedule").fetchone()
        assert counted == (1,)
        assert session.execute("SELECT count(*) FROM penstock.fired_run").fetchone() == (0,)


def test_a_deleted_schedule_leaves_nothing_behind(world: World) -> None:
    world.client.create("hourly", HOURLY)
    world.settle()
    world.client.delete("hourly")
    world.settle()
    world.pass_time(hours=2)
    world.settle()
    assert world.starts() == []


@pytest.mark.parametrize("seed", range(8))
def test_each_nominal_time_starts_one_run_or_is_missed_whatever_dies(world: World, seed: int) -> None:
    dice = random.Random(seed)
    plan = replace(HOURLY, catch_up=dice.choice(["skip", "last", "all"]), catch_up_max=dice.choice([2, 100]))
    created_ms = world.clock.now_ms()
    world.client.create("hourly", plan)
    world.decider.feed()
    for _ in range(25):
        what = dice.choice(["pass", "pass", "work", "fold", "crash", "kill", "again", "settle"])
        if what == "pass":
            world.pass_time(minutes=dice.choice([1, 20, 61, 300]))
        elif what == "work":
            world.decider.feed(records_max=dice.randint(1, 3))
        elif what == "fold":
            world.effector.feed(records_max=dice.randint(1, 3))
        elif what == "crash":
            world.crash_decider(dice.randrange(3))
        elif what == "kill":
            world.new_effector(again_s=dice.choice([0.01, 10.0]))
        elif what == "again":
            world.decider.positions = {p: dice.randint(0, at) for p, at in world.decider.positions.items()}
        else:
            world.settle()
    world.new_effector()
    world.settle()
    fired, _ = world.accounted(plan, created_ms)
    asked = Counter(meta.entity_id for meta, _ in world.starts())
    told = [body.run_id for _, body in world.events() if isinstance(body, ScheduleFired)]
    assert len(told) == len(set(told)) == len(fired), f"seed {seed}"
    assert set(asked) == set(told), f"seed {seed}"
    assert sorted(world.runs_started()) == sorted(told), f"seed {seed}"
