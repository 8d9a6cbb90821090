"""Escalating a question, by a person or by log time: another role decides it then, and that one alone."""

from datetime import timedelta

import pytest

from penstock.declare.errors import DeclarationError
from penstock.schemas.envelope.records import Actor
from penstock.schemas.log.records import InputAccepted
from penstock.schemas.run.records import (
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRequested,
    RunCompleted,
    RunStalled,
    TimerFired,
    TimerRearmed,
    ToolCallRequested,
    VoteCounted,
)

from .acts import escalates, fires, pauses, votes
from .asked import CHIEF, PAT, REQUESTER, SVEN, asking, delegated
from .given import OPERATOR, SERVICE, SUPERVISOR


@pytest.mark.parametrize("actor", [SUPERVISOR, OPERATOR, CHIEF])
def test_a_person_escalates_and_only_the_other_role_decides(actor: Actor) -> None:
    story = asking().when(escalates(1, "over my limit"), actor=actor)
    escalated = story.only()
    assert isinstance(escalated, ApprovalEscalated)
    assert (escalated.from_role, escalated.role, escalated.by_time) == ("supervisor", "chief", False)
    assert (escalated.escalated_by, escalated.reason) == (actor.subject, "over my limit")
    assert story.when(votes(story, 1), actor=SUPERVISOR).reason() == "wrong_role"
    granted = story.when(votes(story, 1), actor=CHIEF).events[0]
    assert isinstance(granted, ApprovalGranted)
    assert (granted.role, granted.granted_by) == ("chief", ("chloe",))
    assert story.when(escalates(1), actor=CHIEF).then(InputAccepted)


def test_it_escalates_by_itself_when_its_time_has_come() -> None:
    story = asking()
    story.when(fires("1:escalation"), later=timedelta(hours=3)).then(TimerRearmed)
    story = story.when(fires("1:escalation"), later=timedelta(hours=4)).then(TimerFired, ApprovalEscalated)
    escalated = story.events[1]
    assert isinstance(escalated, ApprovalEscalated)
    assert (escalated.by_time, escalated.role) == (True, "chief")
    story = story.when(fires(1), later=timedelta(days=2)).then(TimerFired, ApprovalExpired, RunCompleted)


def test_it_escalates_by_itself_also_while_the_run_is_paused() -> None:
    story = asking().when(pauses())
    story.when(fires("1:escalation"), later=timedelta(hours=4)).then(TimerFired, ApprovalEscalated)


def test_the_time_changes_nothing_once_it_is_decided_or_escalated_or_expired() -> None:
    story = asking()
    late = timedelta(hours=4)
    story.when(votes(story, 1)).when(fires("1:escalation"), later=late).then(TimerFired)
    story.when(escalates(1)).when(fires("1:escalation"), later=late).then(TimerFired)
    story.when(fires("1:escalation"), later=timedelta(days=2)).then(TimerFired)


def test_an_escalation_drops_what_the_role_before_had_counted_and_delegated() -> None:
    story = asking(quorum=2)
    story = story.when(votes(story, 1), actor=SVEN).then(VoteCounted)
    story = delegated(story).when(escalates(1), actor=OPERATOR)
    escalated = story.only()
    assert isinstance(escalated, ApprovalEscalated)
    assert escalated.votes_dropped == ("sven",)
    assert story.when(votes(story, 1), actor=PAT).reason() == "wrong_role"
    story = story.when(votes(story, 1), actor=CHIEF).then(VoteCounted)
    both = Actor(kind="person", subject="sven", roles=("supervisor", "chief"))
    story.when(votes(story, 1), actor=both).then(ApprovalGranted, ToolCallRequested)


@pytest.mark.parametrize(
    ("actor", "reason"), [(PAT, "wrong_role"), (REQUESTER, "own_request"), (SERVICE, "not_a_person")]
)
def test_an_escalation_by_who_has_no_say_is_refused(actor: Actor, reason: str) -> None:
    assert asking().when(escalates(1), actor=actor).reason() == reason


def test_without_a_role_to_go_to_there_is_no_escalation() -> None:
    story = asking(to=None, after=None)
    assert story.when(escalates(1)).reason() == "no_escalation"
    asked = story.events[-1]
    assert isinstance(asked, ApprovalRequested)
    assert (asked.escalate_to, asked.escalate_at_ms) == (None, None)


def test_a_role_without_a_time_escalates_only_by_a_person() -> None:
    story = asking(after=None)
    assert story.when(fires("1:escalation"), later=timedelta(days=1)).reason() == "unknown_timer"
    story.when(escalates(1)).then(ApprovalEscalated)


@pytest.mark.parametrize(
    ("to", "after"),
    [(None, timedelta(hours=1)), ("supervisor", None), ("", None), ("chief", timedelta(days=2))],
)
def test_an_escalation_that_could_not_be_stalls_where_it_is_written(
    to: str | None, after: timedelta | None
) -> None:
    story = asking(to=to, after=after)
    stalled = story.events[-1]
    assert isinstance(stalled, RunStalled)
    assert DeclarationError.__name__ in stalled.detail
