"""Starting any workflow, and reading a run."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx import Response

from penstock.schemas.canonical import json_payload
from penstock.schemas.ids import run_id
from penstock.schemas.run.records import RunCompleted, RunStalled, StartRun
from tests.api.conftest import Api
from tests.api.test_case_reviews import starting
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of, asked, call_of, new_run, requested, started

BODY = {"workflow": "case-review", "input": {"case_id": "case-1"}}
RUN = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
OLD = "/v1/workflows/case-review/versions/1/runs"
ROUTES = (
    ("POST", "/v1/runs", BODY),
    ("GET", "/v1/runs", None),
    ("GET", f"/v1/runs/{RUN}", None),
    ("GET", "/v1/workflows", None),
    ("GET", "/v1/workflows/case-review", None),
    ("GET", OLD, None),
)


def start(api: Api, body: dict[str, Any] = BODY, who: str = "ana", key: str | None = "k-1") -> Response:
    headers = api.as_(who) if key is None else api.as_(who, **{"Idempotency-Key": key})
    response: Response = api.client.post("/v1/runs", json=body, headers=headers)
    return response


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_a_route_takes_credentials_and_a_role(api: Api, route: tuple[str, str, object]) -> None:
    method, path, body = route
    assert_problem(api.client.request(method, path, json=body), 401, "unauthenticated")
    nobody = api.client.request(method, path, json=body, headers=api.as_("nobody"))
    assert_problem(nobody, 403, "forbidden")
    assert api.log.inputs == []


def test_another_tenant_sees_nothing_of_a_run(api: Api) -> None:
    api.tell(RUN, started())
    assert_problem(api.client.get(f"/v1/runs/{RUN}", headers=api.as_("mallory")), 404, "not-found")
    assert api.client.get("/v1/runs", headers=api.as_("mallory")).json()["runs"] == []
    assert api.client.get(OLD, headers=api.as_("mallory")).json()["runs"] == []
    seen = api.client.get("/v1/workflows/case-review", headers=api.as_("mallory")).json()
    assert seen["versions"][0]["open_runs"] == 0


def test_a_start_is_accepted_with_its_place(api: Api) -> None:
    body = {**BODY, "version": 1, "search_attributes": {"desk": "disputes", "urgent": True, "n": 7}}
    response = start(api, body)
    assert response.status_code == 202, response.text
    own = run_id("local", "k-1")
    assert (response.json()["run_id"], response.json()["status"]) == (own, "accepted")
    assert response.headers["location"] == f"/v1/runs/{own}?receipt={response.json()['receipt']}"
    ((_, said),) = api.log.inputs
    assert isinstance(said, StartRun)
    assert (said.workflow, said.workflow_version) == ("case-review", 1)
    assert said.search_attributes == '{"desk":"disputes","n":7,"urgent":true}'
    assert said.input == json_payload({"case_id": "case-1", "note": ""})


def test_a_repeated_start_is_the_same_run_and_another_body_a_conflict(api: Api) -> None:
    starting(api)
    first = start(api)
    assert start(api).json() == first.json()
    for other in ({"version": 1}, {"input": {"case_id": "case-2"}}, {"search_attributes": {"a": 1}}):
        response = start(api, {**BODY, **other})
        assert_problem(response, 409, "idempotency-conflict")
        assert response.json()["run_id"] == first.json()["run_id"]
    assert len(api.log.inputs) == 1


def test_of_starts_at_once_under_one_key_one_is_said(api: Api) -> None:
    bodies = [{**BODY, "input": {"case_id": f"case-{n % 2}"}} for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda body: start(api, body).status_code, bodies))
    assert sorted(found) == [202] * 4 + [409] * 4
    assert len(api.log.inputs) == 1


@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"workflow": "nonsense"}, "unknown-workflow"),
        ({"version": 9}, "unknown-workflow"),
        ({"workflow": ""}, "invalid-request"),
        ({"workflow": "x\x00y"}, "unknown-workflow"),
        ({"version": 0}, "invalid-request"),
        ({"version": "1"}, "invalid-request"),
        ({"version": 2**40}, "invalid-request"),
        ({"input": None}, "invalid-request"),
        ({"input": {"case_id": "nonsense"}}, "invalid-request"),
        ({"unknown": 1}, "invalid-request"),
        ({"search_attributes": {"a b": 1}}, "invalid-request"),
        ({"search_attributes": {"a": None}}, "invalid-request"),
        ({"search_attributes": {"a": [1]}}, "invalid-request"),
        ({"search_attributes": {"a": "x" * 201}}, "invalid-request"),
        ({"search_attributes": {"a": "\x00"}}, "invalid-request"),
        ({"search_attributes": {"a": 2**60}}, "invalid-request"),
        ({"search_attributes": {f"a{n}": n for n in range(17)}}, "invalid-request"),
    ],
)
def test_a_start_that_does_not_fit_is_told_what_to_correct(
    api: Api, change: dict[str, Any], slug: str
) -> None:
    response = start(api, {**BODY, **change})
    assert_problem(response, 422, slug)
    assert "orrect" in response.json()["detail"]
    assert api.log.inputs == []


def test_a_run_is_read_with_what_it_waits_for_and_then_with_its_result(api: Api) -> None:
    starting(api)
    own = start(api, {**BODY, "search_attributes": {"desk": "a"}}).json()["run_id"]
    api.tell(own, asked(own, 1), requested(own, 2))
    found = api.client.get(f"/v1/runs/{own}", headers=api.as_("sam")).json()
    assert (found["status"], found["workflow"], found["last_seq"]) == ("waiting_approval", "case-review", 3)
    assert found["input"] == {"case_id": "case-1", "note": ""}
    approval, call = found["waits_for"]
    assert (approval["kind"], approval["approval_id"], approval["role"]) == (
        "approval", approval_of(own, 1), "supervisor",
    )  # fmt: skip
    assert approval["expires_at"].endswith("Z")
    assert (call["kind"], call["call_id"], call["status"]) == ("call", call_of(own, 2), "requested")
    api.tell(own, RunCompleted(result=json_payload({"decision": "refund"})))
    ended = api.client.get(f"/v1/runs/{own}", headers=api.as_("sam")).json()
    assert (ended["status"], ended["result"], ended["waits_for"]) == ("completed", {"decision": "refund"}, [])


def test_a_run_that_was_just_accepted_can_be_read(api: Api) -> None:
    own = start(api).json()["run_id"]
    response = api.client.get(f"/v1/runs/{own}", headers=api.as_("ana"))
    assert (response.status_code, response.json()["status"]) == (200, "accepted")
    assert response.headers["etag"] == '"0"'


def test_a_tag_is_good_until_the_run_moves_on(api: Api) -> None:
    api.tell(RUN, started())
    first = api.client.get(f"/v1/runs/{RUN}", headers=api.as_("ana"))
    tag = first.headers["etag"]
    assert tag == '"1"'
    for given in (tag, f'W/{tag}, "9"', "*"):
        headers = api.as_("ana", **{"If-None-Match": given})
        again = api.client.get(f"/v1/runs/{RUN}", headers=headers)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    api.tell(RUN, asked(RUN, 1))
    moved = api.client.get(f"/v1/runs/{RUN}", headers=api.as_("ana", **{"If-None-Match": tag}))
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    other = api.client.get(f"/v1/runs/{RUN}", headers=api.as_("mallory", **{"If-None-Match": "*"}))
    assert_problem(other, 404, "not-found")


def test_workflows_say_what_they_take_and_how_many_runs_are_open(api: Api) -> None:
    api.tell(RUN, started())
    api.tell(new_run(), started(workflow_version=7))
    api.tell(new_run(), started(), RunCompleted(result=json_payload("done")))
    (found,) = api.client.get("/v1/workflows", headers=api.as_("ana")).json()["workflows"]
    assert (found["name"], found["current_version"], found["versions"]) == ("case-review", 1, [1])
    one = api.client.get(found["links"]["self"], headers=api.as_("ana")).json()
    (version,) = one["versions"]
    assert version["open_runs"] == 1
    assert version["input_schema"]["required"] == ["case_id"]
    assert version["result_schema"] == {"type": "string"}
    assert version["signals"]["more"]["properties"]["words"]["type"] == "string"
    assert one["versions_missing"] == [{"version": 7, "open_runs": 1}]
    assert_problem(api.client.get("/v1/workflows/none", headers=api.as_("ana")), 404, "not-found")


def test_who_holds_a_version_is_said_with_what_it_waits_for(api: Api) -> None:
    waiting, stalled, idle = (new_run() for _ in range(3))
    api.tell(waiting, started(), asked(waiting, 1))
    api.tell(stalled, started(), RunStalled(kind="exception", detail="KeyError", code_hash="1"))
    api.tell(idle, started())
    api.tell(new_run(), started(), RunCompleted(result=json_payload("done")))
    found = api.client.get(OLD, headers=api.as_("olga")).json()
    kinds = {run["run_id"]: [each["kind"] for each in run["waits_for"]] for run in found["runs"]}
    assert kinds == {waiting: ["approval"], stalled: ["code"], idle: ["timer_or_signal"]}
    for path in ("none/versions/1/runs", "case-review/versions/9/runs", "case-review/versions/99999999999999/runs",
                 "a%00b/versions/1/runs"):  # fmt: skip
        assert_problem(api.client.get(f"/v1/workflows/{path}", headers=api.as_("olga")), 404, "not-found")
