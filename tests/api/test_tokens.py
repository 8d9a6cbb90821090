"""Bearer tokens: which are taken, which aren't and what is said then, and whom they stand for."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from httpx import Response

from penstock.api.tokens import tokens_of
from penstock.runtime.errors import NotConfigured
from penstock.runtime.settings import Settings
from tests.api.conftest import Api
from tests.api.issuer import AUDIENCE, Issuer, bearer, rsa_key, serving
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


def assert_invalid(response: Response, why: str) -> None:
    assert_problem(response, 401, "invalid-token")
    assert why in response.json()["detail"]
    challenge = response.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="invalid_token"')
    assert why in challenge


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


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(issuer: Issuer) -> str:
    return f"{part({'alg': 'none', 'kid': 'k1'})}.{part(issuer.claims())}."


def signed_with_the_public_key(issuer: Issuer) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = issuer.private["k1"].public_key().public_bytes(*form)
    said = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(issuer.claims())}"
    signature = hmac.new(secret, said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_with_another_key(issuer: Issuer) -> str:
    kept, issuer.private["k1"] = issuer.private["k1"], rsa_key()
    forged = issuer.token()
    issuer.private["k1"] = kept
    return forged


def with_other_claims(issuer: Issuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{part(issuer.claims(sub='olga', roles=['operator']))}.{signature}"


Forge = Callable[[Issuer], str]
FORGERIES = (unsigned, signed_with_the_public_key, signed_with_another_key, with_other_claims)


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_token_is_refused_and_not_told_why(api: Api, issuer: Issuer, forge: Forge) -> None:
    assert_invalid(start(api, forge(issuer)), "it isn't one that this API's issuer has signed for it")
    assert api.log.inputs == []


@pytest.mark.parametrize(
    "rubbish",
    [
        "a.b.c",
        "x",
        "..",
        f"{part([])}.{part({})}.",
        f"{part({'alg': 'RS256', 'kid': 7})}.e30.",
        f"{part({'alg': ['RS256']})}.e30.",
        base64.urlsafe_b64encode(b"[" * 9_000).decode() + ".e30.",
        "a" * 20_000 + ".b.c",
    ],
)
def test_what_is_no_token_is_refused(api: Api, rubbish: str) -> None:
    assert_invalid(start(api, rubbish), "it isn't one that this API's issuer has signed for it")


def seconds(from_now_s: int) -> int:
    return int(time.time()) + from_now_s


@pytest.mark.parametrize(
    ("claim", "value", "why"),
    [
        ("aud", "another-app", "another audience"),
        ("aud", None, "it lacks one of the claims"),
        ("iss", "https://elsewhere.example", "another issuer"),
        ("iss", None, "it lacks one of the claims"),
        ("exp", None, "it lacks one of the claims"),
        ("iat", None, "it lacks one of the claims"),
        ("exp", -90, "it has expired"),
        ("nbf", 90, "it isn't valid yet"),
        ("iat", 90, "it isn't valid yet"),
        ("exp", "tomorrow", "it isn't one"),
        ("sub", ["ana"], "it isn't one"),
    ],
)
def test_a_token_for_others_or_out_of_its_time_is_refused_with_the_reason(
    api: Api, issuer: Issuer, claim: str, value: object, why: str
) -> None:
    changed = seconds(value) if isinstance(value, int) else value
    assert_invalid(start(api, issuer.token(**{claim: changed})), why)


@pytest.mark.parametrize(("claim", "from_now_s"), [("exp", -30), ("nbf", 30), ("iat", 30)])
def test_clocks_may_differ_by_the_leeway(api: Api, issuer: Issuer, claim: str, from_now_s: int) -> None:
    assert start(api, issuer.token(**{claim: seconds(from_now_s)})).status_code == 202


@pytest.mark.parametrize(
    ("claim", "value", "slug"),
    [
        ("tenant", None, "token-without-tenant"),
        ("tenant", "", "token-without-tenant"),
        ("tenant", {"id": "local"}, "token-without-tenant"),
        ("roles", None, "token-without-roles"),
        ("roles", [], "token-without-roles"),
        ("roles", {"analyst": True}, "token-without-roles"),
        ("sub", "a\x00b", "token-without-subject"),
    ],
)
def test_a_token_that_does_not_say_enough_is_told_which_claim(
    api: Api, issuer: Issuer, claim: str, value: object, slug: str
) -> None:
    response = start(api, issuer.token(**{claim: value}))
    assert_problem(response, 403, slug)
    assert f"claim {claim} names no" in response.json()["detail"]


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
