"""The case review, decided by the real decider, with the real tools on a real Postgres; only time is made up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from penstock.declare.call import Call, Happened, NeverWill
from penstock.declare.errors import Declined, NotDone
from penstock.examples.casework import tools
from penstock.examples.casework.app import application
from penstock.examples.casework.database import PoolTimeout
from penstock.examples.casework.desk import Desk
from penstock.examples.casework.drafter import questions
from penstock.examples.casework.policy import MANUAL, load_policy
from penstock.examples.casework.recommendation import Draft, Recommendation
from penstock.examples.casework.store import CaseStore
from penstock.examples.casework.tools import (
    CaseUpdated,
    letters_that_refuse_nothing,
    look_in_journal,
    notify_consumer,
    read_case,
    recommend,
    retrieve_policy,
    update_case_status,
)
from penstock.examples.casework.workflow import CaseClosed, case_review
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


def call(call_id: str = "call-1", attempt: int = 1) -> Call:
    return Call(call_id=call_id, attempt=attempt, run_id="run-1", tenant="local", requester="ana")


@dataclass(slots=True)
class Workers:
    """Serves calls with the real tools, and keeps their keys. `faults`: what a tool does instead, once each."""

    desk: Desk
    keys: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[str, list[Callable[[], object]]] = field(default_factory=dict)

    def serve(self, name: str, **arguments: object) -> object:
        fault = self.faults.get(name)
        if fault:
            return fault.pop(0)()
        tool = application.tool(name)
        assert tool is not None
        key = uuid4().hex
        self.keys.append((name, key))
        return tool.function(call(key), **arguments)

    def made(self, name: str) -> list[str]:
        """The keys of the executions that the target's own journal knows."""
        return list(self.desk.store.execution_counts(name))


@pytest.fixture
def workers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Workers:
    monkeypatch.setattr(tools, "desk", lambda: desk)
    return Workers(desk)


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
    assert (execution.arguments["amount_cents"], execution.arguments["outcome"]) == (
        7_500,
        "provisional_credit",
    )


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


@pytest.mark.parametrize("happened", [True, False])
def test_an_update_in_doubt_is_settled_and_paid_once(workers: Workers, happened: bool) -> None:
    workers.faults["update_case_status"] = [lose_the_answer]
    world = review(workers, "C-1001")
    world.play()
    assert workers.made("update_case_status") == []
    if happened:
        workers.desk.store.update(
            "by hand", case_id="C-1001", outcome="refund", amount_cents=1, arguments={"case_id": "C-1001"}
        )
    assert world.settle(happened)
    resume(world)
    assert recommendation(world).action == "updated"
    assert len(workers.made("update_case_status")) == 1


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


def test_the_journal_tells_the_reconciler_what_became_of_an_update(workers: Workers) -> None:
    arguments = update_arguments(workers.desk, "C-1001")
    done = update_case_status.function(call("key-1"), **arguments)
    assert isinstance(done, CaseUpdated)
    assert done.status == "provisionally_credited"
    assert look_in_journal(call("key-1"), arguments) == Happened(done)


def test_an_update_that_never_happened_never_will(workers: Workers) -> None:
    arguments = update_arguments(workers.desk, "C-1001")
    assert look_in_journal(call("key-1"), arguments) == NeverWill("key_voided")
    with pytest.raises(Declined, match="voided"):
        update_case_status.function(call("key-1"), **arguments)
    # The next attempt of the same call, which the decider may now allow, is another matter.
    assert update_case_status.function(call("key-1", attempt=2), **arguments)
    assert look_in_journal(call("key-1"), arguments) != NeverWill("key_voided")


def test_an_update_drafted_on_another_policy_is_declined(workers: Workers) -> None:
    arguments = update_arguments(workers.desk, "C-1001")
    for version in ("0123456789abcdef", None):
        with pytest.raises(Declined, match="isn't the current one"):
            update_case_status.function(call("key-1"), **{**arguments, "index_version": version})
    assert workers.made("update_case_status") == []


def test_an_update_that_gets_no_connection_is_certainly_not_done(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_connection(*_: object, **__: object) -> None:
        raise PoolTimeout("no connection")

    arguments = update_arguments(workers.desk, "C-1001")
    monkeypatch.setattr(CaseStore, "update", no_connection)
    with pytest.raises(NotDone):
        update_case_status.function(call("key-1"), **arguments)


def test_the_same_letter_goes_out_once(workers: Workers) -> None:
    def send() -> object:
        return notify_consumer.function(call("n-1"), case_id="C-1001", kind="refund", letter="Dear …")

    first, second = send(), send()
    assert (getattr(first, "now", None), getattr(second, "now", None)) == (True, False)


def test_the_rule_releases_every_letter_but_a_refusal() -> None:
    released = {
        kind
        for kind in ("provisional_credit", "refund", "deny", "request_documents", "unheard_of", None)
        if letters_that_refuse_nothing.grants({"kind": kind, "case_id": "C-1", "letter": "Dear …"})
    }
    assert released == {"provisional_credit", "refund", "request_documents"}


def test_the_drafter_writes_drafts_only(workers: Workers) -> None:
    facts = workers.desk.store.read("C-1001")
    inputs = tools.DraftInputs(facts=facts, policy=())
    assert isinstance(recommend.function(call(), inputs=inputs, schema=Draft.model_json_schema()), Draft)
    with pytest.raises(Declined, match="Poem"):
        recommend.function(call(), inputs=inputs, schema={"title": "Poem"})


def test_each_tool_has_an_owner_a_description_and_roles() -> None:
    for tool in application.tools:
        assert tool.owner == "casework"
        assert tool.roles == {"analyst", "supervisor"}
        assert len(tool.function.__doc__ or "") > 40
    effects = {tool.name: tool.effect for tool in application.tools}
    assert effects == {
        read_case.name: "read",
        retrieve_policy.name: "read",
        recommend.name: "read",
        notify_consumer.name: "idempotent",
        update_case_status.name: "unsafe",
    }
    assert update_case_status.risk == "high"
    assert update_case_status.reconcile is look_in_journal
    assert application.workflow("case-review") is case_review


def decline() -> object:
    raise Declined("the store said no")


def lose_the_answer() -> object:
    raise ConnectionResetError("the worker died, or the line did")


def update_arguments(desk: Desk, case_id: str) -> dict[str, object]:
    facts = desk.store.read(case_id)
    update = desk.drafter.draft(facts, desk.policy.search(questions(facts), 12)).update
    return update_case_status.decode_arguments(update_case_status.encode_arguments(update))


def expire_question(world: World) -> None:
    """Two days later, the timer of the open question fires."""
    timer = next(t for t in world.state.timers.values() if not t.fired and t.purpose == "approval_expiry")
    world.time_ms = max(world.time_ms, timer.due_ms)
    world.fire(timer.timer_id)


def expire_grant(world: World) -> None:
    world.time_ms += 3 * 24 * 3_600_000


def resume(world: World) -> None:
    """Let time pass for a retry that waits, then go on."""
    for timer in [t for t in world.state.timers.values() if not t.fired and t.purpose == "retry"]:
        world.time_ms = max(world.time_ms, timer.due_ms)
        world.fire(timer.timer_id)
    world.play()
