"""Starting, reading and cancelling a case review."""

import threading

import pytest
from httpx import Response

from penstock.api.views import Views, database_away
from penstock.producers.log import OnDone, Outgoing
from penstock.schemas.canonical import json_payload
from penstock.schemas.ids import run_id
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import CancelRun, RunCompleted, RunEnding, StartRun
from tests.api.conftest import Api
from tests.api.test_every_route import assert_problem
from tests.views.histories import asked, started


def starting(api: Api) -> None:
    """Let every start begin its run, as the decider does."""
    api.log.judge = lambda meta, body: (
        started(input=body.input, body_sha256=body.body_sha256, requester=meta.actor.subject)
        if isinstance(body, StartRun)
        else None
    )


def start(api: Api, key: str = "dispute-1", case_id: str = "case-1", who: str = "ana") -> Response:
    headers = api.as_(who, **{"Idempotency-Key": key})
    response: Response = api.client.post("/case-review", json={"case_id": case_id}, headers=headers)
    return response


def test_a_start_is_accepted_with_its_task_id(api: Api) -> None:
    response = start(api)
    assert response.status_code == 202
    task_id = run_id("local", "dispute-1")
    assert response.json()["task_id"] == task_id
    assert response.headers["location"] == f"/case-review/{task_id}?receipt={response.json()['receipt']}"
    ((meta, body),) = api.log.inputs
    assert isinstance(body, StartRun)
    assert (meta.tenant, meta.entity_id) == ("local", task_id)
    assert (meta.actor.kind, meta.actor.subject, meta.actor.roles) == ("person", "ana", ("analyst",))
    assert body.input == json_payload({"case_id": "case-1", "note": ""})


def test_a_start_without_a_key_gets_one_that_repeats_it(api: Api) -> None:
    first = api.client.post("/case-review", json={"case_id": "case-1"}, headers=api.as_("ana"))
    key = first.headers["idempotency-key"]
    assert start(api, key).json() == first.json()
    other = api.client.post("/case-review", json={"case_id": "case-1"}, headers=api.as_("ana"))
    assert other.json()["task_id"] != first.json()["task_id"]


def test_an_accepted_run_can_be_asked_for_before_the_views_show_it(api: Api) -> None:
    task_id = start(api).json()["task_id"]
    response = api.client.get(f"/case-review/{task_id}", headers=api.as_("ana"))
    assert (response.status_code, response.json()["status"]) == (200, "accepted")
    events = api.client.get(f"/v1/runs/{task_id}/events", headers=api.as_("ana")).json()
    assert (events["events"], events["next_seq"]) == ([], 1)
    assert_problem(api.client.get(f"/case-review/{task_id}", headers=api.as_("mallory")), 404, "not-found")


def test_the_same_start_again_is_the_same_run_and_is_not_said_twice(api: Api) -> None:
    first = start(api)
    again = start(api)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(api.log.inputs) == 1


def test_the_same_key_with_another_body_is_a_conflict(api: Api) -> None:
    start(api)
    assert_problem(start(api, case_id="case-2"), 409, "idempotency-conflict")
    assert len(api.log.inputs) == 1


def test_a_conflict_is_found_by_a_process_that_did_not_take_the_first(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting(api)
    assert start(api).status_code == 202
    # Another process knows of the first only what the views say.
    monkeypatch.setattr("penstock.api.accepted.AcceptedRuns.get", lambda *_: None)
    assert_problem(start(api, case_id="case-2"), 409, "idempotency-conflict")
    assert start(api).status_code == 202
    assert len(api.log.inputs) == 1


def test_two_tenants_may_use_the_same_key(api: Api) -> None:
    assert start(api).json()["task_id"] != start(api, who="mallory").json()["task_id"]


def test_a_run_is_read_with_its_result_and_citations(api: Api) -> None:
    starting(api)
    task_id = start(api).json()["task_id"]
    result = {"decision": "refund", "citations": [{"paragraph": "1005.11(c)(1)"}]}
    api.tell(task_id, asked(task_id, 1))
    waiting = api.client.get(f"/case-review/{task_id}", headers=api.as_("sam")).json()
    assert waiting["status"] == "waiting_approval"
    (approval,) = waiting["approvals"]
    assert approval["arguments"] == {"case_id": "case-7", "status": "refund"}
    assert approval["args_sha256"] == asked(task_id, 1).arguments.sha256
    assert approval["may_vote"] is True
    api.tell(task_id, RunCompleted(result=json_payload(result)))
    ended = api.client.get(f"/case-review/{task_id}", headers=api.as_("sam")).json()
    assert (ended["status"], ended["result"], ended["citations"]) == (
        "completed",
        result,
        result["citations"],
    )
    assert ended["approvals"] == []
    assert ended["started_at"].endswith("Z")


def test_the_requester_is_told_that_it_may_not_vote(api: Api) -> None:
    starting(api)
    task_id = start(api).json()["task_id"]
    api.tell(task_id, asked(task_id, 1, role="analyst"))
    (own,) = api.client.get("/v1/approvals?status=waiting", headers=api.as_("ana")).json()["approvals"]
    assert own["may_vote"] is False


def test_events_are_paged_by_seq(api: Api) -> None:
    starting(api)
    task_id = start(api).json()["task_id"]
    api.tell(task_id, asked(task_id, 1), RunCompleted(result=json_payload("done")))
    seen: list[tuple[int, str]] = []
    from_seq = 1
    for _ in range(3):
        path = f"/v1/runs/{task_id}/events?from_seq={from_seq}&limit=2"
        page = api.client.get(path, headers=api.as_("ana")).json()
        seen += [(event["seq"], event["type"]) for event in page["events"]]
        from_seq = page["next_seq"]
    assert seen == [(1, "RunStarted"), (2, "ApprovalRequested"), (3, "RunCompleted")]
    assert from_seq == 4
    first = api.client.get(f"/v1/runs/{task_id}/events?limit=1", headers=api.as_("ana")).json()["events"][0]
    assert first["cause"]["id"] == api.log.inputs[0][0].id
    assert first["actor"] == {"kind": "person", "subject": "ana", "roles": ["analyst"]}
    assert first["event"]["input"]["content"] == {"case_id": "case-1", "note": ""}


def test_a_start_with_the_log_away_says_that_the_outcome_is_unknown_and_may_be_repeated(api: Api) -> None:
    api.log.go_away()
    response = start(api)
    assert_problem(response, 503, "log-away")
    assert int(response.headers["retry-after"]) > 0
    assert "unknown" in response.json()["detail"]
    task_id = run_id("local", "dispute-1")
    assert_problem(api.client.get(f"/case-review/{task_id}", headers=api.as_("ana")), 404, "not-found")
    api.log.come_back()
    assert start(api).json()["task_id"] == task_id
    assert len({meta.id for meta, _ in api.log.inputs}) == 1


def test_a_start_needs_no_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise database_away(TimeoutError())

    monkeypatch.setattr(Views, "_asked", away)
    task_id = start(api).json()["task_id"]
    response = api.client.get(f"/case-review/{task_id}", headers=api.as_("ana"))
    assert_problem(response, 503, "database-away")


def test_a_cancel_says_what_came_of_it(api: Api) -> None:
    starting(api)
    task_id = start(api).json()["task_id"]
    ending = RunEnding(outcome="cancelled", reason="requested", detail="withdrawn")
    api.log.judge = lambda meta, body: ending if isinstance(body, CancelRun) else None
    path, body = f"/case-review/{task_id}/cancel", {"reason": "withdrawn"}
    headers = api.as_("ana", **{"Idempotency-Key": "c-1"})
    first = api.client.post(path, json=body, headers=headers)
    assert (first.status_code, first.json()["outcome"]) == (202, "RunEnding")
    again = api.client.post(path, json=body, headers=headers)
    assert again.json() == first.json()
    assert [type(said).__name__ for _, said in api.log.inputs] == ["StartRun", "CancelRun"]


def test_a_refused_cancel_is_a_conflict(api: Api) -> None:
    starting(api)
    task_id = start(api).json()["task_id"]
    refusal = InputRefused(input_type="CancelRun", reason="ended", detail="The run has ended.")
    api.log.judge = lambda meta, body: refusal
    response = api.client.post(
        f"/case-review/{task_id}/cancel", json={"reason": "late"}, headers=api.as_("ana")
    )
    assert_problem(response, 409, "cancel-refused:ended")


def test_the_hash_in_the_log_is_the_one_that_the_api_compares(api: Api) -> None:
    starting(api)
    start(api)
    (said,) = [body for _, body in api.log.inputs if isinstance(body, StartRun)]
    row = api.views.execute("SELECT body_sha256 FROM views.run").fetchone()
    assert row == (said.body_sha256,)


def test_a_log_that_takes_no_record_in_time_is_told_and_holds_nobody(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only its answer may be late: the first record waits until it is known what the topic is like."""
    hanging = threading.Event()
    # So that a failing test ends.
    threading.Timer(10, hanging.set).start()
    append_soon = api.log.append_soon

    def late(record: Outgoing, on_done: OnDone) -> None:
        hanging.wait()
        append_soon(record, on_done)

    monkeypatch.setattr(api.log, "append_soon", late)
    response = api.client.post("/case-review", json={"case_id": "case-1"}, headers=api.as_("ana"))
    assert not hanging.is_set()
    hanging.set()
    assert response.status_code == 503
    assert response.json()["type"] == "urn:penstock:problem:log-away"
