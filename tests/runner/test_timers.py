"""Timers: due by log time, fired until the log says so."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from penstock.producers.clock import FakeClock
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import payload_of
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import FireTimer, RunCompleted, TimerArmed, TimerFired, TimerRearmed
from penstock.streams.effector import CLOSE_S
from penstock.streams.timers.effect import Firing

from .effects import RUN, Effects, eventually


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    effects = Effects(database_url)
    yield effects
    effects.close()


def timer_id(name: str) -> str:
    return derived_id(RUN, f"timer:{name}")


def armed(name: str = "a", in_ms: int = 0) -> TimerArmed:
    return TimerArmed(timer_id=timer_id(name), step=1, purpose="sleep", due_ms=now_ms() + in_ms)


def now_ms() -> int:
    return int(time.time() * 1000)


def test_a_timer_fires_when_it_is_due(world: Effects) -> None:
    worker = world.timers().take_all()
    timer = armed(in_ms=300)
    world.emit(timer)
    worker.feed()
    time.sleep(0.1)
    assert world.inputs(FireTimer) == []
    assert world.await_inputs(FireTimer) == [FireTimer(timer_id=timer_id("a"))]
    assert now_ms() >= timer.due_ms


def test_what_is_left_for_answers_at_the_end_is_counted_from_when_the_host_was_told_to_stop(
    world: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hosts of a process close one after the other, and have one deadline."""
    left_s: list[float] = []
    monkeypatch.setattr(Firing, "close", lambda self, deadline_s: left_s.append(deadline_s))
    first, second = world.timers(), world.timers()
    for worker in (first, second):
        worker.host.stop()
    time.sleep(0.3)
    for worker in (first, second):
        worker.close()
    assert all(0 < left <= CLOSE_S - 0.3 for left in left_s), left_s


def test_an_early_firing_is_fired_again_as_another_input(world: Effects) -> None:
    ahead = FakeClock(now_ms() + 600_000)
    worker = world.timers(ahead).take_all()
    timer = armed(in_ms=1_000)
    world.emit(timer)
    worker.feed()
    for count in range(1, 5):
        world.await_inputs(FireTimer, count)
        world.emit(TimerRearmed(timer_id=timer_id("a"), due_ms=timer.due_ms))
        worker.feed()
    assert len({meta.id for meta, _ in world.signed()}) >= 4


def test_firings_that_are_early_again_and_again_get_rarer(world: Effects) -> None:
    ahead = FakeClock(now_ms() + 600_000)
    worker = world.timers(ahead).take_all()
    timer = armed(in_ms=60_000)
    world.emit(timer)
    worker.feed()
    until_s, early = time.monotonic() + 1.0, 1
    while time.monotonic() < until_s:
        if len(world.inputs(FireTimer)) >= early:
            early += 1
            world.emit(TimerRearmed(timer_id=timer_id("a"), due_ms=timer.due_ms))
            worker.feed()
        time.sleep(0.005)
    assert 3 <= len(world.inputs(FireTimer)) <= 8


def test_a_firing_that_nothing_answers_is_the_same_input_sent_again(world: Effects) -> None:
    worker = world.timers(again_s=0.1).take_all()
    world.emit(armed())
    worker.feed()
    eventually(lambda: world.log.bounds("penstock.run.inbox", 0)[1] >= 2, "it is sent again")
    assert len(world.inputs(FireTimer)) == 1


def test_a_fired_timer_is_forgotten(world: Effects) -> None:
    worker = world.timers(again_s=0.1).take_all()
    world.emit(armed())
    worker.feed()
    world.await_inputs(FireTimer)
    world.emit(TimerFired(timer_id=timer_id("a")))
    worker.feed()
    sent = world.log.bounds("penstock.run.inbox", 0)[1]
    time.sleep(0.3)
    assert world.log.bounds("penstock.run.inbox", 0)[1] == sent
    with connect(world.database_url) as session:
        assert session.execute("SELECT count(*) FROM penstock.timer").fetchone() == (0,)


def test_timers_of_an_ended_run_never_fire(world: Effects) -> None:
    worker = world.timers().take_all()
    world.emit(armed(in_ms=300), RunCompleted(result=payload_of(b"1")))
    worker.feed()
    time.sleep(0.5)
    assert world.inputs(FireTimer) == []


def test_a_timer_survives_its_worker_and_its_firing_keeps_its_number(world: Effects) -> None:
    worker = world.timers().take_all()
    timer = armed(in_ms=-1)
    world.emit(timer)
    worker.feed()
    world.await_inputs(FireTimer)
    world.emit(TimerRearmed(timer_id=timer_id("a"), due_ms=timer.due_ms))
    worker.feed()
    world.await_inputs(FireTimer, 2)
    worker.close()
    again = world.timers().take_all()
    time.sleep(0.3)
    assert len(world.inputs(FireTimer)) == 2
    again.close()


def test_a_partition_that_moved_fires_no_more_here(world: Effects) -> None:
    worker = world.timers().take_all()
    world.emit(armed(in_ms=200))
    worker.feed()
    worker.host.drop(0)
    time.sleep(0.4)
    assert world.inputs(FireTimer) == []


def test_a_clock_that_moves_on_makes_a_far_timer_due_only_after_a_restart(world: Effects) -> None:
    clock = FakeClock(now_ms())
    worker = world.timers(clock).take_all()
    world.emit(armed(in_ms=86_400_000))
    worker.feed().close()
    clock.advance(timedelta(days=2))
    world.timers(clock).take_all()
    world.await_inputs(FireTimer)
