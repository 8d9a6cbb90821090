"""What holds for every route: credentials, tenants, roles, bad input, problems, traces."""

import pytest
from httpx import Response

from penstock.schemas.run.records import ToolCallInDoubt
from tests.api.conftest import Api
from tests.views.histories import approval_of, asked, call_of, lease_started, requested, started

RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
NO_RUN = "00000000-6a2e-5d6c-9a53-3c62a9b7c001"
VOTE = {"decision": "grant", "args_sha256": "a" * 64}
SETTLEMENT = {"happened": True, "evidence": "the journal has it"}
ROUTES = (
    ("POST", "/case-review", {"case_id": "case-1"}),
    ("GET", f"/case-review/{RUN}", None),
    ("POST", f"/case-review/{RUN}/cancel", {"reason": "withdrawn"}),
    ("GET", f"/v1/runs/{RUN}/events", None),
    ("GET", "/v1/approvals", None),
    ("POST", f"/v1/approvals/{approval_of(RUN, 1)}/votes", VOTE),
    ("POST", f"/v1/calls/{call_of(RUN, 2)}/settlement", SETTLEMENT),
    ("GET", "/metrics", None),
    ("GET", "/openapi.json", None),
)
OF_A_RUN = tuple(
    route for route in ROUTES if RUN in route[1] or "/v1/approvals/" in route[1] or "/calls/" in route[1]
)


@pytest.fixture
def served(api: Api) -> Api:
    """An API whose tenant `local` has a run with an open question and a call in doubt."""
    doubt = ToolCallInDoubt(call_id=call_of(RUN, 2), attempt=1, lease_id="l", reason="the worker died")
    call = requested(RUN, 2, tool="update_case_status", effect="unsafe")
    api.tell(RUN, started(), asked(RUN, 1), call, lease_started(RUN, 2), doubt)
    return api


def ask(api: Api, route: tuple[str, str, object], headers: dict[str, str]) -> Response:
    method, path, body = route
    response: Response = api.client.request(method, path, json=body, headers=headers)
    return response


def assert_problem(response: Response, status: int, slug: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:penstock:problem:{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer psk_ana_wrong"},
        {"Authorization": "Bearer psk_ghost_" + "s3cret" * 6},
        {"Authorization": "Basic " + "s3cret" * 6},
        {"Authorization": "Bearer "},
    ],
)
def test_nothing_works_without_a_key(
    served: Api, route: tuple[str, str, object], headers: dict[str, str]
) -> None:
    response = ask(served, route, headers)
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"
    assert served.log.inputs == []


@pytest.mark.parametrize("route", OF_A_RUN, ids=lambda route: f"{route[0]} {route[1]}")
def test_another_tenant_finds_nothing(served: Api, route: tuple[str, str, object]) -> None:
    assert_problem(ask(served, route, served.as_("mallory")), 404, "not-found")
    assert served.log.inputs == []


def test_another_tenant_sees_no_approvals(served: Api) -> None:
    assert served.client.get("/v1/approvals", headers=served.as_("mallory")).json() == {"approvals": []}
    assert len(served.client.get("/v1/approvals", headers=served.as_("sam")).json()["approvals"]) == 1


@pytest.mark.parametrize("route", ROUTES[:-1], ids=lambda route: f"{route[0]} {route[1]}")
def test_a_caller_without_the_role_is_refused(served: Api, route: tuple[str, str, object]) -> None:
    assert_problem(ask(served, route, served.as_("nobody")), 403, "forbidden")
    assert served.log.inputs == []


@pytest.mark.parametrize(
    ("who", "route"),
    [("sam", ROUTES[0]), ("olga", ROUTES[0]), ("olga", ROUTES[5]), ("ana", ROUTES[6]), ("sam", ROUTES[6])],
)
def test_each_role_has_its_own_rights(served: Api, who: str, route: tuple[str, str, object]) -> None:
    assert_problem(ask(served, route, served.as_(who)), 403, "forbidden")
    assert served.log.inputs == []


@pytest.mark.parametrize(
    ("who", "method", "path", "body"),
    [
        ("ana", "POST", "/case-review", {}),
        ("ana", "POST", "/case-review", {"case_id": 7}),
        ("ana", "POST", "/case-review", {"case_id": "not a case"}),
        ("ana", "POST", "/case-review", {"case_id": "case-1", "unknown": 1}),
        ("ana", "POST", "/case-review", ["case-1"]),
        ("ana", "POST", f"/case-review/{RUN}/cancel", {"reason": ""}),
        ("ana", "GET", f"/v1/runs/{RUN}/events?from_seq=0", None),
        ("ana", "GET", f"/v1/runs/{RUN}/events?limit=1001", None),
        ("ana", "GET", "/v1/approvals?status=open", None),
        ("sam", "POST", f"/v1/approvals/{approval_of(RUN, 1)}/votes", {"decision": "maybe", "args_sha256": "a" * 64}),
        ("sam", "POST", f"/v1/approvals/{approval_of(RUN, 1)}/votes", {"decision": "grant"}),
        ("olga", "POST", f"/v1/calls/{call_of(RUN, 2)}/settlement", {"happened": True}),
        ("olga", "POST", f"/v1/calls/{call_of(RUN, 2)}/settlement", {**SETTLEMENT, "result": 2**60}),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_to_correct(
    served: Api, who: str, method: str, path: str, body: object
) -> None:
    response = served.client.request(method, path, json=body, headers=served.as_(who))
    assert_problem(response, 422, "invalid-request")
    assert "orrect" in response.json()["detail"]
    assert served.log.inputs == []


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


def test_openapi_lists_every_route(served: Api) -> None:
    paths = served.client.get("/openapi.json", headers=served.as_("ana")).json()["paths"]
    assert set(paths) == {
        "/case-review",
        "/case-review/{task_id}",
        "/case-review/{task_id}/cancel",
        "/v1/runs/{run_id}/events",
        "/v1/approvals",
        "/v1/approvals/{approval_id}/votes",
        "/v1/calls/{call_id}/settlement",
        "/health/live",
        "/health/ready",
        "/metrics",
    }
