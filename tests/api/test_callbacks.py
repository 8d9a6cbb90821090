"""Callbacks over HTTP: the token is the credential, and everything that is wrong with an answer has a problem."""

import time
from typing import Any

import pytest
from httpx import Response

from penstock.api.rates import Taken
from penstock.producers.callbacks import CallbackClaim, CallbackTokens
from penstock.producers.signing import Authority, Key, Keyring
from penstock.schemas.canonical import read_payload
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.log.records import InputRefused
from penstock.schemas.run.records import (
    CompleteToolCall,
    FailToolCall,
    LateAnswer,
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
)
from penstock.schemas.topics import RUN_INBOX
from tests.api import recording
from tests.api.conftest import Api
from tests.api.route_case import RUN
from tests.api.test_every_route import assert_problem
from tests.views.histories import call_of, requested, started

CALL = call_of(RUN, 1)
ERROR = {"kind": "not_found", "message": "nobody of that name", "retryable": False}


class Outside:
    """A run that waits for a callback, and the outside system that has its token."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.keyring = Keyring.load(api.settings.keys_file)
        self.now_ms = int(time.time() * 1000)
        self.token = self.issue()
        self.settled = False
        api.log.judge = self.judge
        deferred = ToolCallDeferred(call_id=CALL, attempt=1, lease_id="l", expires_at_ms=self.now_ms + 60_000)
        api.tell(RUN, started(), requested(RUN, 1, tool="look_up"), deferred)

    def issue(self, *, left_ms: int = 60_000, keyring: Keyring | None = None) -> str:
        claim = CallbackClaim("local", RUN, CALL, 1, self.now_ms + left_ms)
        return CallbackTokens(keyring or self.keyring).issue(claim)

    def judge(self, meta: InputMeta, body: InputBody) -> EventBody | None:
        """As the run's decider does."""
        assert isinstance(body, CompleteToolCall | FailToolCall)
        late, self.settled = self.settled, True
        if late:
            return LateAnswer(call_id=CALL, attempt=1, input_type=meta.type)
        if isinstance(body, FailToolCall):
            return ToolCallFailed(
                call_id=CALL, attempt=1, error=body.error, final=True, settled_by="callback"
            )
        return ToolCallCompleted(call_id=CALL, attempt=1, result=body.result, settled_by="callback")

    def answer(self, body: Any, token: str | None = None) -> Response:
        response: Response = self.api.client.post(f"/v1/callbacks/{token or self.token}", json=body)
        return response


@pytest.fixture
def outside(api: Api) -> Outside:
    return Outside(api)


def test_the_token_alone_answers_its_call_and_the_same_again_is_the_same(outside: Outside) -> None:
    response = outside.answer({"result": ["match"]})
    assert (response.status_code, response.json()) == (200, {"outcome": "completed", "seq": 4})
    recording.check("POST /v1/callbacks/{token}", {"result": ["match"]}, response)
    ((meta, body),) = outside.api.log.inputs
    assert (meta.tenant, meta.entity_id, meta.actor.subject) == ("local", RUN, "callback")
    assert isinstance(body, CompleteToolCall)
    assert (body.call_id, body.attempt, read_payload(body.result)) == (CALL, 1, b'["match"]')
    (record,) = [
        record
        for partition in range(outside.api.log.partitions(RUN_INBOX))
        for record in outside.api.log.read(RUN_INBOX, partition, 0, 10)
    ]
    assert outside.keyring.verify(record, meta) is Authority.CALLBACK
    assert outside.token.encode() not in (record.value or b"") + b"".join(v for _, v in record.headers)
    again = outside.answer({"result": ["match"]})
    assert (again.status_code, again.json()) == (200, response.json())
    assert len(outside.api.log.inputs) == 1
    assert_problem(outside.answer({"result": ["another"]}), 409, "callback-answered")
    assert_problem(outside.answer({"error": ERROR}), 409, "callback-answered")
    assert outside.api.views.execute(
        "SELECT status, settled_by, late_answers FROM views.tool_call"
    ).fetchall() == [("completed", "callback", 2)]
    # From a certain number on the log isn't told any more.
    outside.api.views.execute("UPDATE views.tool_call_row SET late_answers = 20")
    assert_problem(outside.answer({"result": ["once more"]}), 409, "callback-answered")
    assert len(outside.api.log.inputs) == 3


def test_a_failure_from_outside_is_said_as_one(outside: Outside) -> None:
    response = outside.answer({"error": {**ERROR, "retryable": True, "not_done": True}})
    assert (response.status_code, response.json()["outcome"]) == (200, "failed")
    ((_, body),) = outside.api.log.inputs
    assert isinstance(body, FailToolCall)
    assert (body.error.kind, body.error.retryable, body.not_done) == ("not_found", True, True)


def test_what_nobody_decides_in_time_is_pending(outside: Outside) -> None:
    outside.api.log.judge = lambda meta, body: None
    response = outside.answer({"result": ["match"]})
    assert (response.status_code, response.json()) == (202, {"outcome": "pending", "seq": None})


def test_a_token_that_nobody_here_gave_is_not_found_and_soon_too_much(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, _, mac = outside.token.partition(".")
    other = Keyring([Key("callback", b"x" * 32, Authority.CALLBACK)])
    elsewhere = CallbackTokens(other).issue(CallbackClaim("elsewhere", RUN, CALL, 1, outside.now_ms))
    forged = (
        outside.issue(keyring=other),
        f"{elsewhere.partition('.')[0]}.{mac}",
        f"{said}.{mac[:-2]}AA",
        f"{said[:-2]}.{mac}",
        said,
        "pcb_",
        "pcb_!.!",
        "%00",
        "%ff",
        "x" * 20_000,
    )
    for token in forged:
        assert_problem(outside.answer({"result": ["match"]}, token), 404, "not-found")
    # However many may fail in a minute: one more is one too many, and doesn't hold up who comes with a good one.
    monkeypatch.setattr("penstock.api.rates.Buckets.take", lambda *_: Taken(allowed=False, left=0, after_s=7))
    response = outside.answer({"result": ["match"]}, "pcb_forged")
    assert_problem(response, 429, "too-many-failures")
    assert response.headers["retry-after"] == "7"
    assert outside.api.log.inputs == []
    assert outside.answer({"result": ["match"]}).status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 422),
        (b"", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"result": [], "error": {"kind": "x"}}', 422),
        (b'{"error": {}}', 422),
        (b'{"error": {"kind": ""}}', 422),
        (b'{"result": [], "more": 1}', 422),
        (b'{"result": NaN}', 422),
        (b'{"result": ["\\ud83d"]}', 422),
        (b'{"result": 1e999}', 422),
        (b'{"result": {"not": "a list of text"}}', 422),
        (b'{"result": null}', 422),
        (b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422),
        (b'{"result": ' + b"9" * 5_000 + b"}", 422),
        (b'{"result": ["' + b"x" * 300_000 + b'"]}', 413),
        (b'{"result": ["' + b"x" * 700_000 + b'"]}', 413),
    ],
)
def test_a_body_that_is_no_answer_is_a_problem(outside: Outside, content: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    response = outside.api.client.post(f"/v1/callbacks/{outside.token}", content=content, headers=headers)
    assert response.status_code in (status, 400), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]
    assert outside.api.log.inputs == []


def test_what_comes_after_its_time_is_late_and_far_later_nothing(outside: Outside) -> None:
    outside.settled = True
    assert_problem(outside.answer({"result": ["match"]}, outside.issue(left_ms=-1)), 410, "callback-expired")
    assert len(outside.api.log.inputs) == 1
    ancient = outside.issue(left_ms=-40 * 86_400_000)
    assert_problem(outside.answer({"result": ["again"]}, ancient), 410, "callback-expired")
    assert len(outside.api.log.inputs) == 1


def test_what_the_run_refuses_is_told_with_its_reason(outside: Outside) -> None:
    def refuse(reason: str) -> None:
        outside.api.log.judge = lambda meta, body: InputRefused(
            input_type=meta.type, reason=reason, detail="The tool says so."
        )

    refuse("invalid_result")
    assert_problem(outside.answer({"result": ["a"]}), 422, "invalid-request")
    refuse("not_deferred")
    assert_problem(outside.answer({"result": ["b"]}), 409, "callback-refused:not_deferred")


def test_a_deferred_call_is_shown_with_its_expiry(outside: Outside) -> None:
    row = outside.api.client.get(f"/v1/runs/{RUN}", headers=outside.api.as_("ana")).json()
    (waits,) = row["waits_for"]
    assert (waits["kind"], waits["status"]) == ("call", "deferred")
    assert waits["callback_expires_at"].endswith("Z")
