"""Requests made out of the API's description, of the right form and of the wrong one: never a 500, always a problem."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from penstock.api.description import describe
from tests.api.conftest import Api
from tests.api.route_case import tell_of_a_run
from tests.api.route_cases import CASES

EXAMPLES = 12


@pytest.fixture(scope="module")
def described() -> list[Any]:
    """The description, once it has been read: reading it takes longer than all requests of a route."""
    return []


@pytest.mark.parametrize("route", sorted(case.route for case in CASES if case.route != "GET /openapi.json"))
def test_no_request_makes_the_api_fail(api: Api, described: list[Any], route: str) -> None:
    tell_of_a_run(api)
    if not described:
        described.append(schemathesis.openapi.from_dict(describe(api.app)))
    method, _, path = route.partition(" ")
    operation = described[0][path][method]
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.filter_too_much,
                HealthCheck.data_too_large,
            ],
        )
        def ask(case: Any) -> None:
            request = case.as_transport_kwargs(base_url="http://testserver")
            request["headers"] = {**(request.get("headers") or {}), **api.as_("ada")}
            response = api.client.request(**{name: request[name] for name in request if name in TAKEN})
            assert response.status_code < 500, (request, response.text)
            if response.status_code >= 400:
                assert response.headers["content-type"] == "application/problem+json", response.text
                assert response.json()["detail"]

        ask()


TAKEN = ("method", "url", "headers", "params", "json", "data", "content")
