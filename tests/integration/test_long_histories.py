"""Taking a partition reads what is open there, not what lies behind it: counted in rows, whatever the clock says."""

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest

from penstock.runtime.postgres import migrate
from penstock.schemas.codec import pinned_codec
from penstock.streams.journal import Checkpoint, TopicPair
from penstock.streams.postgres_journal import PostgresJournal
from penstock.streams.timers.ports import TimerRows
from penstock.streams.tools.ports import CallRows

pytestmark = pytest.mark.broker

RUNS = 3_000
STALLED, RESUMED = "RunStalled", "RunResumed"
TOPICS = TopicPair("cluster", "inbox", "events")
# Each run has stalled and gone on, in both partitions; the last ones of each are still stalled.
_HISTORY = """
INSERT INTO penstock.journal
    (entity_id, seq, noun, partition, position, cause_offset, cause_id, cause_index, value, mark)
SELECT md5(n::text)::uuid, seq, 'run', n %% 2, 3 * n + seq, n, md5(n || ':' || seq)::uuid, 0, '\\x00',
       CASE WHEN seq = 2 THEN 'RunStalled' WHEN seq = 3 THEN 'RunResumed' END
FROM generate_series(1, %(runs)s) AS n, generate_series(1, 3) AS seq
WHERE NOT (n > %(runs)s - 4 AND seq = 3)
"""
_READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relid = %s::regclass"


@pytest.fixture
def history(database_url: str) -> Iterator[psycopg.Connection]:
    """A database with a history behind it, tidied up as Postgres does it by itself."""
    migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(_HISTORY, {"runs": RUNS})
        connection.execute(
            "INSERT INTO penstock.timer SELECT md5(n::text)::uuid, n % 60, md5(n::text)::uuid, 't', n, 1"
            " FROM generate_series(1, 3000) AS n"
        )
        connection.execute("VACUUM (ANALYZE) penstock.journal, penstock.timer")
        yield connection


@pytest.fixture
def journal(database_url: str, history: psycopg.Connection) -> Iterator[PostgresJournal]:
    made = PostgresJournal(database_url, "run")
    made.take(0, "test", Checkpoint(0, 0, 0, 0, 0, 0, TOPICS))
    yield made
    made.close()


def rows_read(
    looking: psycopg.Connection, asking: psycopg.Connection, table: str, ask: Callable[[], object]
) -> int:
    """Rows of the table that were fetched for it."""
    found = []
    for step in (lambda: None, ask):
        step()
        # A session tells of what it has read when it is idle for a while, or when it is told to.
        asking.execute("SELECT pg_stat_force_next_flush()")
        row = looking.execute(_READ, (table,)).fetchone()
        assert row is not None
        found.append(int(row[0]))
    return found[1] - found[0]


def test_who_is_stalled_is_known_without_reading_the_history(
    journal: PostgresJournal, history: psycopg.Connection
) -> None:
    assert journal._connection is not None
    found: list[str] = []
    read = rows_read(
        history,
        journal._connection,
        "penstock.journal",
        lambda: found.extend(journal.last_marked(0, STALLED)),
    )
    expected = history.execute("SELECT md5(n::text)::uuid FROM unnest(ARRAY[2998, 3000]) AS n").fetchall()
    assert {UUID(one) for one in found} == {entity for (entity,) in expected}
    assert read == 0, "only the index says it all"
    assert len(journal.last_marked(0, RESUMED)) == RUNS // 2 - 2


def test_what_wasnt_published_is_all_that_is_read_of_the_journal(
    journal: PostgresJournal, history: psycopg.Connection
) -> None:
    assert journal._connection is not None
    found: list[object] = []
    after = 3 * (RUNS - 10) + 3
    read = rows_read(
        history, journal._connection, "penstock.journal", lambda: found.extend(journal.unpublished(0, after))
    )
    assert read == len(found) == 13


def test_a_snapshot_is_all_that_is_read_of_what_is_open(
    database_url: str, history: psycopg.Connection
) -> None:
    with psycopg.connect(database_url, autocommit=True) as session:
        read = rows_read(history, session, "penstock.timer", lambda: TimerRows().load(session, 1))
        assert read == 3_000 // 60
        assert list(CallRows(pinned_codec()).load(session, 1)) == []
