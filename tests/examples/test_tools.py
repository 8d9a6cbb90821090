"""The tools by themselves: what they decline, what the reconciler answers, what the rule releases."""

from pathlib import Path

import pytest
from tests.examples.reviewing import Workers, call

from penstock.declare.call import Happened, NeverWill
from penstock.declare.errors import Declined, NotDone
from penstock.examples.casework import tools
from penstock.examples.casework.app import application
from penstock.examples.casework.database import PoolTimeout
from penstock.examples.casework.desk import Desk, desk
from penstock.examples.casework.drafter import questions
from penstock.examples.casework.recommendation import Draft
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
from penstock.examples.casework.workflow import case_review
from penstock.runtime.errors import NotConfigured


def test_the_journal_tells_the_reconciler_what_became_of_an_update(workers: Workers) -> None:
    arguments = update_arguments(workers.desk, "C-1001")
    done = update_case_status.function(call("key-1"), **arguments)
    assert isinstance(done, CaseUpdated)
    assert (done.outcome, done.amount_cents) == ("provisional_credit", 18_420)
    assert [done.nonce] == [execution.nonce for execution in workers.desk.store.executions("key-1")]
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


def update_arguments(desk: Desk, case_id: str) -> dict[str, object]:
    facts = desk.store.read(case_id)
    update = desk.drafter.draft(facts, desk.policy.search(questions(facts), 12)).update
    return update_case_status.decode_arguments(update_case_status.encode_arguments(update))


def test_without_a_database_the_desk_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("PENSTOCK_HOME", str(tmp_path))
    with pytest.raises(NotConfigured, match="penstock up"):
        desk()


def test_a_process_has_one_desk(seeded_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", seeded_url)
    found = desk()
    try:
        assert desk() is found
        assert found.store.read("C-1001").case_id == "C-1001"
    finally:
        found.connections.close()
        desk.cache_clear()
