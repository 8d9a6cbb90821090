"""The rows of a run's calls, from its whole history."""

from penstock.audit.folding.values import Events, Row, clean, content, failure, grouped, last
from penstock.schemas.codec import EventBody
from penstock.schemas.ids import derived_id
from penstock.schemas.run import records as runs

_ENDS = (runs.RunCompleted, runs.RunFailed, runs.RunCancelled)
_CALL_STATUS: dict[type, str] = {
    runs.ToolCallRequested: "requested",
    runs.ToolCallStarted: "started",
    runs.ToolCallCompleted: "completed",
    runs.ToolCallFailed: "failed",
    runs.ToolCallRefused: "refused",
    runs.ToolCallInDoubt: "in_doubt",
    runs.ToolCallHeld: "held",
    runs.ToolCallDeferred: "deferred",
}
_WITH_ATTEMPT = (
    runs.ToolCallRequested,
    runs.ToolCallStarted,
    runs.ToolCallCompleted,
    runs.ToolCallFailed,
    runs.ToolCallInDoubt,
    runs.ToolCallHeld,
    runs.ToolCallDeferred,
)
_OPEN = ("requested", "started", "deferred", "held")


def call_rows(events: Events) -> dict[str, Row]:
    """The rows of the calls in this history, by call id."""
    over = any(isinstance(body, _ENDS) for _, body in events)
    return {
        clean(call_id): _call(call_id, own, over) for call_id, own in grouped(events, _call_id, _asks).items()
    }


def _call(call_id: str, own: Events, over: bool) -> Row:
    asked_meta, asked = last(own, runs.ToolCallRequested)
    # A new attempt leaves nothing of the one before it.
    since = [told for told in own if asked_meta is None or told[0].entity_seq >= asked_meta.entity_seq]
    start_meta, start = last(since, runs.ToolCallStarted)
    refused = last(own, runs.ToolCallRefused)[1]
    settled_meta, settled = last(since, runs.ToolCallCompleted, runs.ToolCallFailed, runs.ToolCallRefused)
    answer = last(since, runs.ToolCallCompleted, runs.ToolCallFailed)[1]
    stands = last(since, *_CALL_STATUS)[1]
    status = _CALL_STATUS[type(stands)] if stands else "abandoned"
    named = last(own, runs.ToolCallRequested, runs.ToolCallRefused)[1]
    tried = last(own, *_WITH_ATTEMPT)[1]
    done = last(since, runs.ToolCallCompleted)[1]
    handed = last(since, runs.ToolCallDeferred)[1]
    sha = asked.arguments.sha256 if asked and named is asked else refused.args_sha256 if refused else None
    return {
        "call_id": clean(call_id),
        "run_id": own[0][0].entity_id,
        "tenant": clean(own[0][0].tenant),
        "step": named.step if named else None,
        "tool": clean(named.tool) if named else None,
        "tool_version": named.tool_version if named else None,
        "effect": asked.effect if asked else None,
        "attempt": getattr(tried, "attempt", None),
        "status": "abandoned" if over and status in _OPEN else status,
        "lease_id": clean(start.lease_id) if start else None,
        "worker": clean(start.worker) if start else None,
        "grant_id": clean(asked.grant_id) if asked and asked.grant_id is not None else None,
        "arguments": content(asked.arguments) if asked else None,
        "args_sha256": clean(sha),
        "result": content(done.result) if done else None,
        "error": _call_error(since),
        "settled_by": clean(answer.settled_by) if answer else None,
        "late_answers": sum(isinstance(body, runs.LateAnswer) for _, body in own),
        "requested_at_ms": asked_meta.time_ms if asked_meta else None,
        "started_at_ms": start_meta.time_ms if start_meta else None,
        "settled_at_ms": settled_meta.time_ms if settled_meta and settled else None,
        "duration_ms": answer.duration_ms if answer else None,
        "callback_expires_at_ms": handed.expires_at_ms if handed else None,
        "last_seq": own[-1][0].entity_seq,
    }


def _call_error(since: Events) -> Row | None:
    said = last(
        since, runs.ToolCallCompleted, runs.ToolCallFailed, runs.ToolCallRefused, runs.ToolCallInDoubt
    )[1]
    if isinstance(said, runs.ToolCallFailed):
        return failure(said.error.kind, said.error.message)
    if isinstance(said, runs.ToolCallRefused):
        return failure(said.reason, said.detail)
    if isinstance(said, runs.ToolCallInDoubt):
        return failure("in_doubt", said.reason)
    return None


def _asks(run_id: str, body: EventBody) -> bool:
    """Whether the run itself asks for a call: the id that its step gives is nobody else's."""
    if not isinstance(body, runs.ToolCallRequested | runs.ToolCallRefused):
        return False
    return body.call_id == derived_id(run_id, f"call:{body.step}")


def _call_id(body: EventBody) -> str | None:
    # What people think of a call changes nothing in its row.
    return None if isinstance(body, runs.FeedbackGiven) else getattr(body, "call_id", None)
