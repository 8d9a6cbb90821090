"""Runs that a person has paused, with workers that are killed: nothing begins, and nothing is lost."""

import signal

import pytest

from penstock.runtime.postgres import connect
from tests.chaos.stack import Stack
from tests.integration.processes import eventually

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]

RUNS = 8


def payments(stack: Stack, runs: list[str], status: str) -> int:
    """How many of the runs' payments have that status."""
    with connect(stack.database_url) as views:
        found = views.execute(
            "SELECT count(*) FROM views.tool_call WHERE tool = 'pay' AND status = %s AND run_id = ANY(%s)",
            (status, runs),
        ).fetchone()
    return int(found[0]) if found else 0


def paused(stack: Stack, runs: list[str]) -> None:
    for run_id in runs:
        stack.sam.pause(run_id, "the desk is being looked at").wait(30)
    stack.wait_until("paused", RUNS)


def test_a_granted_payment_of_a_paused_run_begins_after_the_pause_once(stack: Stack) -> None:
    runs = stack.publish(RUNS)
    stack.wait_until("waiting_approval", RUNS)
    before = len(stack.executions())
    stack.kept_running.discard("tools")
    stack.children.kill("tools")
    stack.drive()
    eventually(lambda: payments(stack, runs, "requested") == RUNS, 40, stack.children.tails)
    paused(stack, runs)

    stack.start("tools")
    stack.kept_running.add("tools")
    eventually(lambda: payments(stack, runs, "held") == RUNS, 60, stack.children.tails)
    stack.children.signal("runs", signal.SIGKILL)
    for run_id in runs:
        stack.sam.pause(run_id, "once more, to the next owner").wait(30)
    stack.publish(2)
    stack.wait_until("waiting_approval", 2)
    assert payments(stack, runs, "held") == RUNS, "the next owner has folded the pause, too"
    assert len(stack.executions()) == before

    for run_id in runs:
        stack.olga.go_on(run_id, "it was nothing").wait(30)
    verdict = stack.finish()
    assert verdict.executions == len(stack.receipts)


def test_votes_on_a_paused_run_count_through_a_kill_and_ask_for_nothing(stack: Stack) -> None:
    runs = stack.publish(RUNS)
    stack.wait_until("waiting_approval", RUNS)
    paused(stack, runs)
    stack.drive()
    stack.children.signal("runs", signal.SIGKILL)

    def granted() -> bool:
        with connect(stack.database_url) as views:
            asked = "SELECT count(*) FROM views.approval WHERE status = 'granted' AND run_id = ANY(%s)"
            found = views.execute(asked, (runs,)).fetchone()
        return found == (RUNS,)

    eventually(granted, 60, stack.children.tails)
    assert sum(payments(stack, runs, status) for status in ("requested", "started", "completed", "held")) == 0
    for run_id in runs:
        stack.olga.go_on(run_id).wait(30)
    verdict = stack.finish()
    assert verdict.executions == len(stack.receipts)
