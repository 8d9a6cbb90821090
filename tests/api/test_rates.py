"""How often a key, a token's subject and an address may come."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from httpx import Response

from penstock.api.callers import Caller
from penstock.api.problems import Problem
from penstock.api.rates import Buckets, Rates, network_of
from tests.api.conftest import Api
from tests.api.issuer import AUDIENCE, Issuer, bearer, serving
from tests.api.key_calls import LEARNED_S, make, within
from tests.api.test_every_route import assert_problem

OPEN = "/openapi.json"
ANA = Caller("local", "ana", ("analyst",), key_id="a")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_bucket_is_full_at_first_and_fills_evenly(clock: Clock) -> None:
    buckets = Buckets(clock_s=clock)
    assert [buckets.take("a", 3).left for _ in range(3)] == [2, 1, 0]
    refused = buckets.take("a", 3)
    assert (refused.allowed, refused.left, refused.after_s) == (False, 0, 20)
    assert buckets.take("b", 3).allowed, "each has its own"
    clock.now_s = 19.9
    assert not buckets.take("a", 3).allowed
    clock.now_s = 20.0
    assert buckets.take("a", 3).allowed
    clock.now_s = 10_000.0
    again = buckets.take("a", 3)
    assert (again.left, again.after_s) == (2, 20), "it is never more than full"


def test_a_lower_limit_holds_at_once(clock: Clock) -> None:
    buckets = Buckets(clock_s=clock)
    buckets.take("a", 1_000)
    assert [buckets.take("a", 1).allowed for _ in range(2)] == [True, False]


def test_what_is_remembered_is_bounded_and_the_longest_silent_goes_first(clock: Clock) -> None:
    buckets = Buckets(2, clock)
    for name in ("a", "b", "a", "c"):
        buckets.take(name, 2)
    assert len(buckets) == 2
    assert not buckets.take("a", 2).allowed, "a came last and is remembered"


def refusal(rates: Rates, caller: Caller, own: int | None = None) -> tuple[str, dict[str, str]]:
    """What the caller is told, and the headers that go with it."""
    shown: dict[str, str] = {}
    try:
        rates.count({"penstock.rate": shown}, caller, own)
    except Problem as problem:
        return problem.slug, shown | dict(problem.headers or {})
    return "", shown


def test_a_key_has_its_own_limit_or_the_settings(clock: Clock) -> None:
    rates = Rates(2, 1, clock)
    assert [refusal(rates, ANA)[0] for _ in range(3)] == ["", "", "rate-limited"]
    other = Caller("local", "ana", ("analyst",), key_id="b")
    assert [refusal(rates, other, 1)[0] for _ in range(2)] == ["", "rate-limited"]
    assert refusal(rates, other, 1)[1] == {
        "RateLimit-Policy": '"credentials";q=1;w=60',
        "RateLimit": '"credentials";r=0;t=60',
        "Retry-After": "60",
    }


def test_tokens_are_counted_by_tenant_and_subject(clock: Clock) -> None:
    rates = Rates(1, 1, clock)
    people = [Caller(tenant, subject, ("analyst",)) for tenant in ("x", "y") for subject in ("ana", "sam")]
    assert [refusal(rates, each)[0] for each in people] == [""] * 4
    assert [refusal(rates, each)[0] for each in people] == ["rate-limited"] * 4


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def first_refused(api: Api, headers: Mapping[str, str]) -> Response:
    """The first of many answers that isn't what was asked for."""
    answers = (api.client.get(OPEN, headers=headers) for _ in range(1_000))
    refused: Response = next(answer for answer in answers if answer.status_code != 200)
    return refused


class TestServed:
    @pytest.fixture
    def issuer(self) -> Iterator[Issuer]:
        with serving() as one:
            yield one

    @pytest.fixture
    def set_up(self, issuer: Issuer) -> dict[str, Any]:
        limits = {"api_key_requests_per_minute": 50, "api_failures_per_minute": 3}
        return {"oidc_issuer": issuer.url, "oidc_audience": AUDIENCE} | limits

    def test_over_the_limit_nothing_is_taken_and_health_answers(self, api: Api) -> None:
        headers = api.as_("ana")
        first = api.client.get(OPEN, headers=headers)
        assert first.headers["ratelimit-policy"] == '"credentials";q=50;w=60'
        assert first.headers["ratelimit"].startswith('"credentials";r=49;t=')
        refused = first_refused(api, headers)
        assert_problem(refused, 429, "rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        assert refused.headers["ratelimit"].startswith('"credentials";r=0;t=')
        assert api.client.get(OPEN, headers=api.as_("sam")).status_code == 200
        health = api.client.get("/health/live")
        assert health.status_code == 200
        assert "ratelimit" not in health.headers

    def test_tokens_and_keys_are_counted_apart(self, api: Api, issuer: Issuer) -> None:
        token = bearer(issuer.token())
        assert_problem(first_refused(api, token), 429, "rate-limited")
        assert api.client.get(OPEN, headers=api.as_("ana")).status_code == 200

    def test_an_address_that_fails_too_often_is_told_so_and_good_credentials_work(
        self, api: Api, issuer: Issuer
    ) -> None:
        wrong = [
            "psk_ana_wrong",
            "rubbish",
            issuer.token(aud="another"),
            issuer.token(tenant=None),
            "psk_ghost_x",
        ]
        statuses = [api.client.get(OPEN, headers=bearer(each)).status_code for each in wrong]
        assert statuses == [401, 401, 401, 429, 429]
        refused = api.client.get(OPEN)
        assert_problem(refused, 429, "too-many-failures")
        assert int(refused.headers["retry-after"]) > 0
        assert api.client.get(OPEN, headers=api.as_("ana")).status_code == 200
        assert api.client.get(OPEN, headers=bearer(issuer.token())).status_code == 200


def test_a_keys_own_limit_is_the_tables(api: Api) -> None:
    headers = bearer(make(api, requests_per_minute=7).json()["key"])
    assert within(LEARNED_S, lambda: api.client.get(OPEN, headers=headers).status_code == 200)
    policy = api.client.get(OPEN, headers=headers).headers["ratelimit-policy"]
    assert policy == '"credentials";q=7;w=60'
