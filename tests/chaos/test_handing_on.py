"""Questions that are handed on, with the real workers: the wrong person's vote, and an escalation by log time."""

import signal
from typing import Any

import pytest

from penstock.audit import reading
from penstock.producers.runs import RunClient
from penstock.runtime.postgres import connect
from penstock.schemas.envelope.records import Actor
from tests.chaos.stack import TENANT, Stack
from tests.integration.processes import eventually

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(180)]


def speaker(stack: Stack, subject: str, *roles: str) -> RunClient:
    """A person, through the API."""
    return RunClient(stack.api, TENANT, Actor(kind="person", subject=subject, roles=roles))


def question(stack: Stack, run_id: str) -> reading.WaitingApproval:
    """The run's open question, once the views have it."""
    found: list[reading.WaitingApproval] = []

    def asked() -> bool:
        with connect(stack.database_url) as views:
            found[:] = [each for each in reading.waiting_approvals(views, TENANT) if each.run_id == run_id]
        return bool(found)

    eventually(asked, 60, stack.children.tails)
    return found[0]


def event(stack: Stack, run_id: str, kind: str) -> dict[str, Any]:
    """The run's first event of that kind, once the views have it."""
    found: list[dict[str, Any]] = []

    def happened() -> bool:
        with connect(stack.database_url) as views:
            trail = reading.trail(views, run_id)
        found[:] = [dict(line.event) for line in trail if line.type == kind]
        return bool(found)

    eventually(happened, 60, stack.children.tails)
    return found[0]


def test_a_delegated_question_is_decided_by_the_delegate_and_by_nobody_else(stack: Stack) -> None:
    (run_id,) = stack.publish(1)
    asked = question(stack, run_id)
    stack.sam.delegate(run_id, asked.approval_id, "pat", "on leave").wait(30)
    assert event(stack, run_id, "ApprovalDelegated")["delegate"] == "pat"
    vote = (run_id, asked.approval_id, "grant", asked.args_sha256)
    speaker(stack, "quinn", "analyst").vote(*vote).wait(30)  # type: ignore[arg-type]
    assert event(stack, run_id, "VoteRefused")["reason"] == "wrong_role"
    speaker(stack, "pat", "analyst").vote(*vote).wait(30)  # type: ignore[arg-type]
    granted = event(stack, run_id, "ApprovalGranted")
    assert (granted["granted_by"], granted["delegated_by"]) == (["pat"], ["sam"])
    stack.finish()


def test_a_question_that_nobody_decides_goes_to_the_chief_by_log_time_through_a_kill(stack: Stack) -> None:
    started = stack.app.start("urgent-order", {"number": 9000, "amount": 7}, "urgent-9000")
    started.wait(30)
    run_id = started.run_id
    stack.receipts.append(run_id)
    asked = question(stack, run_id)
    stack.children.signal("timers", signal.SIGKILL)
    stack.children.signal("runs", signal.SIGKILL)
    escalated = event(stack, run_id, "ApprovalEscalated")
    assert (escalated["by_time"], escalated["from_role"], escalated["role"]) == (True, "supervisor", "chief")
    vote = (run_id, asked.approval_id, "grant", asked.args_sha256)
    stack.sam.vote(*vote).wait(30)  # type: ignore[arg-type]
    assert event(stack, run_id, "VoteRefused")["reason"] == "wrong_role"
    speaker(stack, "chloe", "chief").vote(*vote).wait(30)  # type: ignore[arg-type]
    assert event(stack, run_id, "ApprovalGranted")["role"] == "chief"
    stack.finish()
