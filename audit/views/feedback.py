"""The view of feedback: one row for each event that says what somebody thinks of a run, written once."""

from typing import NamedTuple

from penstock.audit.views.columns import text
from penstock.audit.views.readable import actor_json, content_json
from penstock.schemas.envelope.records import EventMeta
from penstock.schemas.run.records import FeedbackGiven


class FeedbackRow(NamedTuple):
    """A row of views.feedback. `comment` and `actor` are JSON text; the id is the event's."""

    feedback_id: str
    run_id: str
    tenant: str
    seq: int
    call_id: str | None
    about_seq: int | None
    score_thousandths: int | None
    label: str | None
    tags: tuple[str, ...]
    comment: str | None
    given_by: str
    actor: str
    given_at_ms: int


def project(meta: EventMeta, body: FeedbackGiven) -> FeedbackRow:
    """The row of an event."""
    return FeedbackRow(
        feedback_id=meta.id,
        run_id=meta.entity_id,
        tenant=text(meta.tenant),
        seq=meta.entity_seq,
        call_id=None if body.call_id is None else text(body.call_id),
        about_seq=body.about_seq,
        score_thousandths=body.score_thousandths,
        label=None if body.label is None else text(body.label),
        tags=tuple(text(tag) for tag in body.tags),
        comment=content_json(body.comment),
        given_by=text(meta.actor.subject),
        actor=actor_json(meta.actor),
        given_at_ms=meta.time_ms,
    )
