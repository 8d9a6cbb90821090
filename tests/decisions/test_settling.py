"""In doubt is a question (laws L7, L8): who may answer it, and with what."""

from datetime import timedelta

import pytest

from penstock import Retry
from penstock.producers.signing import Authority
from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Actor, Payload
from penstock.schemas.run.records import (
    LateAnswer,
    RunCompleted,
    SettleBasis,
    SettleToolCall,
    ToolCallCompleted,
    ToolCallFailed,
    ToolCallRequested,
)
from penstock.streams.runs.answers import FREE_ATTEMPTS_MAX

from .acts import loses, settles, starts
from .cases import CASES
from .given import OPERATOR, SERVICE, SUPERVISOR, Story, call_id, given, start


def doubtful() -> Story:
    return given(CASES).when(start("tell", "customer")).when(starts(1)).when(loses(1))


@pytest.mark.parametrize("actor", [OPERATOR, SUPERVISOR])
@pytest.mark.parametrize("authority", [Authority.API, Authority.OPERATOR])
def test_a_person_with_the_role_may_say_that_it_happened(actor: Actor, authority: Authority) -> None:
    story = doubtful().when(settles(1, True, result="sent"), actor=actor, authority=authority)
    story.then(ToolCallCompleted, RunCompleted)
    completed = story.events[0]
    assert isinstance(completed, ToolCallCompleted)
    assert completed.settled_by == "person"


def test_an_operator_may_say_that_it_did_not_happen_and_it_is_tried_again() -> None:
    story = doubtful().when(settles(1, False)).then(ToolCallFailed, ToolCallRequested)
    failed, again = story.events
    assert isinstance(failed, ToolCallFailed)
    assert isinstance(again, ToolCallRequested)
    assert (failed.final, failed.settled_by, again.attempt) == (False, "person", 2)


def test_a_no_after_the_last_attempt_tells_the_workflow() -> None:
    story = doubtful()
    last = Retry().attempts + FREE_ATTEMPTS_MAX
    for attempt in range(1, last):
        story = story.when(settles(1, False, attempt=attempt)).then(ToolCallFailed, ToolCallRequested)
        story = story.when(starts(1, attempt=attempt + 1, lease="L")).when(loses(1, attempt + 1, "L"))
    story.when(settles(1, False, attempt=last)).then(ToolCallFailed, RunCompleted)


@pytest.mark.parametrize(
    ("happened", "actor"),
    [
        (False, SUPERVISOR),
        (True, Actor(kind="person", subject="x", roles=("analyst",))),
        (True, Actor(kind="app", subject="x", roles=("operator",))),
        (False, Actor(kind="service", subject="x", roles=("operator",))),
    ],
)
def test_nobody_else_may(happened: bool, actor: Actor) -> None:
    assert doubtful().when(settles(1, happened), actor=actor).reason() == "not_authorized"
    api = doubtful().when(settles(1, happened), actor=actor, authority=Authority.API)
    assert api.reason() == "not_authorized"


@pytest.mark.parametrize("basis", ["target_journal", "key_voided", "deadline_passed", "unknown"])
def test_a_reconciler_may_say_that_it_happened_at_any_time(basis: SettleBasis) -> None:
    yes = settles(1, True, basis=basis, result="sent")
    doubtful().when(yes, authority=Authority.TOOLS, actor=SERVICE).then(ToolCallCompleted, RunCompleted)
    started = given(CASES).when(start("tell", "customer")).when(starts(1))
    started.when(yes, authority=Authority.TOOLS, actor=SERVICE).then(ToolCallCompleted, RunCompleted)


@pytest.mark.parametrize(
    ("basis", "taken"),
    [
        ("key_voided", True),
        ("deadline_passed", True),
        ("target_journal", False),
        ("person", False),
        ("unknown", False),
    ],
)
def test_a_reconcilers_no_is_taken_only_if_the_target_will_refuse_from_now_on(
    basis: SettleBasis, taken: bool
) -> None:
    story = doubtful().when(settles(1, False, basis=basis), authority=Authority.TOOLS, actor=SERVICE)
    if taken:
        story.then(ToolCallFailed, ToolCallRequested)
    else:
        assert story.reason() == "not_conclusive"


def test_the_first_settlement_settles_and_the_second_is_late() -> None:
    story = doubtful().when(settles(1, False))
    story.when(settles(1, True)).then(LateAnswer)


def test_a_settlement_of_a_later_attempt_is_refused() -> None:
    assert doubtful().when(settles(1, True, attempt=2)).reason() == "not_in_doubt"


def test_a_yes_without_a_result_gives_the_workflow_none() -> None:
    story = doubtful().when(settles(1, True))
    # The workflow returns what it got; None isn't the str that it promises, so its code is to be mended.
    assert [type(event).__name__ for event in story.events] == ["ToolCallCompleted", "RunStalled"]


def test_a_settlement_whose_result_is_not_its_hash_is_refused() -> None:
    wrong = Payload(content_type="application/json", content=b"1", sha256=json_payload(2).sha256)
    body = SettleToolCall(
        call_id=call_id(1), attempt=1, happened=True, result=wrong, basis="person", evidence=""
    )
    assert doubtful().when(body).reason() == "invalid_result"


def test_a_no_when_the_grant_has_expired_is_final() -> None:
    story = doubtful().when(settles(1, False), later=timedelta(hours=2)).then(ToolCallFailed, RunCompleted)
    failed = story.events[0]
    assert isinstance(failed, ToolCallFailed)
    assert failed.final
