"""A connection that the server ends, or that leads to a standby by now, is made anew: no worker dies of it."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.transactions import Transactions

Session = psycopg.Connection[Any]


def frozen_within_a_transaction(session: Session) -> None:
    session.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
    time.sleep(0.3)
    session.execute("SELECT 1")


def too_long_a_transaction(session: Session) -> None:
    session.execute("SET LOCAL transaction_timeout = '50ms'")
    session.execute("SELECT pg_sleep(2)")


def demoted(session: Session) -> None:
    session.execute("SET LOCAL transaction_read_only = on")
    session.execute("CREATE TABLE never (n integer)")


BREAKS = pytest.mark.parametrize("breaks", [frozen_within_a_transaction, too_long_a_transaction, demoted])


@BREAKS
def test_a_transaction_is_tried_again_on_another_connection(
    database_url: str, breaks: Callable[[Session], None]
) -> None:
    transactions, tried = Transactions(database_url, "test", threading.Event()), list[int]()

    def work(session: Session) -> str:
        tried.append(session.info.backend_pid)
        if len(tried) == 1:
            breaks(session)
        return "done"

    assert transactions.patiently(work) == "done"
    assert len(set(tried)) == 2
    transactions.close()


@BREAKS
def test_the_journal_goes_on_with_another_connection(
    database_url: str, breaks: Callable[[Session], None]
) -> None:
    journal, tried = PostgresJournal(database_url, "run"), list[int]()

    def attempt(connection: Session) -> str:
        tried.append(connection.info.backend_pid)
        if len(tried) == 1:
            with connection.transaction():
                breaks(connection)
        return "done"

    assert journal._patiently(attempt) == "done"
    assert len(set(tried)) == 2
    journal.close()
