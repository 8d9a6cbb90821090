"""Quorum (law L12): as many different people as the question asks for; one refusal is enough."""

from datetime import timedelta

import pytest

from penstock import Run, workflow
from penstock.schemas.envelope.records import Actor
from penstock.schemas.run.records import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    RunCompleted,
    RunStalled,
    TimerFired,
    ToolCallRequested,
    VoteCounted,
    VoteRefused,
)

from .acts import fires, votes
from .cases import CASE, Case, application, pay
from .given import Story, approval_id, given, result, start

SUE = Actor(kind="person", subject="sue", roles=("supervisor",))
BOB = Actor(kind="person", subject="bob", roles=("supervisor",))
ANN = Actor(kind="person", subject="ann", roles=("supervisor",))
WHO_ASKED = Actor(kind="person", subject="app:test", roles=("supervisor",))


def asking(quorum: int) -> Story:
    @workflow("it", version=1)
    async def asks(run: Run, case: Case) -> str:
        grant = await run.approval(
            action=pay,
            args={"case_id": case.case_id, "amount": case.amount},
            role="supervisor",
            expires=timedelta(days=2),
            quorum=quorum,
        )
        return f"{grant.outcome} {' '.join(grant.by)}" if grant.refused else await run.tool(pay, grant=grant)

    return given(application(asks)).when(start("it", CASE))


def test_two_different_people_grant_together() -> None:
    story = asking(2)
    question = story.events[-1]
    assert isinstance(question, ApprovalRequested)
    assert question.quorum == 2
    story = story.when(votes(story, 1), actor=SUE).then(VoteCounted)
    assert story.only() == VoteCounted(
        approval_id=approval_id(1), voter="sue", votes=1, quorum=2, reason="because"
    )
    story = story.when(votes(story, 1), actor=BOB).then(ApprovalGranted, ToolCallRequested)
    granted = story.events[0]
    assert isinstance(granted, ApprovalGranted)
    assert granted.granted_by == ("sue", "bob")


def test_one_person_never_counts_twice() -> None:
    story = asking(3)
    story = story.when(votes(story, 1), actor=SUE).when(votes(story, 1), actor=BOB)
    for again in (SUE, BOB):
        refused = story.when(votes(story, 1), actor=again).then(VoteRefused)
        assert refused.reason() == "voted_already"
    story.when(votes(story, 1), actor=ANN).then(ApprovalGranted, ToolCallRequested)


def test_who_has_granted_cant_take_it_back() -> None:
    story = asking(2)
    story = story.when(votes(story, 1), actor=SUE)
    assert story.when(votes(story, 1, "refuse"), actor=SUE).reason() == "voted_already"


def test_the_requester_never_counts() -> None:
    story = asking(2)
    story = story.when(votes(story, 1), actor=SUE)
    assert story.when(votes(story, 1), actor=WHO_ASKED).then(VoteRefused).reason() == "own_request"


def test_one_refusal_refuses_whatever_was_granted_before() -> None:
    story = asking(3)
    story = story.when(votes(story, 1), actor=SUE).when(votes(story, 1, "refuse"), actor=BOB)
    assert isinstance(story.events[0], ApprovalRefused)
    assert result(story) == '"refused bob"'
    assert story.when(votes(story, 1), actor=ANN).reason() == "ended"


def test_votes_that_are_too_few_expire_with_their_question() -> None:
    story = asking(2)
    story = story.when(votes(story, 1), actor=SUE).when(fires(1), later=timedelta(days=2))
    story.then(TimerFired, ApprovalExpired, RunCompleted)
    assert result(story) == '"expired "'


@pytest.mark.parametrize("quorum", [0, -1, 21])
def test_a_quorum_out_of_bounds_stalls_the_run(quorum: int) -> None:
    assert isinstance(asking(quorum).events[-1], RunStalled)
