"""What a process knows of keys while the database is away, isn't migrated, or was never seen."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.api.key_ring import KeyRing
from penstock.api.problems import Problem
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings
from tests.api.conftest import Api, key_of
from tests.api.key_calls import (
    LEARNED_S,
    listed,
    make,
    within,
)
from tests.api.test_health import AWAY


@pytest.fixture
def ring(home: Path, api: Api) -> Iterator[KeyRing]:
    one = KeyRing(home / "api-keys.json", api.settings)
    yield one
    one.close()


def test_last_use_is_written_when_the_process_ends(api: Api, home: Path) -> None:
    made = make(api).json()
    ring = KeyRing(home / "api-keys.json", api.settings)
    assert within(LEARNED_S, lambda: _asked(ring, made["key"]))
    assert listed(api)[made["id"]]["last_used_at"] is None
    ring.close()
    assert listed(api)[made["id"]]["last_used_at"] is not None


def _asked(ring: KeyRing, key: str) -> bool:
    return asyncio.run(ring.find(key)) is not None


def test_known_keys_count_while_the_database_is_away(
    api: Api, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(api).json()
    assert within(LEARNED_S, lambda: _asked(ring, made["key"]))
    with connect(api.settings.database_url) as connection:
        monkeypatch.setattr(ring, "_settings", api.settings.model_copy(update={"database_url": AWAY}))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'penstock.api.keys' AND datname = current_database()"
        )
    assert within(LEARNED_S, lambda: ring._connection is None)
    assert _asked(ring, made["key"])
    assert _asked(ring, key_of("ana"))


def test_a_process_that_has_never_seen_the_table_takes_no_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.api.key_ring.FIRST_S", 0.1)
    ring = KeyRing(home / "api-keys.json", Settings(home=home, database_url=AWAY))
    with pytest.raises(Problem) as raised:
        _asked(ring, key_of("ana"))
    assert (raised.value.status_code, raised.value.slug) == (503, "keys-away")
    ring.close()


def test_a_database_without_the_table_leaves_the_file(home: Path, database_url: str) -> None:
    ring = KeyRing(home / "api-keys.json", Settings(home=home, database_url=database_url))
    assert _asked(ring, key_of("ana"))
    ring.close()
