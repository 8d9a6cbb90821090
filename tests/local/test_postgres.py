"""The Postgres of our own, killed and started again."""

import os
from pathlib import Path

import psycopg
import pytest

from penstock.cli.local.postgres import LocalPostgres

pytestmark = pytest.mark.broker


def test_killed_server_keeps_what_was_committed(fresh_postgres: LocalPostgres) -> None:
    address = fresh_postgres.url
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    fresh_postgres.kill()
    assert fresh_postgres.process() is None
    assert fresh_postgres.start() == address
    assert "already exists" not in fresh_postgres.log_file.read_text(), "the killed one was believed to run"

    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_pid_file_that_names_another_program_stops_nobody(
    fresh_postgres: LocalPostgres, tmp_path: Path
) -> None:
    fresh_postgres.kill()
    pid_file = tmp_path / "postgres" / "cluster" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))

    assert fresh_postgres.process() is None
    fresh_postgres.start()
    assert fresh_postgres.process() is not None


def test_server_commits_to_the_disk_and_asks_for_its_password(fresh_postgres: LocalPostgres) -> None:
    with psycopg.connect(fresh_postgres.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
    without = fresh_postgres.url.replace(fresh_postgres.url.split(":")[2].split("@")[0], "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(without)
