"""Who may say what (law L9): every input without the right signature is refused by an event."""

import pytest

from penstock.producers.signing import Authority
from penstock.schemas.codec import InputBody
from penstock.schemas.log.records import DiscardInput, InputRefused

from .acts import (
    cancels,
    completes,
    continues,
    defers,
    fails,
    fires,
    loses,
    pauses,
    resumes,
    settles,
    starts,
    thinks,
    votes,
)
from .cases import CASES
from .given import OPERATOR, SUPERVISOR, Story, given, start

A = Authority
ALLOWED: list[tuple[str, set[Authority]]] = [
    ("start", {A.APP, A.API, A.OPERATOR, A.SCHEDULES}),
    ("cancel", {A.APP, A.API, A.OPERATOR}),
    ("pause", {A.API, A.OPERATOR}),
    ("continue", {A.API, A.OPERATOR}),
    ("vote", {A.API, A.OPERATOR}),
    ("start_call", {A.TOOLS}),
    ("complete", {A.TOOLS, A.CALLBACK}),
    ("fail", {A.TOOLS, A.CALLBACK}),
    ("defer", {A.TOOLS}),
    ("lose", {A.TOOLS}),
    ("settle", {A.TOOLS, A.API, A.OPERATOR}),
    ("fire", {A.TIMERS}),
    ("think", {A.API, A.OPERATOR}),
    ("resume", {A.RUNS, A.OPERATOR}),
]


def waiting() -> Story:
    return given(CASES).when(start("payment", {"case_id": "c1", "amount": 5}))


def body(name: str, story: Story) -> InputBody:
    bodies: dict[str, InputBody] = {
        "start": start("payment", {"case_id": "c1", "amount": 5}),
        "cancel": cancels(),
        "pause": pauses(),
        "continue": continues(),
        "vote": votes(story, 1),
        "start_call": starts(2),
        "complete": completes(2, "paid"),
        "fail": fails(2),
        "defer": defers(2),
        "lose": loses(2),
        "settle": settles(2, True),
        "fire": fires("deadline"),
        "think": thinks(),
        "resume": resumes(),
    }
    return bodies[name]


def refused_for_its_signature(story: Story) -> bool:
    return any(
        isinstance(event, InputRefused) and event.reason in ("unsigned", "not_authorized")
        for event in story.events
    )


@pytest.mark.parametrize("authority", list(Authority))
@pytest.mark.parametrize(("name", "allowed"), ALLOWED)
def test_each_input_takes_the_signatures_of_its_own_doors_only(
    name: str, allowed: set[Authority], authority: Authority
) -> None:
    story = waiting()
    given_body = body(name, story)
    actor = SUPERVISOR if name == "vote" else OPERATOR if name == "settle" else None
    after = story.when(given_body, authority=authority, actor=actor)
    assert refused_for_its_signature(after) == (authority not in allowed)
    if authority is Authority.NONE:
        assert after.reason() == "unsigned"
    if authority not in allowed:
        assert after.state.approvals == story.state.approvals
        assert after.state.calls == story.state.calls


def test_a_refused_signature_is_refused_before_the_run_is_looked_at() -> None:
    assert given(CASES).when(completes(1), authority=Authority.NONE).reason() == "unsigned"


@pytest.mark.parametrize(("name", "allowed"), ALLOWED)
def test_an_input_of_another_tenant_is_refused(name: str, allowed: set[Authority]) -> None:
    story = waiting()
    after = story.when(body(name, story), tenant="other", authority=next(iter(allowed)), actor=SUPERVISOR)
    assert after.reason() == "other_tenant"


def test_an_input_that_belongs_to_the_runner_is_refused_if_it_comes_here() -> None:
    discard = DiscardInput(parked_input_id="x", reason="y")
    assert waiting().when(discard, authority=Authority.OPERATOR).reason() == "unknown_input"
