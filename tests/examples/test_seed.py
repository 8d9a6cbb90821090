"""Seeding: any number of times, at once, and never over what updates made of a case."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from penstock.examples.casework.policy import MANUAL
from penstock.examples.casework.seed import Seeded, sample_cases, seed
from penstock.runtime.postgres import connect


def test_thirty_cases_with_ids_in_order() -> None:
    assert [facts.case_id for facts in sample_cases()] == [f"C-{number}" for number in range(1001, 1031)]


def test_the_cases_are_varied() -> None:
    cases = sample_cases()
    assert {facts.dispute for facts in cases} >= {"unauthorized", "wrong_amount", "atm_shortfall", None}
    assert {facts.finding for facts in cases} == {"pending", "error_confirmed", "no_error"}
    assert len({facts.narrative for facts in cases}) == 30
    assert any(facts.account.closed for facts in cases)
    assert any(facts.missing for facts in cases)
    assert sum(facts.late for facts in cases) == 2
    assert sum(facts.new_account for facts in cases) == 1


def test_nothing_in_a_case_happens_before_it_can() -> None:
    for facts in sample_cases():
        days = (facts.account.first_deposit, facts.transfer.on, facts.notice.received, date(2025, 12, 31))
        known = [day for day in days if day is not None]
        assert known == sorted(known), facts.case_id
        assert facts.duplicate_of != facts.case_id


def test_seeding_again_changes_nothing(database_url: str) -> None:
    first = seed(database_url, policy=MANUAL)
    before = dump(database_url)
    assert seed(database_url, policy=MANUAL) == first
    assert dump(database_url) == before
    assert len(first.case_ids) == len(before) == 30


def test_seeding_again_keeps_what_updates_did(database_url: str) -> None:
    seed(database_url, policy=MANUAL)
    with connect(database_url) as connection:
        connection.execute(
            "update casework.cases set status = 'refunded', credited_cents = 7 where case_id = 'C-1005'"
        )
    seed(database_url, policy=MANUAL)
    assert ("C-1005", "refunded", 7) in dump(database_url)


def test_facts_that_were_changed_come_back(database_url: str) -> None:
    seed(database_url, policy=MANUAL)
    with connect(database_url) as connection:
        connection.execute(
            "update casework.cases set facts = '{}', content_hash = 'other' where case_id = 'C-1005'"
        )
        seed(database_url, policy=MANUAL)
        rows = connection.execute("select facts from casework.cases where facts = '{}'").fetchall()
    assert rows == []


def test_copies_are_more_cases_and_fewer_copies_take_none_away(database_url: str) -> None:
    done = seed(database_url, copies=3, policy=MANUAL)
    assert len(set(done.case_ids)) == len(done.case_ids) == 90
    assert {"C-1001", "C-1001-2", "C-1030-3"} <= set(done.case_ids)
    assert len(seed(database_url, policy=MANUAL).case_ids) == 30
    assert len(dump(database_url)) == 90


def test_no_copies_are_refused(database_url: str) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        seed(database_url, copies=0)


def test_two_seeds_at_once(database_url: str) -> None:
    def once(_: int) -> Seeded:
        return seed(database_url, policy=MANUAL)

    with ThreadPoolExecutor(4) as threads:
        done = set(threads.map(once, range(4)))
    assert len(done) == 1
    assert len(dump(database_url)) == 30


def dump(url: str) -> list[tuple[str, str, int]]:
    with connect(url) as connection:
        rows = connection.execute(
            "select case_id, status, credited_cents from casework.cases order by case_id"
        )
        return [(str(case_id), str(status), int(cents)) for case_id, status, cents in rows]
