"""Voting on approvals, and settling calls in doubt: what came of it is the answer."""

from collections.abc import Callable

import pytest
from httpx import Response

from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody
from penstock.schemas.envelope.records import Failure
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import (
    ApprovalRefused,
    CastVote,
    SettleToolCall,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallInDoubt,
    VoteCounted,
    VoteRefused,
)
from tests.api.conftest import Api
from tests.api.route_case import RUN, SETTLEMENT
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of, asked, call_of, granted, lease_started, requested, started

APPROVAL = approval_of(RUN, 1)
CALL = call_of(RUN, 2)
SHA = asked(RUN, 1).arguments.sha256


@pytest.fixture
def asking(api: Api) -> Api:
    """An API with a run that asks, and has a call in doubt."""
    doubt = ToolCallInDoubt(call_id=CALL, attempt=1, lease_id="l", reason="the worker died")
    call = requested(RUN, 2, tool="update_case_status", effect="unsafe")
    api.tell(RUN, started(), asked(RUN, 1), call, lease_started(RUN, 2), doubt)
    return api


def vote(api: Api, who: str = "sam", key: str | None = None, **changes: str) -> Response:
    body = {"decision": "grant", "args_sha256": SHA, "reason": "the dates fit"} | changes
    headers = api.as_(who) if key is None else api.as_(who, **{"Idempotency-Key": key})
    response: Response = api.client.post(f"/v1/approvals/{APPROVAL}/votes", json=body, headers=headers)
    return response


def judged(event: EventBody) -> Callable[..., EventBody]:
    return lambda meta, body: event


def test_a_vote_is_said_in_the_voters_name(asking: Api) -> None:
    vote(asking)
    ((meta, body),) = asking.log.inputs
    assert isinstance(body, CastVote)
    assert (meta.entity_id, meta.actor.subject, meta.actor.roles) == (RUN, "sam", ("supervisor",))
    assert (body.approval_id, body.decision, body.args_sha256) == (APPROVAL, "grant", SHA)


def test_a_grant_is_answered_with_the_grant(asking: Api) -> None:
    asking.log.judge = judged(granted(RUN, 1))
    response = vote(asking)
    assert (response.status_code, response.json()["outcome"]) == (200, "granted")
    assert response.json()["event"]["granted_by"] == ["sam"]
    (row,) = asking.client.get("/v1/approvals?status=granted", headers=asking.as_("ana")).json()["approvals"]
    assert row["decided_by"] == ["sam"]


def test_a_no_is_answered_with_the_refusal(asking: Api) -> None:
    asking.log.judge = judged(ApprovalRefused(approval_id=APPROVAL, refused_by="sam", reason="no proof"))
    assert vote(asking, decision="refuse").json()["outcome"] == "refused"


def test_a_vote_that_counts_but_does_not_decide_says_so(asking: Api) -> None:
    asking.log.judge = judged(VoteCounted(approval_id=APPROVAL, voter="sam", votes=1, quorum=2))
    response = vote(asking)
    assert (response.status_code, response.json()["outcome"]) == (200, "counted")
    assert response.json()["event"]["votes"] == 1


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("own_request", 403),
        ("wrong_role", 403),
        ("expired", 409),
        ("other_arguments", 409),
        ("already_decided", 409),
    ],
)
def test_a_refused_vote_is_a_problem_that_says_why(asking: Api, reason: str, status: int) -> None:
    asking.log.judge = judged(VoteRefused(approval_id=APPROVAL, voter="sam", reason=reason))
    response = vote(asking)
    assert_problem(response, status, f"vote-refused:{reason}")
    assert response.json()["reason"] == reason


def test_a_vote_that_takes_longer_is_pending(asking: Api) -> None:
    response = vote(asking)
    assert (response.status_code, response.json()["outcome"]) == (202, "pending")


def test_the_same_vote_with_the_same_key_is_said_once(asking: Api) -> None:
    asking.log.judge = judged(granted(RUN, 1))
    first, again = vote(asking, key="v-1"), vote(asking, key="v-1")
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(asking.log.inputs) == 1


def test_the_same_vote_while_the_first_is_pending_is_the_same_input(asking: Api) -> None:
    first, again = vote(asking, key="v-1"), vote(asking, key="v-1")
    assert first.json()["input_id"] == again.json()["input_id"]


@pytest.mark.parametrize("change", [{"who": "ana"}, {"key": "v-2"}])
def test_another_vote_is_another_input(asking: Api, change: dict[str, str]) -> None:
    given = {"who": "sam", "key": "v-1"}
    first, other = vote(asking, **given), vote(asking, **(given | change))
    assert first.json()["input_id"] != other.json()["input_id"]


@pytest.mark.parametrize("change", [{"decision": "refuse"}, {"reason": "other"}])
def test_another_vote_under_the_same_key_is_a_conflict(asking: Api, change: dict[str, str]) -> None:
    first = vote(asking, key="v-1")
    assert_problem(vote(asking, key="v-1", **change), 409, "idempotency-conflict")
    assert vote(asking, key="v-1").json() == first.json()
    assert len({meta.id for meta, _ in asking.log.inputs}) == 1


def test_who_holds_the_role_that_is_asked_for_may_vote(api: Api) -> None:
    api.tell(RUN, started(), asked(RUN, 1, role="operator"))
    assert vote(api, "olga").status_code == 202
    assert vote(api, "sam").status_code == 202


def test_a_vote_with_the_log_away_is_unknown(asking: Api) -> None:
    asking.log.go_away()
    assert_problem(vote(asking), 503, "log-away")
    asking.log.come_back()


def settle(api: Api, key: str = "s-1", **changes: object) -> Response:
    headers = api.as_("olga", **{"Idempotency-Key": key})
    response: Response = api.client.post(
        f"/v1/calls/{CALL}/settlement", json=SETTLEMENT | changes, headers=headers
    )
    return response


def test_a_settlement_is_said_in_the_operators_name(asking: Api) -> None:
    assert settle(asking, result={"ok": True}).status_code == 202
    ((meta, body),) = asking.log.inputs
    assert isinstance(body, SettleToolCall)
    assert (meta.actor.subject, body.call_id, body.attempt, body.basis) == ("olga", CALL, 1, "person")
    assert body.result == json_payload({"ok": True})
    assert body.happened is True


@pytest.mark.parametrize(
    "event",
    [
        ToolCallCompleted(call_id=CALL, attempt=1, result=json_payload(None), settled_by="person"),
        ToolCallFailed(call_id=CALL, attempt=1, error=Failure(kind="k", message="m"), final=True),
    ],
)
def test_a_settlement_is_answered_with_what_came_of_it_also_again(asking: Api, event: EventBody) -> None:
    asking.log.judge = judged(event)
    first, again = settle(asking), settle(asking)
    assert (first.status_code, first.json()["outcome"]) == (200, type(event).__name__)
    assert again.json() == first.json()
    assert len(asking.log.inputs) == 1


def test_a_call_that_is_not_in_doubt_has_no_question(asking: Api) -> None:
    asking.log.judge = judged(ToolCallCompleted(call_id=CALL, attempt=1, result=json_payload(None)))
    settle(asking)
    assert_problem(settle(asking, key="s-2"), 409, "not-in-doubt")
    assert len(asking.log.inputs) == 1


def test_a_refused_settlement_is_a_conflict(asking: Api) -> None:
    asking.log.judge = judged(InputRefused(input_type="SettleToolCall", reason="not_authorized"))
    assert_problem(settle(asking), 409, "settlement-refused:not_authorized")
