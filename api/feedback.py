"""POST and GET /v1/feedback: what people think of a run, or of a call or an event in it (B6)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from penstock.api.callers import Caller
from penstock.api.door import Door, IdempotencyKey, moment
from penstock.api.inbox import input_id_of
from penstock.api.problems import Problem, not_found
from penstock.api.rights import FEEDBACK, READ
from penstock.api.telling import Asked, Prefer, Said
from penstock.api.views import Columns
from penstock.producers.feedback import Feedback, give
from penstock.schemas.ids import is_uuid

LIMIT_MAX: Final = 500
# A summary is of the newest, so that nobody's question reads a whole table.
SUMMARY_MAX: Final = 10_000
_CHOSEN: Final = """
FROM views.feedback AS f WHERE f.tenant = %(tenant)s
  AND (%(run_id)s::text IS NULL OR f.run_id = %(run_id)s)
  AND (%(call_id)s::text IS NULL OR f.call_id = %(call_id)s)
  AND (%(label)s::text IS NULL OR f.label = %(label)s)
  AND (%(tag)s::text IS NULL OR %(tag)s = ANY (f.tags))
  AND (%(given_by)s::text IS NULL OR f.given_by = %(given_by)s)
  AND (%(after_ms)s::bigint IS NULL OR f.given_at_ms >= %(after_ms)s)
  AND (%(before_ms)s::bigint IS NULL OR f.given_at_ms < %(before_ms)s)
  AND (%(workflow)s::text IS NULL OR EXISTS (
       SELECT FROM views.run_row AS r WHERE r.run_id = f.run_id AND r.workflow = %(workflow)s))"""
_PAGE: Final = f"""
SELECT f.* {_CHOSEN}
  AND (%(place_ms)s::bigint IS NULL OR (f.given_at_ms, f.feedback_id) < (%(place_ms)s, %(place_id)s))
ORDER BY f.given_at_ms DESC, f.feedback_id DESC LIMIT %(limit)s"""
_SUMMARY: Final = f"""
WITH chosen AS MATERIALIZED (
  SELECT f.label, f.score_thousandths AS score {_CHOSEN} ORDER BY f.given_at_ms DESC LIMIT {SUMMARY_MAX})
SELECT count(*) AS count, count(score) AS scored, avg(score)::float8 / 1000 AS mean,
       min(score)::float8 / 1000 AS lowest, max(score)::float8 / 1000 AS highest,
       (SELECT json_object_agg(label, n) FROM (
          SELECT label, count(*) AS n FROM chosen WHERE label IS NOT NULL
          GROUP BY label ORDER BY n DESC, label LIMIT 50) AS l) AS labels
FROM chosen"""

Filter = Mapping[str, str | int | None]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Chosen = Annotated[str | None, Query(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
Moment = Annotated[datetime | None, Query(description="RFC 3339; without an offset it is UTC.")]


class FeedbackBody(BaseModel):
    """A score, a label or a comment, or several; what it is about is the run, or one of its calls or events."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "run_id": "0199c0de-6a2e-5d6c-9a53-3c62a9b7c001",
                    "score": 1,
                    "label": "helpful",
                    "comment": "The draft names the right rule.",
                    "tags": ["draft"],
                }
            ]
        },
    )

    run_id: str = Field(max_length=100)
    call_id: str | None = Field(default=None, max_length=100)
    seq: int | None = Field(default=None, ge=1, lt=2**31, description="Of the event that it is about.")
    score: float | None = Field(
        default=None, ge=-1000, le=1000, allow_inf_nan=False, description="Three decimals count."
    )
    label: Word | None = None
    comment: str | None = Field(default=None, min_length=1, max_length=5000)
    tags: list[Word] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _says_something(self) -> "FeedbackBody":
        if self.score is None and self.label is None and self.comment is None:
            raise ValueError("say a score, a label or a comment")
        return self


def filter_of(
    run_id: Chosen = None,
    call_id: Chosen = None,
    workflow: Chosen = None,
    label: Chosen = None,
    tag: Chosen = None,
    given_by: Chosen = None,
    given_after: Moment = None,
    given_before: Moment = None,
) -> Filter:
    """What the feedback of a list has in common, as a dependency of its route. Raises a 422 problem."""
    return {
        "run_id": run_id,
        "call_id": call_id,
        "workflow": workflow,
        "label": label,
        "tag": tag,
        "given_by": given_by,
        "after_ms": _ms("given_after", given_after),
        "before_ms": _ms("given_before", given_before),
    }


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["feedback"])

    @router.post("/v1/feedback", status_code=202)
    async def give_feedback(
        body: FeedbackBody,
        caller: Annotated[Caller, Depends(door.keys)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> dict[str, Any]:
        """Say what you think of a run; also when it has ended. 200 with what came of it, or 202 if that takes longer.
        Without a key the same words of the same caller are one."""
        caller.needs(FEEDBACK, "give feedback")
        said = _said(caller, body, idempotency_key)
        return await Asked(door, caller, response, prefer).say(said, "feedback-refused", "Not taken")

    @router.get("/v1/feedback")
    async def feedback(
        caller: Annotated[Caller, Depends(door.keys)],
        chosen: Annotated[Filter, Depends(filter_of)],
        summary: Annotated[bool, Query(description=f"Also counts, of the newest {SUMMARY_MAX}.")] = False,
        cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,16}\.[0-9a-f-]{36}$")] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> dict[str, Any]:
        """What people think, newest first. Read on with cursor = next_cursor and the same filters, until it is null."""
        caller.needs(READ, "list feedback")
        asked = {**chosen, "tenant": caller.tenant}
        place_ms, _, place_id = (cursor or "").partition(".")
        place = {"place_ms": int(place_ms) if cursor else None, "place_id": place_id, "limit": limit + 1}
        rows = await door.views.ask(_PAGE, {**asked, **place})
        page = _page(rows, limit)
        if not summary:
            return page
        found = await door.views.ask(_SUMMARY, asked)
        return page | {"summary": _summary(found[0] if found else None)}

    return router


def _page(rows: list[Columns], limit: int) -> dict[str, Any]:
    last = rows[limit - 1] if len(rows) > limit else None
    return {
        "feedback": [_document(row) for row in rows[:limit]],
        "next_cursor": None if last is None else f"{last['given_at_ms']}.{last['feedback_id']}",
    }


def _said(caller: Caller, body: FeedbackBody, key: str | None) -> Said:
    """The words as an input; without a key the same words of the same caller are one."""
    if not is_uuid(body.run_id):
        raise not_found("run")
    said = Feedback(body.call_id, body.seq, body.score, body.label, tuple(body.tags), body.comment)
    input_id = input_id_of(body.run_id, caller, key or f"the same words {said}", "feedback", *said)
    assert input_id is not None
    return Said(body.run_id, input_id, lambda client: give(client, body.run_id, said, input_id))


def _ms(name: str, at: datetime | None) -> int | None:
    if at is None:
        return None
    try:
        return round((at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (OverflowError, ValueError) as error:
        raise Problem(422, "invalid-request", "Invalid request", f"Correct `{name}`: {error}.") from error


def _document(row: Columns) -> dict[str, Any]:
    score = row["score_thousandths"]
    return {
        **{name: row[name] for name in ("feedback_id", "run_id", "call_id", "label", "tags", "comment")},
        "seq": row["about_seq"],
        "score": None if score is None else score / 1000,
        "given_by": row["actor"],
        "given_at": moment(row["given_at_ms"]),
        "links": {"run": f"/v1/runs/{row['run_id']}"},
    }


def _summary(row: Columns | None) -> dict[str, Any]:
    found = row or dict.fromkeys(("count", "scored", "mean", "lowest", "highest", "labels"))
    return {
        "count": found["count"] or 0,
        "scores": {
            "count": found["scored"] or 0,
            **{name: found[name] for name in ("mean", "lowest", "highest")},
        },
        "labels": found["labels"] or {},
    }
