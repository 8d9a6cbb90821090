"""What people think of a run: recorded, also after its end, and nothing follows from it."""

from dataclasses import replace

import pytest

from penstock.schemas.canonical import json_payload
from penstock.schemas.run.records import FeedbackGiven, GiveFeedback
from penstock.streams.runs.feedback import FEEDBACK_MAX

from .acts import cancels, completes, thinks
from .cases import CASE, CASES
from .given import SUPERVISOR, Story, call_id, given, start


def reading() -> Story:
    return given(CASES).when(start("read-once", CASE))


def test_feedback_is_recorded_and_changes_nothing_else() -> None:
    comment = json_payload("The draft names the right rule.")
    said = thinks(call_id=call_id(1), about_seq=2, score_thousandths=500, tags=("a", "b"), comment=comment)
    story = reading().when(said, actor=SUPERVISOR)
    assert story.only() == FeedbackGiven(
        call_id=call_id(1),
        about_seq=2,
        score_thousandths=500,
        label="helpful",
        tags=("a", "b"),
        comment=comment,
    )
    before, after = reading().state, story.state
    assert replace(after, seq=before.seq, time_ms=before.time_ms, feedback=0) == before


def test_feedback_is_taken_after_the_end() -> None:
    completed = reading().when(completes(1, "found"))
    cancelled = reading().when(cancels()).when(completes(1, "found"))
    for ended in (completed, cancelled):
        assert ended.state.terminal is not None
        after = ended.when(thinks()).then(FeedbackGiven)
        assert after.state.terminal == ended.state.terminal


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (thinks(call_id=call_id(9)), "unknown_call"),
        (thinks(about_seq=0), "unknown_event"),
        (thinks(about_seq=99), "unknown_event"),
        (thinks(None, tags=("a",)), "empty_feedback"),
        (thinks(score_thousandths=1_000_001), "invalid_score"),
        (thinks("x" * 101), "invalid_words"),
        (thinks(tags=("",)), "invalid_words"),
        (thinks(tags=("a",) * 21), "invalid_words"),
        (thinks(comment=json_payload("x" * 20_000)), "comment_too_long"),
        (thinks(comment=replace(json_payload("x"), sha256="0" * 64)), "invalid_comment"),
    ],
)
def test_feedback_that_says_nothing_or_too_much_is_refused(said: GiveFeedback, reason: str) -> None:
    assert reading().when(said).reason() == reason


def test_a_run_takes_a_bounded_number() -> None:
    story = reading().and_then(*[FeedbackGiven(label="x")] * FEEDBACK_MAX)
    assert story.when(thinks()).reason() == "too_much_feedback"


def test_nobody_thinks_of_a_run_that_never_started() -> None:
    assert given(CASES).when(thinks()).reason() == "unknown_run"
