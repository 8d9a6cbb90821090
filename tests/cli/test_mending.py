"""Commands for a log and a database that no longer belong together."""

from pathlib import Path

import pytest

from penstock.cli.mending import reset_derived
from penstock.runtime.postgres import connect, migrate, pending
from penstock.runtime.settings import Settings

pytestmark = pytest.mark.broker


def test_reset_empties_what_was_derived_and_leaves_the_applications_tables(
    database_url: str, tmp_path: Path
) -> None:
    migrate(database_url)
    with connect(database_url) as connection:
        connection.execute("CREATE TABLE own AS SELECT 1 AS kept")
        connection.execute("INSERT INTO views.position VALUES ('topic', 0, 1, 1, 'cluster', 'id')")

    reset_derived(Settings(home=tmp_path, database_url=database_url))

    assert pending(database_url) == ()
    with connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM views.position").fetchone() == (0,)
        assert connection.execute("SELECT kept FROM own").fetchone() == (1,)
