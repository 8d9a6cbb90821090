"""A database that has become a standby takes no writes: who asks for one is told that it is away, and reads go on."""

from collections.abc import Iterator

import pytest

from tests.api.conftest import Api
from tests.api.test_every_route import assert_problem
from tests.views.histories import new_run, started

_LOSE_CONNECTIONS = b"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@pytest.fixture
def standby(api: Api) -> Iterator[Api]:
    """The server is lost, with the connections to it; the one that takes its place may only be read."""
    (name,) = api.views.execute("SELECT current_database()").fetchone() or ("",)
    alter = f'ALTER DATABASE "{name}"'.encode()
    api.views.execute(alter + b" SET default_transaction_read_only = on")
    api.views.execute(_LOSE_CONNECTIONS)
    try:
        yield api
    finally:
        api.views.execute(alter + b" RESET default_transaction_read_only")


def test_a_bulk_operation_is_told_to_come_back(standby: Api) -> None:
    standby.tell(new_run(), started())
    olga = standby.as_("olga")
    body = {"filter": {"all": True}, "reason": "tidying up", "dry_run": False}
    assert standby.client.get("/v1/runs", headers=olga).status_code == 200
    refused = standby.client.post("/v1/runs/cancel", json=body, headers=olga)
    assert_problem(refused, 503, "database-away")
    assert refused.headers["retry-after"]
