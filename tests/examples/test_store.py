"""The target's promises on a real Postgres: effect and journal together, none under a voided key."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Barrier
from time import monotonic, sleep

import psycopg
import pytest

from penstock.examples.casework.desk import Desk
from penstock.examples.casework.store import CallVoided, CaseStore, CaseUnknown, Execution
from penstock.runtime.postgres import connect


def credit(
    store: CaseStore, key: str, case_id: str = "C-1001", cents: int = 18_420, attempt: int = 1
) -> Execution:
    return store.update(
        key,
        case_id=case_id,
        outcome="provisional_credit",
        amount_cents=cents,
        arguments={"case_id": case_id},
        attempt=attempt,
    )


def credited(url: str, case_id: str = "C-1001") -> int:
    with connect(url) as connection:
        row = connection.execute(
            "select credited_cents from casework.cases where case_id = %s", [case_id]
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_case_is_read_with_its_present_status(desk: Desk) -> None:
    facts = desk.store.read("C-1001")
    assert (facts.case_id, facts.status, facts.transfer.disputed_cents) == ("C-1001", "open", 18_420)
    credit(desk.store, "k")
    assert desk.store.read("C-1001").status == "provisionally_credited"


def test_an_unknown_case_is_no_case(desk: Desk) -> None:
    with pytest.raises(CaseUnknown, match="C-9999"):
        desk.store.read("C-9999")


def test_an_update_and_its_journal_entry_are_one(desk: Desk, seeded_url: str) -> None:
    done = credit(desk.store, "key-1")
    assert desk.store.executions("key-1") == (done,)
    assert (done.call_key, done.tool, done.arguments) == (
        "key-1",
        "update_case_status",
        {"case_id": "C-1001"},
    )
    assert credited(seeded_url) == 18_420


def test_an_update_of_an_unknown_case_leaves_no_journal_entry(desk: Desk) -> None:
    with pytest.raises(CaseUnknown):
        credit(desk.store, "key-1", case_id="C-9999")
    assert desk.store.executions("key-1") == ()


def test_an_update_whose_journal_entry_fails_does_not_take_place(desk: Desk, seeded_url: str) -> None:
    with pytest.raises(psycopg.DataError):
        desk.store.update(
            "key-1", case_id="C-1001", outcome="refund", amount_cents=5, arguments={"text": "nul \x00"}
        )
    assert credited(seeded_url) == 0
    assert desk.store.read("C-1001").status == "open"


def test_an_update_made_twice_pays_twice_and_the_journal_shows_it(desk: Desk, seeded_url: str) -> None:
    first, second = credit(desk.store, "key-1"), credit(desk.store, "key-1")
    credit(desk.store, "key-2")
    assert first.nonce != second.nonce
    assert desk.store.executions("key-1") == (first, second)
    assert desk.store.execution_counts("update_case_status") == {"key-1": 2, "key-2": 1}
    assert credited(seeded_url) == 3 * 18_420


def test_a_voided_key_is_declined_for_good_and_others_are_not(desk: Desk, seeded_url: str) -> None:
    assert desk.store.void("key-1") is None
    assert desk.store.void("key-1") is None
    for _ in range(2):
        with pytest.raises(CallVoided):
            credit(desk.store, "key-1")
    assert desk.store.executions("key-1") == ()
    assert credited(seeded_url) == 0
    credit(desk.store, "key-2")


def test_after_a_voided_attempt_a_later_one_may_be_made(desk: Desk) -> None:
    assert desk.store.void("key-1", attempt=2) is None
    for attempt in (1, 2):
        with pytest.raises(CallVoided):
            credit(desk.store, "key-1", attempt=attempt)
    done = credit(desk.store, "key-1", attempt=3)
    assert done.attempt == 3
    # Asked about the later attempt, or an earlier one, it tells what has happened.
    assert desk.store.void("key-1", attempt=2) == desk.store.void("key-1", attempt=4) == done


def test_what_has_happened_is_not_voided(desk: Desk) -> None:
    done = credit(desk.store, "key-1")
    assert desk.store.void("key-1") == done
    # It wasn't voided by the question either.
    credit(desk.store, "key-1")


def test_a_void_waits_for_an_update_that_is_about_to_commit(desk: Desk, seeded_url: str) -> None:
    with ThreadPoolExecutor(2) as threads, connect(seeded_url) as other, connect(seeded_url) as watch:
        with other.transaction():
            # Holding the case's row stops the update between its look at the voided keys and its commit.
            other.execute("select 1 from casework.cases where case_id = 'C-1001' for update")
            update = threads.submit(credit, desk.store, "key-1")
            wait_until(lambda: waiting(watch) == 1)
            void = threads.submit(desk.store.void, "key-1")
            wait_until(lambda: waiting(watch) == 2)
            assert not update.done()
            assert not void.done()
        assert void.result(10) == update.result(10)
    assert len(desk.store.executions("key-1")) == 1


def test_of_a_void_and_an_update_at_the_same_time_one_wins(desk: Desk, seeded_url: str) -> None:
    keys = [f"key-{number}" for number in range(60)]
    start = Barrier(2)

    def update_all() -> list[bool]:
        return [raced(start, partial(credit, desk.store, key, cents=1)) for key in keys]

    def void_all() -> list[bool]:
        return [raced(start, partial(desk.store.void, key)) for key in keys]

    with ThreadPoolExecutor(2) as threads:
        updates: Future[list[bool]] = threads.submit(update_all)
        voids: Future[list[bool]] = threads.submit(void_all)
        updated, found = updates.result(60), voids.result(60)
    assert updated == found
    assert updated == [len(desk.store.executions(key)) == 1 for key in keys]
    assert credited(seeded_url) == sum(updated)


@pytest.mark.parametrize(
    "change",
    [
        "update casework.execution set tool = 'none'",
        "delete from casework.execution",
        "truncate casework.execution",
        "delete from casework.voided",
        "truncate casework.voided",
    ],
)
def test_the_journal_is_append_only(desk: Desk, seeded_url: str, change: str) -> None:
    credit(desk.store, "key-1")
    with connect(seeded_url) as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        connection.execute(change.encode())
    assert len(desk.store.executions("key-1")) == 1


def test_a_letter_goes_out_once_for_its_key(desk: Desk, seeded_url: str) -> None:
    def send(key: str) -> bool:
        return desk.store.send(key, case_id="C-1001", kind="refund", letter="Dear …", arguments={})

    assert [send("n-1"), send("n-1"), send("n-2")] == [True, False, True]
    assert desk.store.execution_counts("notify_consumer") == {"n-1": 1, "n-2": 1}
    with connect(seeded_url) as connection:
        assert connection.execute("select notice_key from casework.notices order by 1").fetchall() == [
            ("n-1",),
            ("n-2",),
        ]


def test_a_letter_in_an_unknown_case_is_not_sent(desk: Desk) -> None:
    with pytest.raises(CaseUnknown):
        desk.store.send("n-1", case_id="C-9999", kind="refund", letter="Dear …", arguments={})
    assert desk.store.executions("n-1") == ()


def raced(start: Barrier, act: Callable[[], Execution | None]) -> bool:
    """Whether there was an execution in the end, as seen by one of the two."""
    start.wait(10)
    try:
        return act() is not None
    except CallVoided:
        return False


def waiting(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    row = connection.execute(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    ).fetchone()
    assert row is not None
    return int(str(row[0]))


def wait_until(reached: Callable[[], bool], seconds: float = 10) -> None:
    end = monotonic() + seconds
    while not reached():
        assert monotonic() < end, "waited in vain"
        sleep(0.01)
