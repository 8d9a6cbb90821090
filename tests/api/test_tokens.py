"""Bearer tokens: whom they stand for, and in which claims that stands."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response

from penstock.api.tokens import tokens_of
from penstock.runtime.errors import NotConfigured
from penstock.runtime.settings import Settings
from tests.api.conftest import Api
from tests.api.issuer import AUDIENCE, Issuer, bearer, serving
from tests.api.route_case import VOTE
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of

CASE = {"case_id": "case-1"}
RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
VOTES = f"/v1/approvals/{approval_of(RUN, 1)}/votes"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with serving() as one:
        yield one


@pytest.fixture
def set_up(issuer: Issuer) -> dict[str, object]:
    return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE}


def start(api: Api, token: str) -> Response:
    answer: Response = api.client.post("/case-review", json=CASE, headers=bearer(token))
    return answer


def test_a_token_stands_for_the_tenant_subject_and_roles_that_it_names(api: Api, issuer: Issuer) -> None:
    assert start(api, issuer.token()).status_code == 202
    ((meta, _),) = api.log.inputs
    assert (meta.tenant, meta.actor.subject, meta.actor.roles) == ("local", "ana", ("analyst",))
    assert meta.actor.kind == "person"


def test_api_keys_work_beside_tokens(api: Api) -> None:
    assert api.client.post("/case-review", json=CASE, headers=api.as_("ana")).status_code == 202
    assert_problem(api.client.post("/case-review", json=CASE), 401, "unauthenticated")


@pytest.mark.parametrize("algorithm", ["RS512", "PS256"])
def test_other_algorithms_of_the_same_key_are_taken(api: Api, issuer: Issuer, algorithm: str) -> None:
    assert start(api, issuer.token("k1", algorithm)).status_code == 202


def test_a_token_may_be_used_again_while_it_lives(api: Api, issuer: Issuer) -> None:
    token = issuer.token()
    assert [start(api, token).status_code for _ in range(2)] == [202, 202]
    assert issuer.asked == 1


@pytest.mark.parametrize(
    "said",
    [
        {"azp": "batch", "sub": "batch"},
        {"gty": "client-credentials"},
        {"idtyp": "app"},
        {"preferred_username": "service-account-batch"},
    ],
)
def test_a_programs_token_acts_as_a_service_and_never_votes(
    api: Api, issuer: Issuer, said: dict[str, object]
) -> None:
    token = issuer.token(roles=["analyst", "supervisor"], **said)
    assert start(api, token).status_code == 202
    ((meta, _),) = api.log.inputs
    assert meta.actor.kind == "service"
    assert_problem(api.client.post(VOTES, json=VOTE, headers=bearer(token)), 403, "people-only")


def test_a_token_with_scopes_of_ours_is_limited_to_them(api: Api, issuer: Issuer) -> None:
    assert start(api, issuer.token(scope="openid email")).status_code == 202
    assert start(api, issuer.token(scope="openid runs:start")).status_code == 202
    response = start(api, issuer.token(scope="openid runs:read"))
    assert_problem(response, 403, "scope-missing")
    assert 'scope="runs:start"' in response.headers["www-authenticate"]


def test_claims_may_stand_elsewhere(issuer: Issuer, home: Path) -> None:
    with pytest.raises(NotConfigured, match="PENSTOCK_OIDC_AUDIENCE"):
        tokens_of(Settings(home=home, oidc_issuer=issuer.url))
    with pytest.raises(NotConfigured, match="PENSTOCK_OIDC_ISSUER"):
        tokens_of(Settings(home=home, oidc_audience=AUDIENCE))


class TestOtherClaims:
    @pytest.fixture
    def set_up(self, issuer: Issuer) -> dict[str, object]:
        where = {
            "tenant": "https://penstock.example/tenant",
            "roles": "realm_access.roles",
            "subject": "email",
        }
        claims = {f"oidc_{name}_claim": claim for name, claim in where.items()}
        return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE, **claims}

    def test_tenant_roles_and_subject_are_read_where_the_settings_say(self, api: Api, issuer: Issuer) -> None:
        said: dict[str, object] = {
            "tenant": None,
            "roles": ["operator"],
            "https://penstock.example/tenant": "local",
            "realm_access": {"roles": ["analyst"]},
            "email": "ana@penstock.example",
        }
        assert start(api, issuer.token(**said)).status_code == 202
        ((meta, _),) = api.log.inputs
        assert (meta.actor.subject, meta.actor.roles) == ("ana@penstock.example", ("analyst",))
