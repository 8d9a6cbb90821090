"""Groups of an issuer's tokens: the roles that they give, and what a caller is told of them."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.api.conftest import Api
from tests.api.issuer import AUDIENCE, Issuer, bearer, serving
from tests.api.test_every_route import assert_problem
from tests.api.test_tokens import start
from tests.views.histories import asked, new_run, started


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as one:
        yield one


@pytest.fixture
def set_up(issuer: Issuer) -> dict[str, object]:
    roles = {
        "/bank/disputes desk": ("analyst",),
        "7f0c-ops": ("analyst", "operator"),
        "/bank/fraud": ("fraud-desk", "analyst"),
    }
    claims = {"oidc_groups_claim": "realm.groups", "oidc_group_roles": roles}
    return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, **claims}


def test_groups_give_the_roles_of_the_settings_beside_those_that_the_token_names(
    api: Api, issuer: Issuer
) -> None:
    groups = ["/bank/disputes desk", "7f0c-ops", "/others", 7, "a\x00b"]
    token = issuer.token(roles=["supervisor"], realm={"groups": groups}, exp=int(time.time()) + 90)
    assert start(api, token).status_code == 202
    ((meta, _),) = api.log.inputs
    assert meta.actor.roles == ("supervisor", "analyst", "operator")
    mine = api.client.get("/v1/me", headers=bearer(token)).json()
    assert mine["groups"] == ["/bank/disputes desk", "7f0c-ops", "/others"]
    assert mine["roles"] == ["supervisor", "analyst", "operator"]
    assert (mine["authenticated_by"], mine["key_id"], mine["scopes"]) == ("token", None, None)
    assert 0 < (datetime.fromisoformat(mine["expires_at"]).timestamp() - time.time()) <= 90


def test_groups_alone_are_enough_where_one_of_them_has_a_role(api: Api, issuer: Issuer) -> None:
    token = issuer.token(roles=None, realm={"groups": ["/bank/disputes desk"]})
    assert start(api, token).status_code == 202
    stranger = start(api, issuer.token(roles=None, realm={"groups": ["/bank", "analyst"]}))
    assert_problem(stranger, 403, "token-without-roles")
    assert "PENSTOCK_OIDC_GROUP_ROLES gives none to the groups" in stranger.json()["detail"]


def test_a_group_with_a_role_of_its_own_decides_what_is_asked_of_that(api: Api, issuer: Issuer) -> None:
    runs = [new_run(), new_run()]
    for run_id, role in zip(runs, ("supervisor", "fraud-desk"), strict=True):
        api.tell(run_id, started(requester="pat"), asked(run_id, 1, role=role))
    for groups, may_vote in ((["/bank/fraud"], True), (["/bank/disputes desk"], False)):
        token = issuer.token(roles=None, groups=None, realm={"groups": groups})
        answer = api.client.get("/v1/approvals?role=fraud-desk", headers=bearer(token)).json()
        assert [(row["run_id"], row["may_vote"]) for row in answer["approvals"]] == [(runs[1], may_vote)]
