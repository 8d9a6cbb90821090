"""The claiming half of every effector: positions, the fence, zombies, dead letters, an absent database."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from penstock import Call, tool
from penstock.producers.log import Outgoing
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import payload_of
from penstock.schemas.headers import DLQ_ERROR_CLASS, DLQ_ID
from penstock.schemas.ids import dead_letter_id, run_id
from penstock.schemas.log.records import PartitionTaken
from penstock.schemas.run.records import CompleteToolCall, ToolCallCompleted
from penstock.schemas.topics import RUN_EVENTS, TOOLS_GROUP, dead_letter_topic
from penstock.streams.host import Fenced, TakeRefused

from .effects import RUN, Effects, call_id, eventually, requested

DEAD_LETTERS = dead_letter_topic(RUN_EVENTS, TOOLS_GROUP)
entries: list[str] = []


@tool(effect="read")
def look(call: Call, *, name: str) -> str:
    entries.append(call.call_id)
    return name


@pytest.fixture
def world(database_url: str) -> Iterator[Effects]:
    migrate(database_url)
    entries.clear()
    effects = Effects(database_url)
    yield effects
    effects.close()


def completed(name: str) -> ToolCallCompleted:
    return ToolCallCompleted(call_id=call_id(name), attempt=1, result=payload_of(b"1"))


def test_a_second_owner_fences_the_first(world: Effects) -> None:
    first = world.tools(look).take_all()
    second = world.tools(look).take_all()
    world.emit(requested(look))
    with pytest.raises(Fenced):
        first.feed()
    with pytest.raises(Fenced, match="isn't held"):
        first.feed()
    second.feed()
    world.emit(requested(look, "b"))
    second.feed()
    eventually(lambda: call_id("b") in entries, "the second owner acts")


def test_a_restart_goes_on_from_the_snapshot(world: Effects) -> None:
    world.emit(requested(look), requested(look, "b"), completed("a"))
    world.tools(look).take_all().close()
    world.emit(completed("b"), requested(look, "c"))
    entries.clear()
    worker = world.tools(look)
    assert worker.take() == 3
    worker.feed()
    eventually(lambda: entries == [call_id("c")], "only what is open at the end is executed")


def test_a_crash_between_snapshots_costs_reading_again_and_nothing_more(world: Effects) -> None:
    lazy = world.tools(look, save_every_s=3_600)
    lazy.take()
    world.emit(requested(look), requested(look, "b"))
    lazy.feed()
    world.await_inputs(CompleteToolCall, 2)
    world.emit(completed("a"), completed("b"))
    lazy.feed().crash()
    entries.clear()
    worker = world.tools(look)
    assert worker.take() == 0
    worker.feed()
    worker.close()
    assert entries == []


def test_a_wiped_database_is_rebuilt_by_folding(world: Effects) -> None:
    world.emit(requested(look), completed("a"), requested(look, "b"))
    world.tools(look).take_all().close()
    with connect(world.database_url) as session:
        session.execute("TRUNCATE penstock.effect_position, penstock.open_call, penstock.open_run")
    entries.clear()
    worker = world.tools(look)
    assert worker.take() == 0
    worker.feed()
    eventually(lambda: entries == [call_id("b")], "what is open is folded anew")


def test_an_older_database_fences_and_goes_on_from_there(world: Effects) -> None:
    worker = world.tools(look).take_all()
    world.emit(requested(look))
    worker.feed()
    with connect(world.database_url) as session:
        session.execute("UPDATE penstock.effect_position SET position = 0, epoch = 1")
        session.execute("DELETE FROM penstock.open_call")
    world.emit(completed("a"), requested(look, "b"))
    with pytest.raises(Fenced):
        worker.feed()
    assert worker.take() == 0
    worker.feed()
    eventually(lambda: call_id("b") in entries, "the newer request is acted upon")


@pytest.mark.parametrize("change", ["position = 99", "cluster_id = 'other'", "topic_id = 'other'"])
def test_a_database_of_another_log_is_refused_with_the_way_out(world: Effects, change: str) -> None:
    world.tools(look).take_all().close()
    with connect(world.database_url) as session:
        session.execute(f"UPDATE penstock.effect_position SET {change}".encode())
        with pytest.raises(TakeRefused, match="penstock reset-derived"):
            world.tools(look).take()
        unchanged = session.execute("SELECT epoch FROM penstock.effect_position").fetchone()
    assert unchanged == (1,)


def test_records_of_a_zombie_are_not_seen_also_after_a_restart(world: Effects) -> None:
    worker = world.tools(look).take_all()
    marker = replace(world.event(PartitionTaken(epoch=2, owner="new"), epoch=2), partition=0)
    world.log.append([marker])
    worker.feed().close()
    world.emit(requested(look, "late"), epoch=1)
    world.emit(requested(look), epoch=2)
    world.tools(look).take_all()
    world.await_inputs(CompleteToolCall)
    assert entries == [call_id("a")]


def test_records_that_no_decider_wrote_go_to_the_dead_letters_byte_for_byte(database_url: str) -> None:
    migrate(database_url)
    world = Effects(database_url, partitions=2)
    entries.clear()
    worker = world.tools(look).take_all()
    good = world.event(requested(look))
    stored = world.log.append([good])[0]
    wrong = 1 - stored.partition
    strange = [
        Outgoing(RUN_EVENTS, b"k", b"junk", (), partition=wrong),
        replace(good, value=b"junk", partition=stored.partition),
        replace(good, partition=wrong),
        replace(good, value=None, partition=stored.partition),
    ]
    places = world.log.append(strange)
    worker.feed()
    letters = [each for p in range(2) for each in world.log.deliver(DEAD_LETTERS, p, 0)]
    kinds = sorted((each.header(DLQ_ERROR_CLASS) or b"").decode() for each in letters)
    assert kinds == ["Misplaced", "NoEpoch", "Undecodable", "Undecodable"]
    assert {(each.key, each.value) for each in letters} == {(each.key, each.value) for each in strange}
    ids = {(each.header(DLQ_ID) or b"").decode() for each in letters}
    assert ids == {dead_letter_id(each.topic, each.partition, each.offset) for each in places}
    world.await_inputs(CompleteToolCall)
    world.close()


def test_other_runs_of_the_log_are_nobodys_business(world: Effects) -> None:
    worker = world.tools(look).take_all()
    world.emit(requested(look, "x"), run=run_id("local", "two"))
    world.emit(requested(look, "y"))
    worker.feed()
    world.await_inputs(CompleteToolCall, 2)
    assert {meta.entity_id for meta, _ in world.signed()} == {RUN, run_id("local", "two")}
