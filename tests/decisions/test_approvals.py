"""Approvals with one voter (law L12), and every way round them that we know of."""

from datetime import timedelta

import pytest

from penstock import Application, Run, workflow
from penstock.producers.signing import Authority
from penstock.schemas.canonical import sha256_hex
from penstock.schemas.envelope.records import Actor
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import (
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    RunCompleted,
    TimerFired,
    TimerRearmed,
    ToolCallRequested,
    VoteRefused,
)

from .acts import cancels, fires, votes
from .cases import ARGUMENTS, CASE, CASES, Case, application, ask_and_pay, look_up, pay
from .given import RUN_ID, SUPERVISOR, Story, approval_id, given, result, start, timer_id


def asked(known: Application = CASES) -> Story:
    return given(known).when(start("payment", CASE))


def test_a_question_carries_the_exact_bytes_the_role_and_its_expiry() -> None:
    story = asked()
    question = story.events[-1]
    assert isinstance(question, ApprovalRequested)
    assert question.arguments.content == ARGUMENTS
    assert (question.tool, question.tool_version, question.role, question.quorum) == (
        "pay",
        2,
        "supervisor",
        1,
    )
    assert question.expires_at_ms == story.state.time_ms + 2 * 24 * 3600 * 1000
    armed = story.state.timers[timer_id(1)]
    assert (armed.purpose, armed.step, armed.due_ms) == ("approval_expiry", 1, question.expires_at_ms)


def test_a_grant_precedes_the_request_that_spends_it() -> None:
    story = asked().when(votes(asked(), 1)).then(ApprovalGranted, ToolCallRequested)
    granted, requested = story.events
    assert isinstance(granted, ApprovalGranted)
    assert isinstance(requested, ToolCallRequested)
    assert granted.args_sha256 == requested.arguments.sha256 == sha256_hex(ARGUMENTS)
    assert requested.arguments.content == ARGUMENTS
    assert granted.grant_id == requested.grant_id == derived_id(RUN_ID, "grant:1")
    assert (granted.granted_by, granted.rule) == (("sue",), None)
    assert story.state.grants[granted.grant_id].spent_by == requested.call_id


def test_a_refusal_tells_the_workflow_who_and_why() -> None:
    story = asked().when(votes(asked(), 1, "refuse")).then(ApprovalRefused, RunCompleted)
    assert result(story) == '"refused sue because"'


def test_an_expiry_tells_the_workflow() -> None:
    story = asked().when(fires(1), later=timedelta(days=2)).then(TimerFired, ApprovalExpired, RunCompleted)
    assert result(story) == '"expired"'


def test_an_expiry_that_comes_early_is_armed_again() -> None:
    asked().when(fires(1), later=timedelta(days=1)).then(TimerRearmed)


def test_the_expiry_of_an_answered_question_changes_nothing() -> None:
    story = asked().when(votes(asked(), 1)).when(fires(1), later=timedelta(days=2)).then(TimerFired)
    assert story.state.approvals[approval_id(1)].outcome == "granted"


VOTER = SUPERVISOR


BYPASSES = [
    ("own_request", Actor(kind="person", subject="app:test", roles=("supervisor",))),
    ("wrong_role", Actor(kind="person", subject="sue", roles=("analyst",))),
    ("wrong_role", Actor(kind="person", subject="sue")),
    ("not_a_person", Actor(kind="app", subject="app:other", roles=("supervisor",))),
    ("not_a_person", Actor(kind="service", subject="sue", roles=("supervisor",))),
    ("not_a_person", Actor(kind="unknown", subject="sue", roles=("supervisor",))),
]


@pytest.mark.parametrize(("reason", "actor"), BYPASSES)
def test_a_vote_by_the_wrong_party_is_refused_and_the_question_stays_open(reason: str, actor: Actor) -> None:
    story = asked().when(votes(asked(), 1), actor=actor).then(VoteRefused)
    assert story.reason() == reason
    story.when(votes(story, 1)).then(ApprovalGranted, ToolCallRequested)


def test_a_vote_on_other_arguments_than_were_shown_is_refused() -> None:
    other = votes(asked(), 1, args_sha256=sha256_hex(b'{"amount":5000,"case_id":"c1"}'))
    assert asked().when(other).reason() == "other_arguments"


def test_a_vote_after_the_expiry_is_refused_even_before_the_timer_fires() -> None:
    assert asked().when(votes(asked(), 1), later=timedelta(days=2)).reason() == "expired"
    almost = timedelta(days=2) - timedelta(milliseconds=1)
    asked().when(votes(asked(), 1), later=almost).then(ApprovalGranted, ToolCallRequested)


def test_a_second_vote_of_two_grants_is_refused() -> None:
    story = asked().when(votes(asked(), 1))
    again = story.when(votes(story, 1), actor=Actor(kind="person", subject="sam", roles=("supervisor",)))
    assert again.then(VoteRefused).reason() == "already_decided"


def test_a_replayed_vote_is_refused() -> None:
    story = asked().when(votes(asked(), 1, "refuse"))
    assert story.when(votes(asked(), 1)).reason() == "ended"
    waiting = asked().when(votes(asked(), 1))
    assert waiting.when(votes(waiting, 1, "refuse")).reason() == "already_decided"


def test_a_vote_on_a_question_of_another_run_is_refused() -> None:
    assert asked().when(votes(asked(), 7)).reason() == "unknown_approval"


def test_a_vote_that_says_neither_is_refused() -> None:
    assert asked().when(votes(asked(), 1, "unknown")).reason() == "unknown_decision"


def test_a_vote_on_an_ending_run_is_refused() -> None:
    def both() -> Story:
        @workflow("payment", version=1)
        async def asks_and_reads(run: Run, case: Case) -> str:
            await run.gather(
                run.tool(look_up, case_id="x"),
                run.approval(action=pay, args=CASE, role="supervisor", expires=timedelta(days=1)),
            )
            return "done"

        return given(application(asks_and_reads)).when(start("payment", CASE)).when(cancels())

    story = both()
    assert story.when(votes(story, 2)).then(VoteRefused).reason() == "ending"


@pytest.mark.parametrize("authority", [Authority.NONE, Authority.APP, Authority.TOOLS])
def test_a_vote_written_straight_to_the_log_is_refused(authority: Authority) -> None:
    story = asked().when(votes(asked(), 1), authority=authority)
    assert story.reason() == ("unsigned" if authority is Authority.NONE else "not_authorized")


def test_the_question_itself_is_the_same_in_every_replay() -> None:
    again = workflow("payment", version=1, deadline=timedelta(days=30))(ask_and_pay)
    story = asked().when(votes(asked(), 1), application=application(again))
    story.then(ApprovalGranted, ToolCallRequested)
