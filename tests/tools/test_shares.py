"""Limits that hold over processes: the target counts who is there, whatever becomes of those who call."""

import signal
import sys
import time
from uuid import uuid4

import pytest

from penstock.cli.local.postgres import LocalPostgres
from penstock.runtime.passport import passport
from penstock.runtime.postgres import connect, migrate

from .target import Target, processes
from .workers import Worker, eventually, paced, shares_of

pytestmark = pytest.mark.broker
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="passports are Linux's")


def test_three_processes_never_pass_a_limit_together_and_share_it_fairly(
    database_url: str, target: Target
) -> None:
    migrate(database_url)
    with processes(3, database_url, target, "concurrency=7", 20):
        eventually(lambda: shares_of(database_url) == [2, 2, 3], "each has its part")
        began = len(target.came_s)
        time.sleep(4)
        assert target.most == 7
        assert len(target.came_s) - began > 100


def test_the_part_of_a_killed_process_comes_back_when_its_lease_runs_out(
    database_url: str, target: Target
) -> None:
    migrate(database_url)
    with processes(2, database_url, target, "concurrency=6", 100, "elsewhere") as (killed, left):
        eventually(lambda: shares_of(database_url) == [3, 3], "each has its part")
        killed.send_signal(signal.SIGKILL)
        killed_s = time.monotonic()
        eventually(lambda: target.here <= 3, "its calls are gone")
        time.sleep(1)
        assert target.here <= 3
        eventually(lambda: shares_of(database_url) == [6], "the other has it all", 8)
        assert time.monotonic() - killed_s > 2
        time.sleep(1)
        assert target.most <= 6
        assert left.poll() is None


@linux
def test_the_part_of_a_process_that_was_killed_on_this_machine_comes_back_at_once(
    database_url: str, target: Target
) -> None:
    migrate(database_url)
    # The lease of calls of a second lasts seven.
    with processes(2, database_url, target, "concurrency=6", 1_000) as (killed, _):
        eventually(lambda: shares_of(database_url) == [3, 3], "each has its part")
        killed.send_signal(signal.SIGKILL)
        eventually(lambda: shares_of(database_url) == [6], "the other has it all", 3)
        assert target.most <= 6


@linux
def test_of_a_rate_an_ended_process_keeps_for_its_length_what_it_may_have_begun_with(
    database_url: str,
) -> None:
    migrate(database_url)
    with connect(database_url) as session:
        session.execute(
            "INSERT INTO penstock.limit_share SELECT 'paced/' || kind, %s, 3, 3, now(), now() + interval '60 s', %s"
            " FROM unnest(ARRAY['concurrency', 'rate']) AS kind",
            (str(uuid4()), f"{passport().rpartition(':')[0]}:1"),
        )
    began_s = time.monotonic()
    worker = Worker(database_url, paced)
    worker.want(5)
    eventually(lambda: len(worker.slots) == 2, "it has what is left of the rate")
    assert time.monotonic() - began_s < 1.5
    eventually(lambda: len(worker.slots) == 5, "it has it all")
    assert time.monotonic() - began_s > 2
    worker.close()


def test_a_process_that_slept_past_its_lease_begins_nothing_of_what_others_have(
    database_url: str, target: Target
) -> None:
    migrate(database_url)
    with processes(2, database_url, target, "concurrency=4", 50) as (asleep, _):
        eventually(lambda: shares_of(database_url) == [2, 2], "each has its part")
        asleep.send_signal(signal.SIGSTOP)
        eventually(lambda: shares_of(database_url) == [4], "the other has it all")
        time.sleep(0.5)
        # The connections of the one that sleeps stay open: they aren't calls that began now.
        before = target.here
        asleep.send_signal(signal.SIGCONT)
        eventually(lambda: shares_of(database_url) == [2, 2], "it has its part again")
        time.sleep(1)
        assert before <= 6
        assert target.here <= 4


def test_a_limit_of_one_goes_round(database_url: str, target: Target) -> None:
    migrate(database_url)
    holders: set[str] = set()

    def look() -> bool:
        with connect(database_url) as session:
            statement = "SELECT holder::text FROM penstock.limit_share WHERE slots > 0"
            holders.update(row[0] for row in session.execute(statement).fetchall())
        return len(holders) == 2

    with processes(2, database_url, target, "concurrency=1", 20):
        eventually(look, "both have had it")
        assert target.most == 1


def test_a_rate_holds_over_processes_also_while_parts_move(database_url: str, target: Target) -> None:
    migrate(database_url)
    with processes(2, database_url, target, "rate=20", 5) as (killed, _):
        eventually(lambda: len(target.came_s) > 60, "calls come")
        killed.send_signal(signal.SIGKILL)
        began = len(target.came_s)
        eventually(lambda: len(target.came_s) - began > 100, "the other takes it over", 30)
    # What a call needs to get there moves it by some milliseconds against its beginning.
    assert target.most_within(0.9) <= 20


def test_what_is_in_use_is_not_given_away(database_url: str) -> None:
    migrate(database_url)
    first, second = Worker(database_url), Worker(database_url)
    first.want(3)
    eventually(lambda: len(first.slots) == 3, "the first has all")
    second.want(3)
    time.sleep(1)
    assert second.slots == []
    first.slots.pop().release()
    eventually(lambda: len(second.slots) == 1, "the second has what came back")
    first.release()
    eventually(lambda: len(second.slots) == 3, "the second has all", 5)
    for worker in (first, second):
        worker.close()
    assert shares_of(database_url) == []


def test_without_the_database_a_process_goes_on_for_its_lease_then_waits(
    fresh_postgres: LocalPostgres,
) -> None:
    url = fresh_postgres.start()
    migrate(url)
    worker = Worker(url)
    worker.want(1)
    eventually(lambda: len(worker.slots) == 1, "it has a part")
    worker.want(2)
    eventually(lambda: len(worker.slots) == 3, "it has all")
    fresh_postgres.stop()
    worker.release()
    worker.want(3)
    assert len(worker.slots) == 3
    assert all(slot.begin() for slot in worker.slots)
    time.sleep(4.5)
    assert not any(slot.begin() for slot in worker.slots)
    worker.release()
    worker.want(2)
    time.sleep(0.5)
    assert worker.slots == []
    fresh_postgres.start()
    eventually(lambda: len(worker.slots) == 2, "it goes on with the database")
    worker.close()
