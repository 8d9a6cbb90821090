"""What people think of a run: recorded in its history, also after its end. Nothing follows from it."""

from typing import Final

from penstock.schemas.canonical import PayloadUnreadable, read_payload
from penstock.schemas.run.records import FeedbackGiven, GiveFeedback
from penstock.streams.runs.consequences import Consequences

# A history is read whole whenever its run is: what a crowd thinks of it belongs elsewhere.
FEEDBACK_MAX: Final = 1_000
SCORE_THOUSANDTHS_MAX: Final = 1_000_000
WORD_CHARACTERS_MAX: Final = 100
TAGS_MAX: Final = 20
COMMENT_BYTES_MAX: Final = 20_000


def give(c: Consequences, body: GiveFeedback) -> None:
    """Somebody says what they think, of the run or of something in it."""
    refused = _why_not(c, body)
    if refused is not None:
        c.refuse(*refused)
        return
    c.emit(
        FeedbackGiven(
            call_id=body.call_id,
            about_seq=body.about_seq,
            score_thousandths=body.score_thousandths,
            label=body.label,
            tags=body.tags,
            comment=body.comment,
        )
    )


def _why_not(c: Consequences, body: GiveFeedback) -> tuple[str, str] | None:
    if c.state.feedback >= FEEDBACK_MAX:
        return "too_much_feedback", f"a run takes {FEEDBACK_MAX}"
    if body.call_id is not None and body.call_id not in c.state.calls:
        return "unknown_call", body.call_id
    if body.about_seq is not None and not 1 <= body.about_seq <= c.seq:
        return "unknown_event", f"the run has events 1 to {c.seq}"
    if body.score_thousandths is None and body.label is None and body.comment is None:
        return "empty_feedback", "say a score, a label or a comment"
    if abs(body.score_thousandths or 0) > SCORE_THOUSANDTHS_MAX:
        return (
            "invalid_score",
            f"a score is from -{SCORE_THOUSANDTHS_MAX // 1000} to {SCORE_THOUSANDTHS_MAX // 1000}",
        )
    words = (*body.tags, *([body.label] if body.label is not None else []))
    if len(body.tags) > TAGS_MAX or not all(0 < len(word) <= WORD_CHARACTERS_MAX for word in words):
        return (
            "invalid_words",
            f"at most {TAGS_MAX} tags; they and a label have 1 to {WORD_CHARACTERS_MAX} characters",
        )
    try:
        if body.comment is not None and len(read_payload(body.comment)) > COMMENT_BYTES_MAX:
            return "comment_too_long", f"a comment has at most {COMMENT_BYTES_MAX} bytes"
    except PayloadUnreadable as error:
        return "invalid_comment", str(error)
    return None
