"""The database or the log is away, or a thread fails: effectors wait, go on, or end, and lose nothing."""

import threading
import time
from collections.abc import Iterator, Sequence

import psycopg
import pytest

from penstock import Call, tool
from penstock.producers.errors import LogRefused
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.canonical import payload_of
from penstock.schemas.run.records import CompleteToolCall, ToolCallCompleted
from penstock.streams.background import Background
from penstock.streams.positions import Move
from penstock.streams.tools.ports import Open
from penstock.streams.transactions import Stopping, Transactions

from .effects import Effects, call_id, eventually, requested

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


def test_a_cut_connection_loses_nothing(world: Effects) -> None:
    worker = world.tools(look).take_all()
    world.emit(requested(look))
    worker.feed()
    cut(world)
    world.emit(requested(look, "b"))
    worker.feed()
    cut(world)
    world.emit(requested(look, "c"), completed("a"))
    worker.feed()
    world.emit(completed("b"))
    worker.feed()
    world.await_inputs(CompleteToolCall, 3)
    worker.close()
    with connect(world.database_url) as session:
        position = session.execute("SELECT position FROM penstock.effect_position").fetchone()
        calls = session.execute("SELECT call_id::text FROM penstock.open_call").fetchall()
    assert (position, calls) == ((5,), [(call_id("c"),)])


def cut(world: Effects) -> None:
    """End every other connection to this database, in the middle of whatever it does."""
    with connect(world.database_url) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_commit_whose_reply_was_lost_is_not_taken_for_a_fence(world: Effects) -> None:
    worker = world.tools(look).take_all()
    move = worker.host._positions.move
    lost: list[object] = []

    def losing(steps: Sequence[Move[Open]]) -> set[int]:
        not_ours = move(steps)
        if not lost:
            lost.append(steps)
            raise psycopg.OperationalError("the reply was lost")
        return not_ours

    worker.host._positions.move = losing  # type: ignore[method-assign]
    world.emit(requested(look))
    worker.feed()
    world.emit(requested(look, "b"))
    worker.feed()
    assert lost
    with connect(world.database_url) as session:
        assert session.execute("SELECT position FROM penstock.effect_position").fetchone() == (2,)


def test_taking_waits_for_the_database_until_the_worker_closes() -> None:
    background = Background()
    away = Transactions("postgresql://nobody@127.0.0.1:1/none", "test", background.stopping)
    threading.Timer(0.3, background.stopping.set).start()
    began_s = time.monotonic()
    with pytest.raises(Stopping):
        away.patiently(lambda session: session.execute("SELECT 1"))
    assert time.monotonic() - began_s >= 0.25


def test_a_log_that_refuses_is_replaced_and_the_answer_sent_again(world: Effects) -> None:
    clients: list[MemoryLog] = []
    another = world.log.another_client

    def watched() -> MemoryLog:
        client = another()
        clients.append(client)
        if len(clients) == 2:
            client.fail_next_append(LogRefused("for good"))
        return client

    world.log.another_client = watched  # type: ignore[method-assign]
    worker = world.tools(look).take_all()
    world.emit(requested(look))
    worker.feed()
    world.await_inputs(CompleteToolCall)
    assert len(clients) == 3


def test_answers_wait_while_the_log_is_away(world: Effects) -> None:
    worker = world.tools(look).take_all()
    world.emit(requested(look))
    world.log.go_away()
    worker.feed()
    eventually(lambda: bool(entries), "the call runs")
    assert world.inputs(CompleteToolCall) == []
    world.log.come_back()
    world.await_inputs(CompleteToolCall)


def test_what_fails_in_a_thread_ends_the_worker_instead_of_being_lost() -> None:
    told: list[BaseException] = []
    background = Background(told.append)

    def fail() -> None:
        raise ZeroDivisionError

    background.start("failing", fail).join()
    with pytest.raises(ZeroDivisionError):
        background.check()
    assert len(told) == 1
