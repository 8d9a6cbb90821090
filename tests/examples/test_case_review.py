"""The case review with the real decider and the real tools on a real Postgres; only time is made up."""

from functools import partial
from pathlib import Path

import pytest
from tests.examples.reviewing import Workers, decline, lose_the_answer

from penstock.examples.casework.app import application
from penstock.examples.casework.policy import MANUAL, load_policy
from penstock.examples.casework.recommendation import Recommendation
from penstock.examples.casework.workflow import CaseClosed
from penstock.runtime.postgres import connect
from penstock.schemas.run.records import (
    ApprovalGranted,
    ApprovalRequested,
    RunFailed,
    ToolCallRefused,
    ToolCallRequested,
)
from penstock.streams.runs.testing import World

ANALYST = ("analyst",)


def review(workers: Workers, case_id: str) -> World:
    answers = {tool.name: partial(workers.serve, tool.name) for tool in application.tools}
    world = World(application, answers)
    world.start("case-review", {"case_id": case_id}, requester="ana", roles=ANALYST)
    return world


def recommendation(world: World) -> Recommendation:
    return Recommendation.model_validate(world.result)


def roles_asked(world: World) -> list[str]:
    return [event.role for event in world.events if isinstance(event, ApprovalRequested)]


def test_a_granted_review_updates_the_case_and_writes_to_the_consumer(workers: Workers) -> None:
    world = review(workers, "C-1001")
    world.play()
    done = recommendation(world)
    assert (done.action, done.notice) == ("updated", "sent")
    assert done.draft.outcome == "provisional_credit"
    assert done.draft.citations == ("dp-1-2", "dp-3-1")
    assert workers.desk.store.read("C-1001").status == "provisionally_credited"
    assert len(workers.made("update_case_status")) == len(workers.made("notify_consumer")) == 1
    assert roles_asked(world) == ["analyst"]


def test_the_steps_are_those_of_the_design(workers: Workers) -> None:
    world = review(workers, "C-1001")
    world.play()
    requested = [event.tool for event in world.events if isinstance(event, ToolCallRequested)]
    assert requested == [
        "read_case",
        "retrieve:policy",
        "model:recommendation",
        "update_case_status",
        "notify_consumer",
    ]


def test_nothing_is_written_before_a_person_grants_it(workers: Workers) -> None:
    world = review(workers, "C-1001")
    world.play(vote=None)
    assert [question.role for question in world.questions] == ["analyst"]
    assert [name for name, _ in workers.keys] == ["read_case", "retrieve:policy", "model:recommendation"]
    assert workers.desk.store.read("C-1001").status == "open"


def test_who_started_the_review_cannot_grant_it(workers: Workers) -> None:
    world = review(workers, "C-1001")
    world.play(vote=None)
    assert not world.vote("grant", voter="ana", roles=("analyst", "supervisor"))
    assert world.vote("grant", voter="ben", roles=ANALYST)


@pytest.mark.parametrize("case_id", ["C-1022", "C-1024", "C-1029", "C-1030"])
def test_a_high_risk_case_needs_a_supervisor(workers: Workers, case_id: str) -> None:
    world = review(workers, case_id)
    world.play(vote=None)
    assert not world.vote("grant", voter="ben", roles=ANALYST)
    assert world.vote("grant", voter="sam", roles=("supervisor",))
    world.play()
    assert recommendation(world).action == "updated"


def test_the_hostile_case_is_credited_with_what_the_form_says(workers: Workers) -> None:
    world = review(workers, "C-1029")
    world.play()
    (key,) = workers.made("update_case_status")
    (execution,) = workers.desk.store.executions(key)
    assert execution.arguments["amount_cents"] == 7_500
    assert execution.arguments["outcome"] == "provisional_credit"


def test_a_refused_review_ends_without_an_update_or_a_letter(workers: Workers) -> None:
    world = review(workers, "C-1001")
    world.play(vote="refuse")
    done = recommendation(world)
    assert (done.action, done.notice) == ("refused", "not_due")
    assert workers.made("update_case_status") == workers.made("notify_consumer") == []
    assert workers.desk.store.read("C-1001").status == "open"


def test_a_review_that_nobody_answers_expires(workers: Workers) -> None:
    world = review(workers, "C-1001")
    world.play(vote=None)
    expire_question(world)
    world.play(vote=None)
    assert recommendation(world).action == "expired"
    assert workers.made("update_case_status") == []


def test_a_refusal_letter_is_released_by_a_person(workers: Workers) -> None:
    world = review(workers, "C-1014")
    world.play()
    assert recommendation(world).notice == "sent"
    assert roles_asked(world) == ["analyst", "analyst"]
    grants = [event for event in world.events if isinstance(event, ApprovalGranted)]
    assert len(grants) == 2


def test_a_refusal_letter_can_be_held_back_after_the_update(workers: Workers) -> None:
    world = review(workers, "C-1014")
    while not workers.made("update_case_status"):
        assert world.work() or world.vote("grant")
    world.play(vote="refuse")
    done = recommendation(world)
    assert (done.action, done.notice) == ("updated", "withheld")
    assert workers.made("notify_consumer") == []


def test_a_grant_that_went_void_is_asked_for_again_once(workers: Workers) -> None:
    world = review(workers, "C-1001")
    world.play(vote=None)
    world.vote("grant")
    # The call is requested and not yet started when the grant's two days are over.
    expire_grant(world)
    world.work()
    assert any(isinstance(event, ToolCallRefused) for event in world.events)
    world.play()
    assert recommendation(world).action == "updated"
    assert roles_asked(world) == ["analyst", "analyst"]
    assert len(workers.made("update_case_status")) == 1


def test_a_policy_that_changed_while_a_person_thought_is_looked_up_again(
    workers: Workers, seeded_url: str, tmp_path: Path
) -> None:
    world = review(workers, "C-1001")
    world.play(vote=None)
    for page in MANUAL.iterdir():
        (tmp_path / page.name).write_text(page.read_text().replace("[dp-3-1]", "[dp-3-1-new]"))
    with connect(seeded_url) as connection:
        version = load_policy(connection, tmp_path)
    world.play()
    done = recommendation(world)
    assert done.action == "updated"
    assert done.draft.citations == ("dp-1-2", "dp-3-1-new")
    assert done.draft.index_version == version
    assert len(workers.made("update_case_status")) == 1


def test_an_update_that_is_declined_twice_is_not_made(workers: Workers) -> None:
    workers.faults["update_case_status"] = [decline, decline]
    world = review(workers, "C-1001")
    world.play()
    done = recommendation(world)
    assert (done.action, done.notice) == ("not_updated", "not_due")
    assert roles_asked(world) == ["analyst", "analyst"]
    assert workers.made("notify_consumer") == []


def test_a_letter_that_cannot_be_sent_does_not_undo_the_update(workers: Workers) -> None:
    workers.faults["notify_consumer"] = [decline]
    world = review(workers, "C-1001")
    world.play()
    done = recommendation(world)
    assert (done.action, done.notice) == ("updated", "failed")


def test_an_update_in_doubt_that_happened_is_not_made_again(workers: Workers) -> None:
    workers.faults["update_case_status"] = [lose_the_answer]
    world = review(workers, "C-1001")
    world.play()
    arguments = {"case_id": "C-1001", "outcome": "provisional_credit", "amount_cents": 18_420}
    row = workers.desk.store.update(
        "by hand", case_id="C-1001", outcome="provisional_credit", amount_cents=18_420, arguments=arguments
    )
    copied = {**arguments, "nonce": str(row.nonce), "executed_at": row.executed_at.isoformat()}
    assert world.settle(True, copied)
    world.play()
    assert recommendation(world).action == "updated"
    assert workers.made("update_case_status") == ["by hand"]


def test_an_update_in_doubt_that_did_not_happen_is_made_once(workers: Workers) -> None:
    workers.faults["update_case_status"] = [lose_the_answer]
    world = review(workers, "C-1001")
    world.play()
    assert workers.made("update_case_status") == []
    assert world.settle(False)
    world.play()
    assert recommendation(world).action == "updated"
    assert len(workers.made("update_case_status")) == 1
    # The same grant still stands: nobody was asked again.
    assert roles_asked(world) == ["analyst"]


def test_a_closed_case_fails_the_run_by_name(workers: Workers, seeded_url: str) -> None:
    with connect(seeded_url) as connection:
        connection.execute("update casework.cases set status = 'closed' where case_id = 'C-1001'")
    world = review(workers, "C-1001")
    world.play()
    failed = world.state.terminal
    assert isinstance(failed, RunFailed)
    assert failed.error.kind == CaseClosed.__name__


def test_an_unknown_case_fails_the_run_and_does_not_stall_it(workers: Workers) -> None:
    world = review(workers, "C-9999")
    world.play()
    assert world.state.stalled is None
    failed = world.state.terminal
    assert isinstance(failed, RunFailed)
    assert "C-9999" in failed.error.message


def test_who_has_no_role_here_gets_no_review(workers: Workers) -> None:
    world = World(application, {})
    world.start("case-review", {"case_id": "C-1001"}, requester="eve", roles=())
    world.play()
    assert isinstance(world.state.terminal, RunFailed)
    assert workers.keys == []


def expire_question(world: World) -> None:
    """Two days later, the timer of the open question fires."""
    timer = next(t for t in world.state.timers.values() if not t.fired and t.purpose == "approval_expiry")
    world.time_ms = max(world.time_ms, timer.due_ms)
    world.fire(timer.timer_id)


def expire_grant(world: World) -> None:
    world.time_ms += 3 * 24 * 3_600_000
