"""Feedback over HTTP: given once, by whom it says, shown to its tenant in pages, and counted."""

from typing import Any

import pytest
from httpx import Response

from penstock.schemas.canonical import read_payload
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import FeedbackGiven, GiveFeedback, RunCompleted
from tests.api.conftest import Api
from tests.api.route_case import RUN
from tests.api.test_every_route import assert_problem
from tests.views.histories import call_of, completed, new_run, requested, started

CALL = call_of(RUN, 1)


def judge(meta: InputMeta, body: InputBody) -> EventBody | None:
    """As the run's decider does."""
    assert isinstance(body, GiveFeedback)
    if body.call_id not in (None, CALL):
        return InputRefused(input_type=meta.type, reason="unknown_call", detail=body.call_id or "")
    return FeedbackGiven(
        call_id=body.call_id,
        about_seq=body.about_seq,
        score_thousandths=body.score_thousandths,
        label=body.label,
        tags=body.tags,
        comment=body.comment,
    )


@pytest.fixture
def ended(api: Api) -> Api:
    """An API with a run of one call that has ended, and another one."""
    api.log.judge = judge
    api.tell(RUN, started(), requested(RUN, 1), completed(RUN, 1), RunCompleted(result=RESULT))
    return api


RESULT = completed(RUN, 1).result


def give(api: Api, who: str = "ana", key: str = "", run: str = RUN, **said: Any) -> Response:
    headers = api.as_(who, **({"Idempotency-Key": key} if key else {}))
    response: Response = api.client.post("/v1/feedback", json={"run_id": run, **said}, headers=headers)
    return response


def listed(api: Api, query: str = "", who: str = "ana") -> Any:
    response = api.client.get(f"/v1/feedback?{query}", headers=api.as_(who))
    assert response.status_code == 200, response.text
    return response.json()


def test_feedback_is_given_once_and_shown_with_who_gave_it(ended: Api) -> None:
    said: dict[str, Any] = {
        "score": 0.5,
        "label": "helpful",
        "comment": "na\x00ul ✓",
        "tags": ["b", "a", "b"],
        "call_id": CALL,
        "seq": 2,
    }
    first = give(ended, **said)
    assert (first.status_code, first.json()["outcome"]) == (200, "applied")
    assert give(ended, **said).json() == first.json(), "the same words of the same person are one"
    ((meta, body),) = ended.log.inputs
    assert (meta.actor.kind, meta.actor.subject, meta.actor.roles) == ("person", "ana", ("analyst",))
    assert isinstance(body, GiveFeedback)
    assert (body.score_thousandths, body.tags) == (500, ("a", "b"))
    assert body.comment is not None
    assert read_payload(body.comment).decode() == '"na\\u0000ul ✓"'
    (row,) = listed(ended)["feedback"]
    assert (row["run_id"], row["call_id"], row["seq"], row["score"]) == (RUN, CALL, 2, 0.5)
    assert (row["label"], row["tags"], row["comment"]) == ("helpful", ["a", "b"], "na\ufffdul ✓")
    assert row["given_by"]["subject"] == "ana"
    # The run stays as it ended, and its call as it was settled.
    run = ended.client.get(f"/v1/runs/{RUN}", headers=ended.as_("ana")).json()
    assert (run["status"], run["last_seq"]) == ("completed", 5)
    assert_problem(give(ended, call_id="another", label="x"), 409, "feedback-refused:unknown_call")


def test_feedback_is_found_by_filters_in_pages_and_counted(ended: Api) -> None:
    other = new_run()
    ended.tell(other, started(workflow="other"))
    for at, (who, run, label, score) in enumerate(
        [("ana", RUN, "helpful", 1), ("sam", RUN, "wrong", -1), ("ana", other, "helpful", 0.5)]
    ):
        assert give(ended, who, f"k{at}", run, label=label, score=score, tags=[f"t{at}"]).status_code == 200
    assert give(ended, "ana", "k9", label=None, comment="no score").status_code == 200
    assert [row["label"] for row in listed(ended)["feedback"]] == [None, "helpful", "wrong", "helpful"]
    for query, count in (
        (f"run_id={RUN}", 3),
        ("workflow=other", 1),
        ("label=helpful", 2),
        ("tag=t1", 1),
        ("given_by=sam", 1),
        ("given_after=2100-01-01T00:00:00Z", 0),
        ("given_before=2100-01-01T00:00:00Z", 4),
        ("label=helpful&given_by=sam", 0),
    ):
        assert len(listed(ended, query)["feedback"]) == count, query
    first = listed(ended, "limit=3")
    rest = listed(ended, f"limit=3&cursor={first['next_cursor']}")
    assert (len(first["feedback"]), len(rest["feedback"]), rest["next_cursor"]) == (3, 1, None)
    assert listed(ended, "summary=true")["summary"] == {
        "count": 4,
        "scores": {"count": 3, "mean": pytest.approx(1 / 6), "lowest": -1.0, "highest": 1.0},
        "labels": {"helpful": 2, "wrong": 1},
    }
    assert listed(ended, "summary=true", "mallory") == {
        "feedback": [],
        "next_cursor": None,
        "summary": {
            "count": 0,
            "scores": {"count": 0, "mean": None, "lowest": None, "highest": None},
            "labels": {},
        },
    }
