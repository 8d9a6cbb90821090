"""Keys and tenants over Postgres: one process at a time, whatever the key and whatever becomes of the process."""

import signal
import time
from uuid import uuid4

import psycopg
import pytest

from penstock.declare.tools import Tool
from penstock.runtime.postgres import connect, migrate

from .target import Target, processes
from .workers import Worker, brief, eventually, keyed, names_in, shares_of

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_key_is_with_one_process_at_a_time_whatever_becomes_of_these(
    database_url: str, target: Target, where: str
) -> None:
    migrate(database_url)
    # Calls have 200 ms, so a lease lasts 4.2 s.
    target.patience_s = 0.2

    def served(seconds: float) -> set[str]:
        since_s = time.monotonic() - seconds
        return {key for key, came_s in list(target.keys) if came_s > since_s}

    with processes(3, database_url, target, "key=1", 20, where) as (killed, asleep, _):
        eventually(lambda: served(1) == set("abc"), "all keys are served")
        eventually(lambda: names_in(database_url).count(0) >= 3, "several processes want them")
        killed.send_signal(signal.SIGKILL)
        asleep.send_signal(signal.SIGSTOP)
        time.sleep(5)
        eventually(lambda: served(0.5) == set("abc"), "the one that is left has all", 5)
        asleep.send_signal(signal.SIGCONT)
        time.sleep(3)
        assert served(1) == set("abc")
        assert target.most_of_key == 1


@pytest.mark.parametrize("of", [brief, keyed], ids=["shares", "keys"])
def test_what_nobody_wants_costs_no_transactions(database_url: str, of: Tool[None]) -> None:
    migrate(database_url)
    worker = Worker(database_url, of)
    worker.want(1, "k")
    eventually(lambda: len(worker.slots) == 1, "it has a part")
    worker.release()
    eventually(lambda: shares_of(database_url) == [] and names_in(database_url) == [], "it gives it back")
    with psycopg.connect(database_url, autocommit=True) as session:
        changes = "SELECT max(state_change) FROM pg_stat_activity WHERE application_name = 'shares'"
        time.sleep(0.5)
        before = session.execute(changes).fetchone()
        assert before != (None,)
        time.sleep(2.5)
        assert session.execute(changes).fetchone() == before
    worker.shares.close()


def test_keys_of_any_kind_are_kept_apart_and_given_back(database_url: str) -> None:
    migrate(database_url)
    keys = ["", "ä", "a\x00", "a\x01", "\ud800", "\ud801", "k" * 5_000, "k" * 5_001]
    with connect(database_url) as session:
        stale = "INSERT INTO penstock.limit_key VALUES ('other/key', 't', 'k', %s, 1, 1, now())"
        session.execute(stale, (str(uuid4()),))
    first, second = Worker(database_url, keyed), Worker(database_url, keyed)
    for key in keys:
        first.want(1, key)
    eventually(lambda: len(first.slots) == len(keys), "each has a key of its own")
    for key in keys:
        second.want(1, key)
    time.sleep(1)
    assert second.slots == []
    with connect(database_url) as session:
        left = session.execute("SELECT 1 FROM penstock.limit_key WHERE limit_name = 'other/key'").fetchall()
    assert left == [], "what the gone left is swept"
    first.release()
    eventually(lambda: len(second.slots) == len(keys), "they are the same keys")
    for worker in (first, second):
        worker.close()
    assert names_in(database_url) == []
