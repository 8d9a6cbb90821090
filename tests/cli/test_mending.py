"""Commands for a log and a database that no longer belong together."""

from pathlib import Path

import pytest

from penstock.cli.mending import reset_derived
from penstock.runtime import postgres_api_keys
from penstock.runtime.api_keys import ApiKey
from penstock.runtime.postgres import connect, migrate, pending
from penstock.runtime.settings import Settings

pytestmark = pytest.mark.broker


def test_reset_empties_what_was_derived_and_leaves_the_applications_tables(
    database_url: str, tmp_path: Path
) -> None:
    migrate(database_url)
    with connect(database_url) as connection:
        connection.execute("CREATE TABLE own AS SELECT 1 AS kept")
        postgres_api_keys.add(connection, ApiKey("k", "0" * 64, "local", "ana", ("analyst",)))
        connection.execute("INSERT INTO views.position VALUES ('topic', 0, 1, 1, 'cluster', 'id')")

    reset_derived(Settings(home=tmp_path, database_url=database_url))

    assert pending(database_url) == ()
    with connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM views.position").fetchone() == (0,)
        assert connection.execute("SELECT kept FROM own").fetchone() == (1,)
        assert [key.key_id for key in postgres_api_keys.of_tenant(connection, "local")] == ["k"]
