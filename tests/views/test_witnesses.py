"""Each witness can convict: what is lost, unfinished, repeated, unasked, ungranted, unstarted, or shown wrongly."""

from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit.applier import Applier, catch_up
from penstock.audit.reading import calls_in_doubt, counts, dead_letters, run, runs, trail, waiting_approvals
from penstock.audit.witnesses import Execution, Verdict, verdict
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.run.records import ToolCallInDoubt, ToolCallRequested, ToolCallStarted
from penstock.schemas.topics import RUN_EVENTS, RUN_INBOX, RUNS_GROUP, dead_letter_topic
from tests.views.histories import (
    Historian,
    asked,
    call_of,
    case_review,
    lease_started,
    new_run,
    requested,
    started,
)

Views = psycopg.Connection[TupleRow]
RUN_ID = new_run()
UPDATE = call_of(RUN_ID, 5)
LONG_AFTER = 4_000_000_000_000


def judge(
    views: Views,
    log: MemoryLog,
    bodies: tuple[EventBody, ...],
    executions: list[Execution],
    receipts: list[str],
) -> Verdict:
    Historian(log).write(RUN_ID, *bodies)
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS])
    return verdict(views, log, receipts, executions)


def kinds(found: Verdict) -> list[str]:
    return [finding.kind for finding in found.findings]


def test_three_witnesses_agree_on_a_case_review(views: Views, log: MemoryLog) -> None:
    found = judge(views, log, case_review(RUN_ID), [Execution(UPDATE, "n1", LONG_AFTER)], [RUN_ID])
    assert found.agreed, found.findings
    assert (found.receipts, found.ended, found.executions, found.rows_compared) == (1, 1, 1, 23)


def test_an_acknowledged_run_without_events_is_lost(views: Views, log: MemoryLog) -> None:
    found = judge(views, log, case_review(RUN_ID), [], [RUN_ID, new_run()])
    assert kinds(found) == ["lost"]
    assert not found.agreed


def test_an_acknowledged_run_among_the_dead_letters_is_accounted_for(views: Views, log: MemoryLog) -> None:
    dead = new_run()
    log.append([Outgoing(dead_letter_topic(RUN_INBOX, RUNS_GROUP), dead.encode(), b"", ())])
    assert judge(views, log, case_review(RUN_ID), [], [RUN_ID, dead]).agreed


def test_a_run_that_just_stands_still_is_unfinished(views: Views, log: MemoryLog) -> None:
    assert kinds(judge(views, log, case_review(RUN_ID)[:4], [], [RUN_ID])) == ["unfinished"]


def test_a_run_that_waits_for_a_person_is_an_open_question(views: Views, log: MemoryLog) -> None:
    found = judge(views, log, (started(), asked(RUN_ID, 1)), [], [RUN_ID])
    assert found.agreed
    assert (found.ended, found.open_questions) == (0, 1)


def test_a_key_that_was_executed_twice_is_repeated(views: Views, log: MemoryLog) -> None:
    twice = [Execution(UPDATE, "n1", LONG_AFTER), Execution(UPDATE, "n2", LONG_AFTER)]
    assert kinds(judge(views, log, case_review(RUN_ID), twice, [RUN_ID])) == ["repeated"]


def test_an_execution_that_no_run_requested_is_unasked(views: Views, log: MemoryLog) -> None:
    stray = [Execution(new_run(), "n1", LONG_AFTER)]
    assert kinds(judge(views, log, case_review(RUN_ID), stray, [RUN_ID])) == ["unasked"]


def without(kind: type[EventBody]) -> tuple[EventBody, ...]:
    return tuple(body for body in case_review(RUN_ID) if not isinstance(body, kind))


def test_an_execution_that_was_never_started_is_unstarted(views: Views, log: MemoryLog) -> None:
    found = judge(views, log, without(ToolCallStarted), [Execution(UPDATE, "n1", LONG_AFTER)], [RUN_ID])
    assert kinds(found) == ["unstarted"]


def test_an_execution_before_its_start_is_unstarted(views: Views, log: MemoryLog) -> None:
    found = judge(views, log, case_review(RUN_ID), [Execution(UPDATE, "n1", 5)], [RUN_ID])
    assert kinds(found) == ["unstarted"]


@pytest.mark.parametrize("grant_id", [None, "another"])
def test_an_execution_without_its_grant_is_ungranted(
    views: Views, log: MemoryLog, grant_id: str | None
) -> None:
    bodies = tuple(
        replace(body, grant_id=grant_id) if isinstance(body, ToolCallRequested) and body.step == 5 else body
        for body in case_review(RUN_ID)
    )
    found = judge(views, log, bodies, [Execution(UPDATE, "n1", LONG_AFTER)], [RUN_ID])
    assert kinds(found) == ["ungranted"]


def test_a_grant_for_other_arguments_is_no_grant(views: Views, log: MemoryLog) -> None:
    # step 5 of the history below asks with the arguments of step 7, which nobody approved
    other = requested(RUN_ID, 7, tool="update_case_status", effect="unsafe").arguments
    bodies = tuple(
        replace(body, arguments=other) if isinstance(body, ToolCallRequested) and body.step == 5 else body
        for body in case_review(RUN_ID)
    )
    found = judge(views, log, bodies, [Execution(UPDATE, "n1", LONG_AFTER)], [RUN_ID])
    assert kinds(found) == ["ungranted"]


def test_views_that_differ_from_the_log_are_found(views: Views, log: MemoryLog) -> None:
    Historian(log).write(RUN_ID, *case_review(RUN_ID))
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS])
    views.execute("UPDATE views.tool_call SET status = 'failed' WHERE step = 2")
    assert kinds(verdict(views, log, [RUN_ID], [])) == ["view"]


def test_views_that_are_behind_are_found(views: Views, log: MemoryLog) -> None:
    Historian(log).write(RUN_ID, *case_review(RUN_ID))
    assert kinds(verdict(views, log, [RUN_ID], [])) == ["view"]


def test_the_log_is_heard_whole_where_the_views_are_half_way(views: Views, log: MemoryLog) -> None:
    historian, bodies = Historian(log), case_review(RUN_ID)
    historian.write(RUN_ID, *bodies[:9])
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS])
    historian.write(RUN_ID, *bodies[9:])
    found = verdict(views, log, [RUN_ID], [Execution(UPDATE, "n1", LONG_AFTER)])
    assert [(each.kind, each.detail) for each in found.findings] == [
        ("view", "the views are 7 records behind")
    ]
    assert found.ended == 1


def test_a_person_reads_trail_questions_and_counts(views: Views, log: MemoryLog) -> None:
    historian = Historian(log)
    doubtful, elsewhere = new_run(), new_run()
    doubt = ToolCallInDoubt(call_id=call_of(doubtful, 1), attempt=1, lease_id="l", reason="died")
    historian.write(RUN_ID, *case_review(RUN_ID)[:9])
    historian.write(
        doubtful, started(), requested(doubtful, 1, effect="unsafe"), lease_started(doubtful, 1), doubt
    )
    Historian(log, tenant="elsewhere").write(elsewhere, started(), asked(elsewhere, 1))
    catch_up(Applier(views, pinned_codec()), log, [RUN_EVENTS])
    lines = trail(views, RUN_ID)
    assert [line.seq for line in lines] == list(range(1, 10))
    assert (lines[0].type, lines[0].actor["subject"], lines[0].event["workflow"]) == (
        "RunStarted",
        "ana",
        "case-review",
    )
    assert [line.seq for line in trail(views, RUN_ID, 8)] == [8, 9]
    (question,) = waiting_approvals(views, "local")
    assert (question.run_id, question.role, question.requester) == (RUN_ID, "supervisor", "ana")
    assert len(waiting_approvals(views)) == 2
    (call,) = calls_in_doubt(views, "local")
    assert (call.call_id, call.attempt, call.error) == (
        call_of(doubtful, 1),
        1,
        {"kind": "in_doubt", "message": "died"},
    )
    assert counts(views, "local") == {"waiting_approval": 1, "in_doubt": 1}
    assert counts(views) == {"waiting_approval": 2, "in_doubt": 1}
    assert dead_letters(views) == 0
    one = run(views, RUN_ID)
    assert one is not None
    assert one.status == "waiting_approval"
    assert run(views, new_run()) is None
    assert {each.run_id for each in runs(views, "local")} == {RUN_ID, doubtful}
