"""Pausing and continuing a run through the API: what came of it is the answer."""

from collections.abc import Callable

import pytest
from httpx import Response

from penstock.schemas.codec import EventBody
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import ContinueRun, PauseRun, RunContinued, RunPaused
from tests.api.conftest import Api
from tests.api.route_case import NO_RUN, RUN
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of, asked, call_of, completed, requested, started

PAUSED = RunPaused(paused_by="sam", reason="look at it")
CONTINUED = RunContinued(continued_by="olga", reason="it is well")


@pytest.fixture
def running(api: Api) -> Api:
    """An API with a run that asks people and calls a tool."""
    api.tell(RUN, started(), asked(RUN, 1), requested(RUN, 2))
    return api


def say(
    api: Api, verb: str, who: str = "sam", key: str | None = None, reason: str = "look at it", run: str = RUN
) -> Response:
    headers = api.as_(who) if key is None else api.as_(who, **{"Idempotency-Key": key})
    response: Response = api.client.post(f"/v1/runs/{run}/{verb}", json={"reason": reason}, headers=headers)
    return response


def judged(event: EventBody) -> Callable[..., EventBody]:
    return lambda meta, body: event


@pytest.mark.parametrize(("verb", "kind"), [("pause", PauseRun), ("continue", ContinueRun)])
def test_it_is_said_in_the_callers_name(
    running: Api, verb: str, kind: type[PauseRun] | type[ContinueRun]
) -> None:
    response = say(running, verb, "olga")
    assert (response.status_code, response.json()["outcome"]) == (202, "pending")
    ((meta, body),) = running.log.inputs
    assert type(body) is kind
    assert (meta.entity_id, meta.actor.subject, meta.actor.roles) == (RUN, "olga", ("operator",))
    assert getattr(body, "reason", "") == "look at it"


@pytest.mark.parametrize("verb", ["pause", "continue"])
def test_only_the_run_that_was_looked_at_is_paused_or_continued(running: Api, verb: str) -> None:
    path, body = f"/v1/runs/{RUN}/{verb}", {"reason": "look at it"}
    tag = running.client.get(f"/v1/runs/{RUN}", headers=running.as_("sam")).headers["etag"]
    running.tell(RUN, completed(RUN, 2))
    stale = running.client.post(path, json=body, headers=running.as_("sam", **{"If-Match": tag}))
    assert_problem(stale, 412, "run-moved-on")
    assert running.log.inputs == []
    again = running.as_("sam", **{"If-Match": stale.headers["etag"]})
    assert running.client.post(path, json=body, headers=again).status_code == 202


def test_a_pause_is_answered_with_what_the_run_waits_for(running: Api) -> None:
    running.log.judge = judged(PAUSED)
    response = say(running, "pause")
    assert response.status_code == 200
    answer = response.json()
    assert (answer["outcome"], answer["status"], answer["paused_by"]) == ("paused", "paused", "sam")
    assert answer["pause_reason"] == "look at it"
    pause, approval, call = answer["waits_for"]
    assert pause == {"kind": "continue", "paused_by": "sam", "reason": "look at it"}
    assert (approval["kind"], approval["approval_id"]) == ("approval", approval_of(RUN, 1))
    assert (call["kind"], call["call_id"]) == ("call", call_of(RUN, 2))
    listed = running.client.get("/v1/runs?status=paused", headers=running.as_("ana")).json()["runs"]
    assert [each["run_id"] for each in listed] == [RUN]
    review = running.client.get(f"/case-review/{RUN}", headers=running.as_("ana")).json()
    assert review["status"] == "paused"


def test_a_continued_run_is_what_it_was(running: Api) -> None:
    running.tell(RUN, PAUSED)
    running.log.judge = judged(CONTINUED)
    answer = say(running, "continue").json()
    assert (answer["outcome"], answer["status"], answer["paused_by"]) == (
        "continued",
        "waiting_approval",
        None,
    )


@pytest.mark.parametrize(("verb", "outcome"), [("pause", "already-paused"), ("continue", "not-paused")])
def test_what_changes_nothing_says_so(running: Api, verb: str, outcome: str) -> None:
    running.log.judge = judged(InputAccepted(input_type="PauseRun", note="already so"))
    assert say(running, verb).json()["outcome"] == outcome


@pytest.mark.parametrize("verb", ["pause", "continue"])
def test_the_same_with_the_same_key_is_said_once(running: Api, verb: str) -> None:
    running.log.judge = judged(PAUSED if verb == "pause" else CONTINUED)
    first, again = say(running, verb, key="k-1"), say(running, verb, key="k-1")
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(running.log.inputs) == 1


@pytest.mark.parametrize("change", [{"who": "olga"}, {"key": "k-2"}, {"verb": "continue"}])
def test_another_request_is_another_input(running: Api, change: dict[str, str]) -> None:
    given = {"verb": "pause", "who": "sam", "key": "k-1"}
    first, other = say(running, **given), say(running, **(given | change))
    assert first.json()["input_id"] != other.json()["input_id"]
    assert_problem(say(running, **given, reason="other"), 409, "idempotency-conflict")


@pytest.mark.parametrize(("reason", "status"), [("ending", 409), ("ended", 409), ("not_a_person", 403)])
def test_a_refusal_is_a_problem_that_says_why(running: Api, reason: str, status: int) -> None:
    running.log.judge = judged(InputRefused(input_type="PauseRun", reason=reason))
    response = say(running, "pause")
    assert_problem(response, status, f"pause-refused:{reason}")
    assert response.json()["reason"] == reason


@pytest.mark.parametrize("run", [NO_RUN, "none", "%00"])
def test_a_run_that_is_not_there_is_not_found(running: Api, run: str) -> None:
    assert_problem(say(running, "pause", run=run), 404, "not-found")
    assert running.log.inputs == []


def test_with_the_log_away_the_outcome_is_unknown(running: Api) -> None:
    running.log.go_away()
    assert_problem(say(running, "pause"), 503, "log-away")
    running.log.come_back()
