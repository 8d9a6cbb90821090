"""Each view on made-up histories, through the applier, on real Postgres."""

from typing import Any

import psycopg
import pytest
from psycopg.rows import TupleRow, dict_row

from penstock.audit import reading
from penstock.audit.applier import Applier, catch_up
from penstock.producers.memory import MemoryLog
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.envelope.records import Failure
from penstock.schemas.log.records import InputDiscarded, InputParked, InputRefused, InputReleased
from penstock.schemas.run import records as runs
from penstock.schemas.topics import RUN_EVENTS
from tests.views.histories import (
    START_MS,
    Historian,
    approval_of,
    asked,
    call_of,
    case_review,
    completed,
    failed,
    grant_of,
    granted,
    lease_started,
    migrated,
    new_run,
    requested,
    started,
)

Views = psycopg.Connection[TupleRow]
RUN_ID = new_run()
DOUBT = runs.ToolCallInDoubt(call_id=call_of(RUN_ID, 1), attempt=1, lease_id="l", reason="worker died")
PARKED = InputParked(
    input_id="p1", input_type="CastVote", input_value=b"\x00", error=Failure(kind="k", message="m")
)
STALLED = runs.RunStalled(kind="nondeterminism", detail="- a\n+ b", code_hash="d" * 64)
ENDING = runs.RunEnding(outcome="cancelled", reason="requested", detail="withdrawn")
DONE = runs.RunCompleted(result=json_payload({"decision": "refund"}))


def rows(views: Views, view: str) -> list[dict[str, Any]]:
    with views.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(f"SELECT * FROM views.{view} ORDER BY last_seq".encode()).fetchall()


def project(views: Views, *bodies: EventBody) -> dict[str, Any]:
    """The row of a run with this history."""
    log = MemoryLog({RUN_EVENTS: 2})
    Historian(log).write(RUN_ID, *bodies)
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS])
    (row,) = rows(views, "run")
    return row


UNSAFE = requested(RUN_ID, 1, effect="unsafe")


@pytest.mark.parametrize(
    ("status", "bodies"),
    [
        ("refused", [InputRefused(input_type="StartRun", reason="unsigned")]),
        ("parked", [PARKED]),
        ("running", [started()]),
        ("running", [InputRefused(input_type="CancelRun", reason="unknown_run"), started()]),
        ("waiting_approval", [started(), asked(RUN_ID, 1)]),
        ("running", [started(), asked(RUN_ID, 1), granted(RUN_ID, 1)]),
        ("waiting_approval", [started(), asked(RUN_ID, 1), asked(RUN_ID, 2), granted(RUN_ID, 1)]),
        ("running", [started(), granted(RUN_ID, 1, rule="notices")]),
        ("in_doubt", [started(), UNSAFE, lease_started(RUN_ID, 1), DOUBT]),
        ("in_doubt", [started(), asked(RUN_ID, 2), UNSAFE, lease_started(RUN_ID, 1), DOUBT]),
        ("running", [started(), UNSAFE, lease_started(RUN_ID, 1), DOUBT, completed(RUN_ID, 1)]),
        ("stalled", [started(), STALLED]),
        ("running", [started(), STALLED, runs.RunResumed(code_hash="e" * 64)]),
        ("running", [started(), STALLED, migrated(2)]),
        ("parked", [started(), PARKED]),
        ("parked", [started(), STALLED, PARKED]),
        ("running", [started(), PARKED, InputReleased(parked_input_id="p1")]),
        ("running", [started(), PARKED, InputDiscarded(parked_input_id="p1", reason="r")]),
        ("ending", [started(), ENDING]),
        ("ending", [started(), asked(RUN_ID, 1), ENDING]),
        ("in_doubt", [started(), UNSAFE, lease_started(RUN_ID, 1), ENDING, DOUBT]),
        ("cancelled", [started(), ENDING, runs.RunCancelled(reason="withdrawn")]),
        ("failed", [started(), failed()]),
        ("completed", [started(), DONE]),
        ("completed", [started(), DONE, PARKED]),
    ],
)  # fmt: skip
def test_a_runs_status_says_first_what_somebody_must_do(
    views: Views, status: str, bodies: list[EventBody]
) -> None:
    assert project(views, *bodies)["status"] == status


def test_a_run_is_pinned_by_its_start_and_ended_by_its_end(views: Views) -> None:
    row = project(views, started(requester="ana"), DONE)
    assert (row["workflow"], row["workflow_version"], row["requester"]) == ("case-review", 1, "ana")
    assert (row["input"], row["result"]) == ({"case_id": "case-7"}, {"decision": "refund"})
    assert (row["started_at_ms"], row["ended_at_ms"]) == (START_MS + 1, START_MS + 2)
    assert (row["last_seq"], row["body_sha256"]) == (2, "b" * 64)


@pytest.mark.parametrize(
    ("bodies", "error"),
    [
        ([started(), failed()], {"kind": "CaseClosed", "message": "the case is closed"}),
        ([started(), ENDING], {"kind": "requested", "message": "withdrawn"}),
        ([started(), STALLED], {"kind": "nondeterminism", "message": "- a\n+ b"}),
        ([started(), STALLED, runs.RunResumed(code_hash="e")], None),
        ([started(), STALLED, migrated(2)], None),
        ([started(), PARKED, InputReleased(parked_input_id="p1")], None),
        ([started(), failed(), PARKED, InputReleased(parked_input_id="p1")],
         {"kind": "CaseClosed", "message": "the case is closed"}),
        ([InputRefused(input_type="StartRun", reason="unsigned")], {"kind": "unsigned", "message": ""}),
        ([InputRefused(input_type="StartRun", reason="unsigned"), started()], None),
        ([started(), InputRefused(input_type="CastVote", reason="unsigned")], None),
    ],
)  # fmt: skip
def test_a_runs_error_is_that_of_what_holds_or_ended_it(
    views: Views, bodies: list[EventBody], error: dict[str, str] | None
) -> None:
    assert project(views, *bodies)["error"] == error


def test_a_stranger_who_is_refused_gives_a_run_no_tenant(views: Views) -> None:
    log = MemoryLog({RUN_EVENTS: 2})
    stranger = Historian(log, tenant="elsewhere")
    stranger.write(RUN_ID, InputRefused(input_type="CancelRun", reason="unknown_run"))
    owner = Historian(log, tenant="local", seqs=stranger.seqs)
    owner.write(RUN_ID, started())
    Historian(log, tenant="elsewhere", seqs=owner.seqs).write(
        RUN_ID, InputRefused(input_type="CancelRun", reason="other_tenant")
    )
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS])
    (row,) = rows(views, "run")
    assert (row["tenant"], row["status"], row["last_seq"]) == ("local", "running", 3)


def test_a_call_shows_its_last_attempt(views: Views) -> None:
    failure = runs.ToolCallFailed(
        call_id=call_of(RUN_ID, 1), attempt=1, error=Failure(kind="timeout", message="10 s"), final=False
    )
    project(views, started(), requested(RUN_ID, 1), failure, requested(RUN_ID, 1, attempt=2))
    (row,) = rows(views, "tool_call")
    assert (row["status"], row["attempt"], row["error"], row["settled_at_ms"]) == ("requested", 2, None, None)


def test_an_unsafe_call_shows_its_lease_its_grant_and_its_answer(views: Views) -> None:
    project(views, *case_review(RUN_ID))
    row = next(each for each in rows(views, "tool_call") if each["step"] == 5)
    assert (row["status"], row["effect"], row["settled_by"]) == ("completed", "unsafe", "worker")
    assert (row["lease_id"], row["worker"]) == ("lease-5-1", "tools-1")
    assert row["grant_id"] == grant_of(RUN_ID, 4)
    assert row["requested_at_ms"] < row["started_at_ms"] < row["settled_at_ms"]


def test_calls_and_questions_that_an_end_leaves_open_are_closed(views: Views) -> None:
    project(views, started(), requested(RUN_ID, 1), asked(RUN_ID, 2), failed())
    assert [row["status"] for row in rows(views, "tool_call")] == ["abandoned"]
    assert [row["status"] for row in rows(views, "approval")] == ["closed"]


def test_late_answers_are_counted_and_change_nothing_else(views: Views) -> None:
    late = runs.LateAnswer(call_id=call_of(RUN_ID, 1), attempt=1, input_type="CompleteToolCall")
    project(views, started(), requested(RUN_ID, 1), completed(RUN_ID, 1), late, late)
    (row,) = rows(views, "tool_call")
    assert (row["late_answers"], row["status"]) == (2, "completed")


def test_an_approval_shows_question_answer_and_what_spent_it(views: Views) -> None:
    project(views, *case_review(RUN_ID))
    (row,) = rows(views, "approval")
    assert (row["status"], row["decided_by"], row["requester"]) == ("granted", ["sam"], "ana")
    assert row["arguments"] == {"case_id": "case-7", "status": "refund"}
    assert row["args_sha256"] == asked(RUN_ID, 4).arguments.sha256
    assert (row["grant_id"], row["spent_by"]) == (grant_of(RUN_ID, 4), call_of(RUN_ID, 5))


def test_a_grant_is_spent_by_the_first_request_only(views: Views) -> None:
    grant = grant_of(RUN_ID, 1)
    project(
        views,
        started(),
        asked(RUN_ID, 1),
        granted(RUN_ID, 1),
        requested(RUN_ID, 2, grant_id=grant),
        requested(RUN_ID, 3, grant_id=grant),
    )
    assert [row["spent_by"] for row in rows(views, "approval")] == [call_of(RUN_ID, 2)]


@pytest.mark.parametrize(
    ("body", "status", "by"),
    [
        (runs.ApprovalRefused(approval_id=approval_of(RUN_ID, 1), refused_by="sam", reason="no"), "refused", ["sam"]),
        (runs.ApprovalExpired(approval_id=approval_of(RUN_ID, 1)), "expired", []),
        (runs.VoteRefused(approval_id=approval_of(RUN_ID, 1), voter="ana", reason="own_request"), "waiting", []),
    ],
)  # fmt: skip
def test_an_approval_ends_as_the_run_said(views: Views, body: EventBody, status: str, by: list[str]) -> None:
    project(views, started(), asked(RUN_ID, 1), body)
    (row,) = rows(views, "approval")
    assert (row["status"], row["decided_by"]) == (status, by)


def test_votes_of_a_quorum_are_shown_before_it_is_reached(views: Views) -> None:
    approval_id = approval_of(RUN_ID, 1)
    first = runs.VoteCounted(approval_id=approval_id, voter="sam", votes=1, quorum=2)
    project(views, started(), asked(RUN_ID, 1), first)
    (row,) = rows(views, "approval")
    assert (row["status"], row["voters"], row["decided_by"]) == ("waiting", ["sam"], [])
    (waiting,) = reading.waiting_approvals(views)
    assert waiting.voters == ["sam"]


def test_a_runs_priority_and_signals_are_shown(views: Views) -> None:
    said = runs.SignalReceived(name="documents", signal_id="s1", payload=json_payload({"pages": 3}))
    row = project(views, started(priority=7), said)
    assert (row["priority"], row["last_seq"], row["status"]) == (7, 2, "running")
    line = reading.trail(views, RUN_ID)[-1]
    assert (line.type, line.event["name"], line.event["payload"]["content"]) == (
        "SignalReceived",
        "documents",
        {"pages": 3},
    )


def test_every_event_is_shown_with_its_place_cause_and_actor(views: Views) -> None:
    project(views, started(), DONE)
    with views.cursor(row_factory=dict_row) as cursor:
        first, last = cursor.execute("SELECT * FROM views.run_event ORDER BY seq").fetchall()
    assert (first["seq"], first["type"], first["offset"], last["offset"]) == (1, "RunStarted", 0, 1)
    assert first["actor"] == {"kind": "person", "subject": "ana", "roles": ["analyst"]}
    assert (first["cause_topic"], first["cause_index"], first["cause_count"]) == ("penstock.run.inbox", 0, 1)
    assert first["event"]["input"]["content"] == {"case_id": "case-7"}
    assert last["event"]["result"]["sha256"] == DONE.result.sha256
