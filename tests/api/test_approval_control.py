"""Delegating and escalating an approval through the API, and which approvals are whose."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from httpx import Response

from penstock.schemas.codec import EventBody
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    DelegateApproval,
    EscalateApproval,
    VoteCounted,
)
from tests.api.conftest import Api
from tests.api.route_case import RUN
from tests.api.test_every_route import assert_problem
from tests.views.histories import approval_of, asked, granted, started

APPROVAL = approval_of(RUN, 1)
ASKED = replace(asked(RUN, 1), escalate_to="chief", escalate_at_ms=asked(RUN, 1).expires_at_ms - 1000)
DELEGATED = ApprovalDelegated(approval_id=APPROVAL, delegated_by="sam", delegate="nobody", reason="on leave")
ESCALATED = ApprovalEscalated(
    approval_id=APPROVAL, from_role="supervisor", role="chief", escalated_by="sam", by_time=False
)
BODIES = {"delegate": {"delegate": "nobody", "reason": "on leave"}, "escalate": {"reason": "over my limit"}}
EVENTS: dict[str, EventBody] = {"delegate": DELEGATED, "escalate": ESCALATED}


@pytest.fixture
def asking(api: Api) -> Api:
    """An API with a run of ana's that asks a supervisor."""
    api.tell(RUN, started(), ASKED)
    return api


def say(api: Api, verb: str, who: str = "sam", key: str | None = None, **changes: str) -> Response:
    headers = api.as_(who) if key is None else api.as_(who, **{"Idempotency-Key": key})
    response: Response = api.client.post(
        f"/v1/approvals/{APPROVAL}/{verb}", json=BODIES[verb] | changes, headers=headers
    )
    return response


def mine(api: Api, who: str) -> list[str]:
    response = api.client.get("/v1/approvals?mine=true", headers=api.as_(who))
    assert response.status_code == 200, response.text
    approvals = response.json()["approvals"]
    assert all(each["may_vote"] for each in approvals)
    everybodys = api.client.get("/v1/approvals", headers=api.as_("ana")).json()["approvals"]
    assert {each["approval_id"] for each in approvals} <= {each["approval_id"] for each in everybodys}
    return [each["approval_id"] for each in approvals]


def judged(event: EventBody) -> Callable[..., EventBody]:
    return lambda meta, body: event


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("delegate", DelegateApproval(approval_id=APPROVAL, delegate="nobody", reason="on leave")),
        ("escalate", EscalateApproval(approval_id=APPROVAL, reason="over my limit")),
    ],
)
def test_it_is_said_in_the_callers_name(asking: Api, verb: str, body: object) -> None:
    response = say(asking, verb)
    assert (response.status_code, response.json()["outcome"]) == (202, "pending")
    ((meta, said),) = asking.log.inputs
    assert (meta.entity_id, meta.actor.subject, said) == (RUN, "sam", body)


@pytest.mark.parametrize(("verb", "outcome"), [("delegate", "delegated"), ("escalate", "escalated")])
def test_it_is_answered_with_the_approval_as_it_stands_then(asking: Api, verb: str, outcome: str) -> None:
    asking.log.judge = judged(EVENTS[verb])
    response = say(asking, verb)
    assert (response.status_code, response.json()["outcome"]) == (200, outcome)
    approval = response.json()["approval"]
    told = (approval["delegate"], approval["delegated_by"], approval["role"], approval["escalated_by"])
    assert told == (
        ("nobody", ["sam"], "supervisor", None) if verb == "delegate" else (None, [], "chief", "sam")
    )


@pytest.mark.parametrize("verb", ["delegate", "escalate"])
def test_the_same_with_the_same_key_is_said_once(asking: Api, verb: str) -> None:
    asking.log.judge = judged(EVENTS[verb])
    first, again = say(asking, verb, key="k-1"), say(asking, verb, key="k-1")
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(asking.log.inputs) == 1


def test_another_delegation_is_another_input_under_another_key(asking: Api) -> None:
    given = {"verb": "delegate", "who": "sam", "key": "k-1"}
    said = [
        say(asking, **(given | change)).json()["input_id"] for change in ({}, {"who": "ana"}, {"key": "k-2"})
    ]
    assert len(set(said)) == 3
    for change in ({"delegate": "ben"}, {"reason": "other"}):
        assert_problem(say(asking, **(given | change)), 409, "idempotency-conflict")


@pytest.mark.parametrize("verb", ["delegate", "escalate"])
@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("wrong_role", 403),
        ("own_request", 403),
        ("delegate_is_requester", 409),
        ("no_escalation", 409),
        ("expired", 409),
    ],
)
def test_a_refusal_is_a_problem_that_says_why(asking: Api, verb: str, reason: str, status: int) -> None:
    asking.log.judge = judged(InputRefused(input_type="DelegateApproval", reason=reason))
    assert_problem(say(asking, verb), status, f"{verb}-refused:{reason}")


def test_what_changes_nothing_says_so(asking: Api) -> None:
    asking.log.judge = judged(InputAccepted(input_type="EscalateApproval", note="it is with chief already"))
    assert say(asking, "escalate").json()["outcome"] == "unchanged"


def test_a_delegate_without_any_role_votes_and_hands_it_on(asking: Api) -> None:
    asking.tell(RUN, DELEGATED)
    asking.log.judge = judged(granted(RUN, 1, by="nobody"))
    assert say(asking, "delegate", "nobody", delegate="chloe").status_code != 403
    vote = {"decision": "grant", "args_sha256": ASKED.arguments.sha256}
    response = asking.client.post(f"/v1/approvals/{APPROVAL}/votes", json=vote, headers=asking.as_("nobody"))
    assert response.status_code == 200


def test_mine_are_those_of_ones_role_and_not_ones_own(asking: Api) -> None:
    assert mine(asking, "sam") == [APPROVAL]
    for other in ("ana", "olga", "nobody", "chloe", "mallory"):
        assert mine(asking, other) == []


def test_ones_own_request_is_not_mine_whatever_ones_role(api: Api) -> None:
    api.tell(RUN, started(requester="sam"), ASKED)
    assert mine(api, "sam") == []


def test_mine_are_those_that_were_delegated_to_me(asking: Api) -> None:
    asking.tell(RUN, DELEGATED)
    assert mine(asking, "nobody") == mine(asking, "sam") == [APPROVAL]
    asking.tell(RUN, replace(DELEGATED, delegate="chloe", delegated_by="nobody"))
    assert mine(asking, "nobody") == []
    assert mine(asking, "chloe") == [APPROVAL]


def test_mine_are_not_those_that_i_have_voted_on_or_handed_on_of_several_votes(api: Api) -> None:
    api.tell(RUN, started(), replace(ASKED, quorum=2), DELEGATED)
    assert (mine(api, "sam"), mine(api, "nobody")) == ([], [APPROVAL])
    api.tell(RUN, VoteCounted(approval_id=APPROVAL, voter="nobody", votes=1, quorum=2))
    assert mine(api, "nobody") == []


def test_an_escalated_approval_is_the_other_roles(asking: Api) -> None:
    asking.tell(RUN, DELEGATED, ESCALATED)
    assert [mine(asking, who) for who in ("chloe", "sam", "nobody")] == [[APPROVAL], [], []]


def test_what_is_decided_is_nobodys(asking: Api) -> None:
    asking.tell(RUN, granted(RUN, 1))
    assert mine(asking, "sam") == []


def test_an_approval_says_when_and_to_whom_it_goes(asking: Api) -> None:
    (shown,) = asking.client.get("/v1/approvals", headers=asking.as_("ana")).json()["approvals"]
    assert (shown["escalate_to"], shown["escalated_by"], shown["escalated_at"]) == ("chief", None, None)
    assert shown["escalate_at"] < shown["expires_at"]
    assert shown["links"]["delegate"] == f"/v1/approvals/{APPROVAL}/delegate"
