"""POST /v1/callbacks/{token}: an outside system answers the call that a tool has handed it (law L9).

The token is the credential, and names the only call that it may answer; nothing else is asked for. What comes of the
answer is the run's to say, by log time: also what comes late is on the log, where an operator sees it (L8).
"""

import time
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.problems import Problem
from penstock.api.telling import Said, came_of, tell
from penstock.api.views import Columns
from penstock.declare.errors import InvalidArguments
from penstock.producers.callbacks import CallbackClaim
from penstock.producers.runs import RunClient
from penstock.schemas.canonical import NotCanonical, canonical_json, payload_of, sha256_hex
from penstock.schemas.envelope.records import Failure
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import CompleteToolCall, FailToolCall

# An answer that is older than this isn't even late: the log needn't know.
LATE_S_MAX: Final = 30 * 86_400
# So many late answers to one call are on the log; whoever has its token could write there without end.
LATE_ANSWERS_MAX: Final = 20
_OUTCOMES: Final = {
    "ToolCallCompleted": "completed",
    "ToolCallFailed": "failed",
    "ToolCallInDoubt": "in_doubt",
    "InputAccepted": "accepted",
    "InputParked": "parked",
    "DeadLetter": "dead_letter",
}
_ROW: Final = """
SELECT tool, tool_version, late_answers FROM views.tool_call_row
WHERE call_id = %(call_id)s AND tenant = %(tenant)s"""


class CallbackError(BaseModel):
    """Why there is no result. `retryable`: the same call again may work. `not_done`: it is certain that nothing was
    done and nothing will be; without it the failure of an unsafe call is a question to a person."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(min_length=1, max_length=100)
    message: str = Field(default="", max_length=2000)
    retryable: bool = False
    not_done: bool = False


class CallbackBody(BaseModel):
    """The answer: either `result`, as the tool declares what it returns, or `error`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"result": {"verdict": "match", "register_no": "R-7"}},
                {"error": {"kind": "not_found", "message": "nobody of that name", "retryable": False}},
            ]
        },
    )

    result: Any = None
    error: CallbackError | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "CallbackBody":
        if ("result" in self.model_fields_set) == (self.error is not None):
            raise ValueError("say either `result` or `error`")
        return self


class CallbackAnswer(BaseModel):
    """What came of it: completed, failed, in_doubt (a person is asked), accepted (it changed nothing), parked,
    dead_letter, or pending: the log has it, and nobody has decided it yet. `seq` is its place in the run's history."""

    outcome: str
    seq: int | None


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["callbacks"])

    @router.post(
        "/v1/callbacks/{token}",
        status_code=202,
        response_model=CallbackAnswer,
        responses={200: {"model": CallbackAnswer, "description": "What came of it"}},
    )
    async def call_back(
        token: str, body: CallbackBody, request: Request, response: Response
    ) -> CallbackAnswer:
        """Answer a call, with the token alone as credential. 200 with what came of it, or 202 if that takes longer.
        The same body again is the same answer, and tells what came of the first."""
        claim = door.callbacks.tokens.read(token) if door.callbacks else None
        if door.callbacks is None or claim is None:
            door.keys.failed(request)
            raise _unknown()
        caller = Caller(claim.tenant, "callback", (), "service")
        own = replace(door, inbox=door.callbacks.inbox)
        said = _said(claim, body)
        effect = await came_of(own, caller, said)
        if effect is None:
            await _check(door, claim, body)
            effect = await tell(own, caller, said, own.inbox.effect_s)
        if effect is None:
            return CallbackAnswer(outcome="pending", seq=None)
        if effect["type"] == "LateAnswer":
            door.keys.failed(request)
            raise _late(claim)
        if effect["type"] == "InputRefused":
            raise _refused(effect)
        response.status_code = 200
        return CallbackAnswer(outcome=_OUTCOMES.get(effect["type"], "accepted"), seq=effect["seq"])

    return router


def _said(claim: CallbackClaim, body: CallbackBody) -> Said:
    """The answer as an input. Raises a 422 problem for what has no canonical form."""
    which: dict[str, Any] = {"call_id": claim.call_id, "attempt": claim.attempt, "lease_id": "callback"}
    try:
        content = canonical_json(body.result)
        same = canonical_json(body.model_dump(include={"error"}) if body.error else [body.result])
    except NotCanonical as error:
        raise _invalid(f"Correct `result`: {error}.") from error
    input_id = derived_id(claim.call_id, f"callback:{claim.attempt}:{sha256_hex(same)}")

    def speak(client: RunClient) -> Any:
        failure = body.error
        if failure is None:
            answer: CompleteToolCall | FailToolCall = CompleteToolCall(
                **which, result=payload_of(content), duration_ms=0
            )
        else:
            error = Failure(kind=failure.kind, message=failure.message, retryable=failure.retryable)
            answer = FailToolCall(**which, error=error, not_done=failure.not_done, duration_ms=0)
        return client.say(claim.run_id, answer, input_id)

    return Said(claim.run_id, input_id, speak)


async def _check(door: Door, claim: CallbackClaim, body: CallbackBody) -> None:
    """What needn't be on the log: what is far too late, or once more, or no result of that tool. Raises problems."""
    if _late_s(claim) > LATE_S_MAX:
        raise _late(claim)
    rows = await door.views.ask(_ROW, {"call_id": claim.call_id, "tenant": claim.tenant})
    if not rows:
        # The outside system was quicker than the views: the run looks at it.
        return
    row = rows[0]
    if row["late_answers"] >= LATE_ANSWERS_MAX:
        raise _late(claim)
    tool = door.application.tool(row["tool"], row["tool_version"]) if row["tool"] else None
    if tool is None or body.error is not None:
        return
    try:
        tool.decode_result(canonical_json(body.result))
    except InvalidArguments as error:
        raise _invalid(f"Correct `result`: {error}") from error


def _late_s(claim: CallbackClaim) -> float:
    return time.time() - claim.expires_at_ms / 1000


def _unknown() -> Problem:
    detail = (
        "Nobody here gave this callback token: post to the URL exactly as it was handed over, and only while this "
        "installation's signing keys are those that it was made with."
    )
    return Problem(404, "not-found", "Not found", detail)


def _late(claim: CallbackClaim) -> Problem:
    if _late_s(claim) > 0:
        detail = "The time for this answer is over. It isn't taken any more: don't send it again, tell the operator."
        return Problem(410, "callback-expired", "Too late", detail)
    detail = (
        "This call was answered before, or its run is over, and the first answer counts: don't send another one. "
        "Operators see that there was a second."
    )
    return Problem(409, "callback-answered", "Answered before", detail)


def _refused(effect: Columns) -> Problem:
    reason, detail = effect["event"]["reason"], effect["event"]["detail"]
    if reason == "invalid_result":
        return _invalid(f"Correct `result`: {detail}")
    words = detail or f"The run says: {reason}."
    return Problem(409, f"callback-refused:{reason}", "Not taken", words, more={"reason": reason})


def _invalid(detail: str) -> Problem:
    return Problem(422, "invalid-request", "Invalid request", detail)
