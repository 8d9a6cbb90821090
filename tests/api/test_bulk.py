"""Many runs at once: what would be done, what was done to each, and that dying in the middle repeats nothing."""

from typing import Any

import pytest

from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import RunCompleted, RunEnding, SignalRun
from tests.api.bulk import (
    CANCEL,
    ask,
    eventually,
    looking_often,
    runs_of,
    shown_by_the_test,
    told,
)
from tests.api.conftest import Api
from tests.api.test_every_route import assert_problem

__all__ = ["looking_often", "shown_by_the_test"]
SIGNAL: dict[str, Any] = {**CANCEL, "name": "more", "payload": {"words": "ünïcode"}}
NO_BULK = "5f0f8f66-6a2e-5d6c-9a53-3c62a9b7c001"
ROUTES: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("POST", "/v1/runs/cancel", CANCEL),
    ("POST", "/v1/runs/signal", SIGNAL),
    ("GET", f"/v1/bulk/{NO_BULK}", None),
    ("POST", f"/v1/bulk/{NO_BULK}/stop", {"reason": "a mistake"}),
)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route[1])
def test_only_operators_may_and_only_their_tenants(
    api: Api, route: tuple[str, str, dict[str, Any] | None]
) -> None:
    method, path, body = route
    runs_of(api, 1)
    assert_problem(api.client.request(method, path, json=body), 401, "unauthenticated")
    for who in ("ana", "sam", "nobody"):
        assert_problem(api.client.request(method, path, json=body, headers=api.as_(who)), 403, "forbidden")
    if "bulk" in path:
        for other in (path, path.replace(NO_BULK, "none"), path.replace(NO_BULK, "%00")):
            assert_problem(
                api.client.request(method, other, json=body, headers=api.as_("olga")), 404, "not-found"
            )
    else:
        assert ask(api, path, body or {}, "mallory").json()["count"] == 0
    assert api.log.inputs == []


@pytest.mark.parametrize(
    "change",
    [
        {"filter": {}},
        {"filter": {"status": "open"}},
        {"filter": {"status": "completed"}},
        {"filter": {"workflow": "a\x00b"}},
        {"filter": {"version": 2**40}},
        {"filter": {"attributes": ["nonsense"]}},
        {"filter": {"attributes": ["a:1"] * 9}},
        {"filter": {"unknown": 1}},
        {"reason": ""},
        {"payload": 2**60},
        {"name": ""},
    ],
)
def test_what_does_not_fit_is_told(api: Api, change: dict[str, Any]) -> None:
    response = ask(api, "/v1/runs/signal", {**SIGNAL, **change, "dry_run": False})
    assert_problem(response, 422, "invalid-request")
    assert "orrect" in response.json()["detail"]


def test_a_dry_run_says_what_would_be_done_and_does_nothing(api: Api) -> None:
    runs = runs_of(api, 25)
    runs_of(api, 3, workflow="other")
    api.tell(runs[0], RunCompleted(result=json_payload("done")))
    found = ask(api, "/v1/runs/cancel", CANCEL)
    assert found.status_code == 200
    assert (found.json()["dry_run"], found.json()["count"], found.json()["count_is_whole"]) == (
        True,
        24,
        True,
    )
    assert [run["run_id"] for run in found.json()["sample"]] == runs[:4:-1]
    whole = ask(api, "/v1/runs/cancel", {**CANCEL, "filter": {"all": True}}).json()
    assert whole["count"] == 27
    assert api.log.inputs == []


def test_each_run_is_told_once_and_what_came_of_it_is_shown(api: Api) -> None:
    def judge(meta: InputMeta, body: InputBody) -> EventBody:
        if meta.entity_id == runs[3]:
            return InputRefused(input_type="CancelRun", reason="ended")
        return RunEnding(outcome="cancelled", reason="requested", detail="a bad deploy")

    runs = runs_of(api, 20)
    others = runs_of(api, 2, workflow="other")
    api.log.judge = judge
    body = {**CANCEL, "dry_run": False}
    response = ask(api, "/v1/runs/cancel", body, Idempotency_Key="b-1")
    assert response.status_code == 202, response.text
    bulk_id = response.json()["bulk_id"]
    assert response.headers["location"] == f"/v1/bulk/{bulk_id}"
    found = eventually(api, bulk_id)
    assert [each["run_id"] for each in found["done"]] == runs[::-1]
    assert [each["n"] for each in found["done"]] == list(range(1, 21))
    assert found["runs"] == {"said": 20}
    came_of = {each["run_id"]: each["came_of"] for each in found["done"]}
    assert came_of[runs[0]] == {
        "type": "RunEnding",
        "seq": 2,
        "reason": "requested",
        "detail": "a bad deploy",
    }
    assert came_of[runs[3]] == {"type": "InputRefused", "seq": 2, "reason": "ended", "detail": ""}
    assert told(api) == dict.fromkeys(runs, 1)
    assert not set(others) & told(api).keys()
    page = api.client.get(f"/v1/bulk/{bulk_id}?cursor=5&limit=3", headers=api.as_("olga")).json()
    assert ([each["n"] for each in page["done"]], page["next_cursor"]) == ([6, 7, 8], "8")
    again = ask(api, "/v1/runs/cancel", body, Idempotency_Key="b-1")
    assert (again.status_code, again.json()["bulk_id"], again.json()["status"]) == (202, bulk_id, "done")
    other = ask(api, "/v1/runs/cancel", {**body, "reason": "another"}, Idempotency_Key="b-1")
    assert_problem(other, 409, "idempotency-conflict")
    assert_problem(api.client.get(f"/v1/bulk/{bulk_id}", headers=api.as_("mallory")), 404, "not-found")
    assert len(api.log.inputs) == 20
    actions = api.client.get("/v1/operator-actions", headers=api.as_("olga")).json()["actions"]
    assert [(each["action"], each["target"]) for each in actions] == [
        ("run.bulk_cancel_done", bulk_id), ("run.bulk_cancel", bulk_id),
    ]  # fmt: skip
    assert actions[1]["detail"]["filter"]["workflow"] == "case-review"


def test_signals_carry_their_payload_to_each(api: Api) -> None:
    runs = runs_of(api, 4)
    bulk_id = ask(api, "/v1/runs/signal", {**SIGNAL, "dry_run": False}).json()["bulk_id"]
    eventually(api, bulk_id)
    said = [body for _, body in api.log.inputs if isinstance(body, SignalRun)]
    assert {(body.name, body.payload) for body in said} == {("more", json_payload({"words": "ünïcode"}))}
    assert told(api) == dict.fromkeys(runs, 1)


def test_stopping_says_so_and_counts_on_the_log(api: Api) -> None:
    runs_of(api, 2)
    api.log.go_away()
    bulk_id = ask(api, "/v1/runs/cancel", {**CANCEL, "dry_run": False}).json()["bulk_id"]
    assert_problem(ask(api, f"/v1/bulk/{bulk_id}/stop", {"reason": "a mistake"}), 503, "log-away")
    api.views.execute(b"UPDATE penstock.bulk SET driver = 'nobody', lease_until = now() + interval '1 hour'")
    api.log.come_back()
    found = ask(api, f"/v1/bulk/{bulk_id}/stop", {"reason": "a mistake"})
    assert (found.status_code, found.json()["status"], found.json()["stopped_by"]) == (200, "stopped", "olga")
    api.log.project()
    actions = api.client.get("/v1/operator-actions", headers=api.as_("olga")).json()["actions"]
    assert actions[0]["action"] == "run.bulk_stop"
    assert_problem(ask(api, f"/v1/bulk/{bulk_id}/stop", {"reason": ""}), 422, "invalid-request")
