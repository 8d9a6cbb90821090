"""The second wall between tenants: the database itself shows a tenant's questions no other tenant's rows."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from penstock.api.views import Views
from penstock.runtime.postgres_walls import holes_of
from tests.api.conftest import Api
from tests.views.histories import approval_of, asked, call_of, requested, started

RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
HOLES = {
    "_RUN": "SELECT run_id FROM views.run WHERE %(run_id)s::text IS NOT NULL AND %(tenant)s::text IS NOT NULL",
    "_EVENTS": "SELECT run_id AS event FROM views.run_event WHERE %(run_id)s::text IS NOT NULL AND %(limit)s > 0"
    " AND %(tenant)s::text IS NOT NULL AND %(from_seq)s > 0",
    "_APPROVALS": "SELECT approval_id FROM views.approval WHERE %(approval_id)s::text IS NULL AND %(limit)s > 0"
    " AND %(tenant)s::text IS NOT NULL AND %(run_id)s::text IS NULL AND %(status)s::text IS NULL",
    "_CALL": "SELECT call_id FROM views.tool_call WHERE %(call_id)s::text IS NOT NULL AND %(tenant)s::text IS NOT NULL",
}


@pytest.fixture
def told(api: Api) -> Api:
    """An API whose tenant `local` has a run with a question and a call."""
    api.tell(RUN, started(), asked(RUN, 1), requested(RUN, 2, tool="update_case_status"))
    return api


@pytest.fixture
def views(told: Api) -> Iterator[Views]:
    asking = Views(told.settings)
    yield asking
    asking.close()


async def everything(views: Views, tenant: str) -> list[object]:
    return [
        await views.run(tenant, RUN),
        await views.events(tenant, RUN, 1, 10),
        await views.approvals(tenant),
        await views.call(tenant, call_of(RUN, 2)),
    ]


def test_a_query_that_forgets_the_tenant_still_shows_nobody_elses_rows(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, query in HOLES.items():
        monkeypatch.setattr(f"penstock.api.views.{name}", query)
    assert asyncio.run(everything(views, "elsewhere")) == [None, [], [], None]
    own = asyncio.run(everything(views, "local"))
    assert own == [
        {"run_id": RUN},
        [{"event": RUN}] * 3,
        [{"approval_id": approval_of(RUN, 1)}],
        {"call_id": call_of(RUN, 2)},
    ]


def test_a_connection_is_the_owners_again_after_a_tenants_question(views: Views) -> None:
    async def ask() -> None:
        await everything(views, "elsewhere")
        assert await views.open_by_tenant() == {"local": 1}
        assert await views.shown([RUN]) == [RUN]

    asyncio.run(ask())


@pytest.mark.parametrize("tenant", ["", "local'; RESET ROLE; --", "ü" * 300])
def test_a_tenants_name_may_be_any_text(views: Views, tenant: str) -> None:
    assert asyncio.run(everything(views, tenant)) == [None, [], [], None]


def test_whoever_names_no_tenant_sees_nothing(told: Api) -> None:
    with told.views.transaction():
        told.views.execute("SET LOCAL ROLE penstock_tenant")
        assert told.views.execute("SELECT count(*) FROM views.run_row").fetchone() == (0,)
    assert told.views.execute("SELECT count(*) FROM views.run_row").fetchone() == (1,)


def test_a_tenants_role_writes_nothing(told: Api) -> None:
    with told.views.transaction() as transaction:
        told.views.execute("SET LOCAL ROLE penstock_tenant")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            told.views.execute("UPDATE views.run_row SET tenant = 'elsewhere'")
        raise psycopg.Rollback(transaction)


def test_a_tenants_role_sees_no_secret_of_a_webhook(told: Api) -> None:
    with told.views.transaction() as transaction:
        told.views.execute("SET LOCAL ROLE penstock_tenant")
        told.views.execute("SELECT url FROM penstock.webhook")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            told.views.execute("SELECT secret FROM penstock.webhook")
        raise psycopg.Rollback(transaction)


def test_every_table_that_names_a_tenant_has_the_wall(told: Api) -> None:
    assert holes_of(told.views) == []


GRANTED = "; GRANT SELECT ON {0} TO penstock_tenant"
TORN_DOWN = {
    "a table made without": ("views.t", "CREATE TABLE views.t (tenant text)" + GRANTED),
    "one of another schema": ("penstock.t", "CREATE TABLE penstock.t (tenant text)" + GRANTED),
    "a view of the owner's": ("views.v", "CREATE VIEW views.v AS SELECT tenant FROM views.run_row" + GRANTED),
    "switched off": ("views.run_row", "ALTER TABLE views.run_row DISABLE ROW LEVEL SECURITY"),
    "no policy": ("views.approval_row", "DROP POLICY own ON views.approval_row"),
    "another policy": (
        "views.run_row",
        "CREATE POLICY more ON views.run_row FOR SELECT USING (tenant <> 'local')",
    ),
    "the owner's eyes": ("views.approval", "ALTER VIEW views.approval RESET (security_invoker)"),
}


@pytest.mark.parametrize("torn", TORN_DOWN)
def test_a_wall_that_was_torn_down_is_found_and_mended(told: Api, torn: str) -> None:
    name, statement = TORN_DOWN[torn]
    with told.views.transaction() as transaction:
        told.views.execute(statement.format(name).encode())
        found = holes_of(told.views)
        assert found
        assert {name in why for why, _ in found} == {True}
        for _, mend in found:
            told.views.execute(mend.encode())
        assert holes_of(told.views) == []
        raise psycopg.Rollback(transaction)


def test_what_no_tenants_question_may_read_needs_no_wall(told: Api) -> None:
    with told.views.transaction() as transaction:
        told.views.execute("CREATE TABLE penstock.not_shown (tenant text)")
        assert holes_of(told.views) == []
        raise psycopg.Rollback(transaction)
