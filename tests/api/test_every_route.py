"""What holds for every route: credentials, tenants, roles, bad input, repeats, problems, traces."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from penstock.api.description import describe
from penstock.api.problem_types import is_known
from tests.api import recording
from tests.api.conftest import Api
from tests.api.route_case import NO_RUN, RUN, Bad, RouteCase, tell_of_a_run
from tests.api.route_cases import CASES, WITHOUT_A_KEY

DOCS = Path(__file__).parents[2] / "docs"
each_route = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.fixture
def served(api: Api, request: pytest.FixtureRequest) -> Api:
    """An API whose tenant `local` has what the case names: a run with an open question and a call in doubt, mostly."""
    case = request.node.callspec.params.get("case") if hasattr(request.node, "callspec") else None
    api.named = (case.given if case else tell_of_a_run)(api)
    return api


def ask(api: Api, case: RouteCase, headers: dict[str, str], bad: Bad | None = None) -> Response:
    path = (bad and bad.path) or case.path.format_map(api.named)
    body = case.body if bad is None or bad.body is None else bad.body
    # In ASCII, as JSON may be: that way it can say what UTF-8 can't.
    content = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json", **headers}
    response: Response = api.client.request(case.method, path, content=content, headers=headers)
    assert response.status_code in named_answers(case.route), (
        f"{case.route} may answer {response.status_code}"
    )
    return response


@cache
def named_answers(route: str) -> frozenset[int]:
    """The statuses that the description names for a route."""
    method, _, path = route.partition(" ")
    paths = json.loads((DOCS / "openapi.json").read_text())["paths"]
    known = paths.get(path, {}).get(method.lower(), {"responses": dict.fromkeys(range(600))})
    return frozenset(int(code) for code in known["responses"])


def assert_problem(response: Response, status: int, slug: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:penstock:problem:{slug}"
    assert is_known(slug), "name it in api/problem_types.py"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


def routes_of(api: Api) -> set[str]:
    """As "METHOD /path", all that the application answers to."""
    paths = describe(api.app)["paths"]
    listed = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    return listed | {"GET /openapi.json"}


def test_every_route_has_its_five_tests(api: Api) -> None:
    tested = [case.route for case in CASES]
    assert routes_of(api) - WITHOUT_A_KEY == set(tested), "add a case to tests/api/route_cases.py"
    assert len(tested) == len(set(tested))
    assert all(case.bad for case in CASES)
    assert all(case.public or case.may_not for case in CASES)


def test_a_route_without_a_case_is_found(api: Api) -> None:
    @api.app.get("/v1/forgotten")
    def forgotten() -> None:
        """It has no test."""

    api.app.openapi_schema = None
    assert routes_of(api) - WITHOUT_A_KEY - {case.route for case in CASES} == {"GET /v1/forgotten"}


WRONG_KEYS: tuple[dict[str, str], ...] = (
    {},
    {"Authorization": "Bearer psk_ana_wrong"},
    {"Authorization": "Bearer psk_ghost_" + "s3cret" * 6},
    {"Authorization": "Basic " + "s3cret" * 6},
    {"Authorization": "Bearer "},
)


@each_route
def test_who_may_not_and_what_cannot_be_is_refused_and_changes_nothing(served: Api, case: RouteCase) -> None:
    for headers in WRONG_KEYS:
        response = ask(served, case, headers)
        assert_problem(response, 401, "unauthenticated")
        assert response.headers["www-authenticate"] == "Bearer"
    for who in case.may_not:
        assert_problem(ask(served, case, served.as_(who)), 403, "forbidden")
    for bad in case.bad:
        response = ask(served, case, served.as_(case.who), bad)
        assert response.status_code == bad.status, (bad, response.text)
        problem = response.json()
        assert problem["detail"]
        if bad.status == 422:
            assert_problem(response, 422, bad.slug)
            assert bad.slug != "invalid-request" or "orrect" in problem["detail"]
    assert served.log.inputs == []


@each_route
def test_another_tenant_learns_nothing(served: Api, case: RouteCase) -> None:
    response = ask(served, case, served.as_(case.stranger))
    if case.elsewhere == "not-found":
        assert_problem(response, 404, "not-found")
        assert served.log.inputs == []
    elif case.elsewhere == "nothing":
        assert [value for value in response.json().values() if isinstance(value, list)] == [[]]
    elif case.elsewhere == "forbidden":
        assert response.status_code == 403
    else:
        assert response.is_success
        assert RUN not in response.text
        assert {meta.tenant for meta, _ in served.log.inputs} <= {"elsewhere"}


@each_route
def test_the_same_request_again_counts_once(served: Api, case: RouteCase) -> None:
    headers = served.as_(case.who, **{"Idempotency-Key": "the-same"})
    first, second = (ask(served, case, headers) for _ in range(2))
    assert first.is_success, first.text
    recording.check(case.route, case.body, first)
    assert second.status_code == (case.again or first.status_code), second.text
    if not case.again:
        assert case.same(_content(second)) == case.same(_content(first))
    assert len({meta.id for meta, _ in served.log.inputs}) == (case.method != "GET" and case.inputs)


def _content(response: Response) -> Any:
    is_json = response.headers.get("content-type", "").startswith("application/json")
    return response.json() if is_json else response.text


def test_a_body_that_is_no_json_is_a_problem(served: Api) -> None:
    headers = served.as_("ana", **{"Content-Type": "application/json"})
    assert_problem(served.client.post("/case-review", content=b"{", headers=headers), 422, "invalid-request")


def test_a_secret_is_not_repeated_in_a_problem(served: Api) -> None:
    response = served.client.post(
        "/case-review", json={"case_id": {"iban": "DE02"}}, headers=served.as_("ana")
    )
    assert_problem(response, 422, "invalid-request")
    assert "DE02" not in response.text


def test_unknown_paths_and_methods_are_problems(served: Api) -> None:
    assert_problem(served.client.get("/nowhere", headers=served.as_("ana")), 404, "no-such-path")
    response = served.client.delete("/case-review", headers=served.as_("ana"))
    assert_problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/case-review/none", f"/case-review/{NO_RUN}", "/case-review/%00"])
def test_an_id_that_nothing_has_is_not_found(served: Api, path: str) -> None:
    assert_problem(served.client.get(path, headers=served.as_("ana")), 404, "not-found")
    events = path.replace("/case-review/", "/v1/runs/") + "/events"
    assert_problem(served.client.get(events, headers=served.as_("ana")), 404, "not-found")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_the_limit_is_refused_before_it_is_read(served: Api, declared: bool) -> None:
    whole = b'{"case_id": "case-1", "note": "' + b"x" * 700_000 + b'"}'
    content = whole if declared else (whole[at : at + 10_000] for at in range(0, len(whole), 10_000))
    headers = served.as_("ana", **{"Content-Type": "application/json"})
    response = served.client.post("/case-review", content=content, headers=headers)
    assert_problem(response, 413, "body-too-large")


def test_content_over_what_travels_inline_is_refused(served: Api) -> None:
    body = {"case_id": "case-1", "note": "x" * 300_000}
    response = served.client.post("/case-review", json=body, headers=served.as_("ana"))
    assert_problem(response, 413, "payload-too-large")
    assert served.log.inputs == []


def test_the_callers_trace_goes_on_to_the_log(served: Api) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = served.as_("ana", traceparent=f"00-{trace_id}-b7ad6b7169203331-01")
    response = served.client.post("/case-review", json={"case_id": "case-1"}, headers=headers)
    assert response.status_code == 202
    assert response.headers["x-trace-id"] == trace_id
    (record,) = [
        record
        for partition in range(served.log.partitions("penstock.run.inbox"))
        for record in served.log.read("penstock.run.inbox", partition, 0, 10)
    ]
    carried = (record.header("traceparent") or b"").decode().split("-")
    assert (carried[1], carried[3]) == (trace_id, "01")


def test_every_answer_has_a_trace_of_its_own(served: Api) -> None:
    first, second = (served.client.get("/health/live").headers["x-trace-id"] for _ in range(2))
    assert len(first) == 32
    assert first != second


def test_a_failure_of_the_api_is_a_problem_without_internals(
    served: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("penstock.api.views.Views.run", fail)
    response = served.client.get(f"/case-review/{RUN}", headers=served.as_("ana"))
    assert_problem(response, 500, "internal")
    assert "hunter2" not in response.text
