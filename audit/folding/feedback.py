"""The rows of what people think of a run, from its whole history."""

from penstock.audit.folding.values import Events, Row, clean, content, plain
from penstock.schemas.run import records as runs


def feedback_rows(events: Events) -> dict[str, Row]:
    """The rows of the feedback in this history, by its events' ids."""
    return {
        meta.id: {
            "feedback_id": meta.id,
            "run_id": meta.entity_id,
            "tenant": clean(meta.tenant),
            "seq": meta.entity_seq,
            **{name: clean(getattr(body, name)) for name in ("call_id", "label")},
            "about_seq": body.about_seq,
            "score_thousandths": body.score_thousandths,
            "tags": [clean(tag) for tag in body.tags],
            "comment": None if body.comment is None else content(body.comment),
            "given_by": clean(meta.actor.subject),
            "actor": clean(plain(meta.actor)),
            "given_at_ms": meta.time_ms,
        }
        for meta, body in events
        if isinstance(body, runs.FeedbackGiven)
    }
