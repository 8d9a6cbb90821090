"""A failed run again: a new run that names the old one, and whose old requesters still have no vote."""

from typing import Any

import pytest
from httpx import Response

from penstock.producers.retries import Retry
from penstock.schemas.canonical import json_payload, payload_of
from penstock.schemas.run.records import RunCancelled, RunCompleted, StartRun
from tests.api.conftest import Api
from tests.api.route_case import NO_RUN, RUN
from tests.api.test_every_route import assert_problem
from tests.views.histories import asked, failed, started

CASE = json_payload({"case_id": "case-7", "note": ""})


@pytest.fixture
def failing(api: Api) -> Api:
    """An API with a run of ana's that has failed."""
    api.tell(RUN, started(input=CASE, priority=7, search_attributes='{"desk":"north"}'), failed())
    return api


def retry(api: Api, who: str = "ana", key: str | None = None, run: str = RUN, **body: Any) -> Response:
    headers = api.as_(who) if key is None else api.as_(who, **{"Idempotency-Key": key})
    response: Response = api.client.post(f"/v1/runs/{run}/retry", json=body, headers=headers)
    return response


def test_a_failed_run_is_started_anew_with_what_it_was_started_with(failing: Api) -> None:
    response = retry(failing, "sam", key="r-1")
    assert response.status_code == 202
    answer = response.json()
    new = Retry(RUN, ()).run_id("r-1")
    assert (answer["run_id"], answer["retry_of"], answer["status"]) == (new, RUN, "accepted")
    assert response.headers["Location"] == f"/v1/runs/{new}?receipt={response.json()['receipt']}"
    ((meta, body),) = failing.log.inputs
    assert isinstance(body, StartRun)
    assert (meta.entity_id, meta.actor.subject) == (new, "sam")
    assert (body.retry_of, body.requesters_before) == (RUN, ("ana",))
    assert (body.workflow, body.workflow_version, body.input) == ("case-review", 1, CASE)
    assert (body.priority, body.search_attributes) == (7, '{"desk":"north"}')


@pytest.mark.parametrize("key", [None, "r-1"])
def test_the_same_retry_is_the_same_run_and_is_started_once(failing: Api, key: str | None) -> None:
    first, again = retry(failing, key=key), retry(failing, key=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(failing.log.inputs) == 1


def test_another_key_is_another_run(failing: Api) -> None:
    runs = {retry(failing, key=key).json()["run_id"] for key in (None, "r-1", "r-2")}
    assert len(runs) == 3
    assert RUN not in runs


def test_a_retry_of_a_retry_remembers_everybody_who_asked(failing: Api) -> None:
    second = retry(failing, "sam").json()["run_id"]
    again = started("sam", input=CASE, retry_of=RUN, requesters_before=("ana",))
    failing.tell(second, again, failed())
    retry(failing, "olga", run=second)
    _, (_, body) = failing.log.inputs
    assert isinstance(body, StartRun)
    assert (body.retry_of, body.requesters_before) == (second, ("ana", "sam"))


def test_who_asked_before_has_no_vote_on_the_retry(failing: Api) -> None:
    new = retry(failing, "olga").json()["run_id"]
    failing.tell(new, started("olga", retry_of=RUN, requesters_before=("sam",)), asked(new, 1))
    for path, expected in (("?mine=true", []), ("", [False])):
        shown = failing.client.get(f"/v1/approvals{path}", headers=failing.as_("sam")).json()["approvals"]
        assert [each["may_vote"] for each in shown] == expected


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (None, "running"),
        (RunCompleted(result=json_payload(1)), "completed"),
        (RunCancelled(reason="r"), "cancelled"),
    ],
)
def test_only_a_failed_run_is_retried(api: Api, end: Any, status: str) -> None:
    api.tell(RUN, started(input=CASE), *([end] if end else []))
    response = retry(api)
    assert_problem(response, 409, "not-failed")
    assert status in response.json()["detail"]
    assert api.log.inputs == []


def test_a_version_that_is_not_registered_is_told_with_those_that_are(failing: Api) -> None:
    response = retry(failing, version=9)
    assert_problem(response, 422, "unknown-workflow")
    assert "[1]" in response.json()["detail"]
    assert failing.log.inputs == []


def test_an_input_that_does_not_stand_there_as_json_is_not_made_up(api: Api) -> None:
    api.tell(RUN, started(input=payload_of(b"\xff\x00", "x/y")), failed())
    assert_problem(retry(api), 409, "start-unreadable")
    assert api.log.inputs == []


@pytest.mark.parametrize("run", [NO_RUN, "none", "%00"])
def test_a_run_that_is_not_there_is_not_found(failing: Api, run: str) -> None:
    assert_problem(retry(failing, run=run), 404, "not-found")


def test_with_the_log_away_the_outcome_is_unknown(failing: Api) -> None:
    failing.log.go_away()
    assert_problem(retry(failing), 503, "log-away")
    failing.log.come_back()
