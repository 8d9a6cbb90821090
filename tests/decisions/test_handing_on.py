"""Delegating a question: who may, who decides then, and what the grant says of it (law L12)."""

from datetime import timedelta

import pytest

from penstock.producers.signing import Authority
from penstock.schemas.envelope.records import Actor
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalGranted,
    ApprovalRefused,
    RunEnding,
    ToolCallRequested,
    VoteCounted,
    VoteRefused,
)

from .acts import cancels, delegates, escalates, starts, votes
from .asked import PAT, QUINN, REQUESTER, SVEN, asking, delegated
from .given import APP, SERVICE, SUPERVISOR, approval_id


def test_a_delegate_grants_without_the_role_and_the_grant_says_by_whose_leave() -> None:
    story = delegated(asking())
    assert story.when(votes(story, 1), actor=QUINN).reason() == "wrong_role"
    story = story.when(votes(story, 1), actor=PAT).then(ApprovalGranted, ToolCallRequested)
    granted = story.events[0]
    assert isinstance(granted, ApprovalGranted)
    assert (granted.granted_by, granted.delegated_by) == (("pat",), ("sue",))
    assert (granted.role, granted.quorum) == ("supervisor", 1)
    assert granted.expires_at_ms == story.state.approvals[approval_id(1)].expires_at_ms


def test_whoever_holds_the_role_may_still_vote() -> None:
    story = delegated(asking())
    for actor in (SVEN, SUPERVISOR):
        granted = story.when(votes(story, 1), actor=actor).events[0]
        assert isinstance(granted, ApprovalGranted)
        assert (granted.granted_by, granted.delegated_by) == ((actor.subject,), ("",))


def test_a_delegate_refuses() -> None:
    story = delegated(asking())
    refused = story.when(votes(story, 1, "refuse"), actor=PAT).events[0]
    assert isinstance(refused, ApprovalRefused)
    assert (refused.refused_by, refused.delegated_by) == ("pat", "sue")


def test_a_delegate_hands_it_on_and_has_it_no_more() -> None:
    story = delegated(delegated(asking()), QUINN, by=PAT)
    assert story.when(votes(story, 1), actor=PAT).reason() == "wrong_role"
    story.when(votes(story, 1), actor=QUINN).then(ApprovalGranted, ToolCallRequested)


def test_the_latest_delegation_counts_and_the_same_again_changes_nothing() -> None:
    story = delegated(delegated(asking()), QUINN, by=SVEN)
    assert story.when(votes(story, 1), actor=PAT).reason() == "wrong_role"
    story.when(delegates(1, "quinn"), actor=SVEN).then(InputAccepted)


@pytest.mark.parametrize(
    ("actor", "to", "reason"),
    [
        (PAT, "quinn", "wrong_role"),
        (REQUESTER, "quinn", "own_request"),
        (SERVICE, "quinn", "not_a_person"),
        (SUPERVISOR, APP.subject, "delegate_is_requester"),
        (SUPERVISOR, "sue", "own_delegate"),
        (SUPERVISOR, " ", "no_delegate"),
    ],
)
def test_a_delegation_that_may_not_be_is_refused(actor: Actor, to: str, reason: str) -> None:
    story = asking().when(delegates(1, to), actor=actor)
    assert story.reason() == reason
    assert story.state.approvals[approval_id(1)].delegate is None


def test_the_requester_never_votes_also_if_the_history_names_them_as_delegate() -> None:
    handed = ApprovalDelegated(approval_id=approval_id(1), delegated_by="sue", delegate=APP.subject)
    story = asking().and_then(handed)
    assert story.when(votes(story, 1), actor=REQUESTER).reason() == "own_request"


def test_four_eyes_stay_four_who_hands_a_vote_on_has_none() -> None:
    story = delegated(asking(quorum=2))
    story = story.when(votes(story, 1), actor=PAT).then(VoteCounted)
    assert story.when(votes(story, 1), actor=SUPERVISOR).reason() == "delegated_away"
    assert story.when(delegates(1, "quinn"), actor=SUPERVISOR).reason() == "delegated_away"
    assert story.when(delegates(1, "quinn"), actor=PAT).reason() == "voted_already"
    granted = story.when(votes(story, 1), actor=SVEN).events[0]
    assert isinstance(granted, ApprovalGranted)
    assert (granted.granted_by, granted.delegated_by) == (("pat", "sven"), ("sue", ""))


def test_who_has_granted_is_nobodys_delegate() -> None:
    story = asking(quorum=2)
    story = story.when(votes(story, 1), actor=SVEN).then(VoteCounted)
    assert story.when(delegates(1, "sven"), actor=SUPERVISOR).reason() == "delegate_has_voted"


def test_a_vote_that_is_handed_back_is_ones_own_again() -> None:
    story = delegated(delegated(asking(quorum=2)), SUPERVISOR, by=PAT)
    story.when(votes(story, 1), actor=SUPERVISOR).then(VoteCounted)


@pytest.mark.parametrize("act", [delegates(1, "pat"), escalates(1)])
def test_what_can_not_be_decided_any_more_can_not_be_handed_on(act: object) -> None:
    story = asking()
    assert story.when(act, later=timedelta(days=2)).reason() == "expired"  # type: ignore[arg-type]
    done = story.when(votes(story, 1))
    assert done.when(act).reason() == "already_decided"  # type: ignore[arg-type]
    ending = done.when(starts(2)).when(cancels()).then(RunEnding)
    assert ending.when(act).reason() == "already_decided"  # type: ignore[arg-type]


@pytest.mark.parametrize("act", [delegates(7, "pat"), escalates(7)])
def test_a_question_that_the_run_has_not_is_unknown(act: object) -> None:
    assert asking().when(act).reason() == "unknown_approval"  # type: ignore[arg-type]


@pytest.mark.parametrize("act", [delegates(1, "pat"), escalates(1)])
def test_an_app_has_no_say(act: object) -> None:
    assert asking().when(act, authority=Authority.APP).reason() == "not_authorized"  # type: ignore[arg-type]
    assert asking().when(act, authority=Authority.NONE).reason() == "unsigned"  # type: ignore[arg-type]


def test_a_delegates_vote_on_other_arguments_is_refused() -> None:
    story = delegated(asking())
    story.when(votes(story, 1, args_sha256="0" * 64), actor=PAT).then(VoteRefused)
