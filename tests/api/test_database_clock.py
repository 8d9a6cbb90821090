"""A database whose clock is an hour off, and is then set back: keys end when they should all the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from penstock.api.key_ring import KeyRing
from penstock.runtime.postgres import connect
from tests.api.conftest import Api
from tests.api.key_calls import LEARNED_S, fails, listed, make, revoke, rotate, within, works

# Names are looked up here before they are in Postgres's own schema.
SKEWED = """
CREATE SCHEMA skewed;
CREATE TABLE skewed.clock (ahead interval NOT NULL);
INSERT INTO skewed.clock VALUES ('1 hour');
CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql
AS 'SELECT pg_catalog.clock_timestamp() + ahead FROM skewed.clock';
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET search_path = skewed, pg_catalog, public', current_database());
END $$;
ALTER TABLE penstock.api_key ALTER changed_at SET DEFAULT skewed.clock_timestamp()"""
STRAIGHT = """
ALTER TABLE penstock.api_key ALTER changed_at SET DEFAULT pg_catalog.clock_timestamp();
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database()); END $$;
DROP SCHEMA skewed CASCADE"""


@pytest.fixture
def set_clock(views_database: str) -> Iterator[Callable[[str], None]]:
    """Has the database's clock an hour ahead, and sets it otherwise."""

    def ahead(interval: str) -> None:
        with connect(views_database) as connection:
            connection.execute("UPDATE skewed.clock SET ahead = %s::interval", (interval,))

    with connect(views_database) as connection:
        connection.execute(SKEWED)
    yield ahead
    with connect(views_database) as connection:
        connection.execute(STRAIGHT)


def test_rotated_and_revoked_keys_end_by_no_other_clock(set_clock: Callable[[str], None], api: Api) -> None:
    first = make(api, expires_in_s=600).json()
    assert within(LEARNED_S, works(api, first["key"]))
    second = rotate(api, first["id"], grace_s=0).json()
    assert within(LEARNED_S, fails(api, first["key"])), "it has no grace"
    assert works(api, second["key"])()
    set_clock("-1 hour")
    third = rotate(api, second["id"], grace_s=300).json()
    assert within(LEARNED_S, works(api, third["key"]))
    assert works(api, second["key"])(), "its grace isn't over"
    assert revoke(api, third["id"]) == 204
    assert within(LEARNED_S, fails(api, third["key"]))
    states = {key_id: listed(api)[key_id]["state"] for key_id in (first["id"], second["id"], third["id"])}
    assert list(states.values()) == ["revoked", "active", "revoked"]


def test_a_clock_that_was_set_back_hides_no_revocation(
    set_clock: Callable[[str], None], api: Api, home: Path
) -> None:
    """As when another database has taken over, and the ring couldn't look for longer than its looks overlap."""
    ring = KeyRing(home / "api-keys.json", api.settings)
    made = make(api).json()
    ring._look_at_table()
    assert ring.known(made["key"]) is not None
    set_clock("-1 hour")
    assert revoke(api, made["id"]) == 204
    ring._look_at_table()
    assert ring.known(made["key"]) is None
    ring._let_go()
