"""Migrations run once each, in order, and never change."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.runtime.errors import DatabaseAway, MigrationChanged
from penstock.runtime.postgres import Migration, connect, migrate, migrations, pending

pytestmark = pytest.mark.broker

FIRST = Migration("0001_first.sql", b"CREATE TABLE first (n int); INSERT INTO first VALUES (1);")
SECOND = Migration("0002_second.sql", b"INSERT INTO first VALUES (2)")
OTHER = Migration("0002_other.sql", b"CREATE TABLE other (n int)")


def rows(url: str) -> list[int]:
    with connect(url) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM first ORDER BY n")]


def test_each_migration_is_applied_once_in_order(database_url: str) -> None:
    assert migrate(database_url, known=(FIRST,)) == ("0001_first.sql",)
    assert migrate(database_url, known=(FIRST, SECOND)) == ("0002_second.sql",)
    assert migrate(database_url, known=(FIRST, SECOND)) == ()
    assert rows(database_url) == [1, 2]


def test_processes_that_start_together_apply_each_migration_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: migrate(database_url, known=(FIRST, SECOND)), range(4)))
    assert sorted(len(names) for names in done) == [0, 0, 0, 2]
    assert rows(database_url) == [1, 2]


def test_failed_migration_leaves_nothing_behind(database_url: str) -> None:
    broken = Migration("0002_broken.sql", b"INSERT INTO first VALUES (9); SELECT 1/0")
    with pytest.raises(Exception, match="division by zero"):
        migrate(database_url, known=(FIRST, broken))
    assert rows(database_url) == [1]
    assert migrate(database_url, known=(FIRST, SECOND)) == ("0002_second.sql",)


def test_migration_that_meets_a_reader_crosswise_waits_for_it(database_url: str) -> None:
    migrate(database_url, known=(FIRST, OTHER))
    both = Migration("0003_both.sql", b"ALTER TABLE first ADD a int; ALTER TABLE other ADD b int")
    with connect(database_url) as reader, ThreadPoolExecutor(1) as threads:
        with reader.transaction():
            reader.execute("SELECT * FROM other")
            applied = threads.submit(migrate, database_url, known=(FIRST, OTHER, both))
            while not waiting_for_a_lock(database_url):
                assert not applied.done()
            # The migration has waited longer: it is the one that the database gives up.
            reader.execute("SELECT * FROM first")
        assert applied.result(30) == ("0003_both.sql",)


def waiting_for_a_lock(url: str) -> bool:
    with connect(url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'penstock.migrate' AND wait_event = 'relation'"
        ).fetchone()
    return found is not None and found[0] > 0


def test_edited_migration_is_refused(database_url: str) -> None:
    migrate(database_url, known=(FIRST,))
    with pytest.raises(MigrationChanged, match=r"0001_first\.sql isn't the file"):
        migrate(database_url, known=(Migration(FIRST.name, b"SELECT 1"),))


def test_packaged_migrations_apply_to_an_empty_database(database_url: str) -> None:
    names = tuple(migration.name for migration in migrations())
    assert pending(database_url) == names
    assert migrate(database_url) == names
    assert pending(database_url) == ()
    with connect(database_url) as connection:
        assert connection.execute("SHOW jit").fetchone() == ("off",)


def test_database_that_is_away_is_named() -> None:
    with pytest.raises(DatabaseAway, match="correct DATABASE_URL"):
        connect("postgresql://nobody@127.0.0.1:1/none")
