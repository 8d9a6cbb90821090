"""A worker frozen until others own its partitions, then woken: nothing that it still does is seen by anyone."""

import signal
import time

import pytest

from tests.chaos.stack import Stack

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]

SESSION_S = 6


def freeze(stack: Stack, role: str) -> None:
    """SIGSTOP the worker, and have another take its partitions under another name."""
    stack.children.signal(role, signal.SIGSTOP)
    stack.start(role, f"{role}-2")


def wake(stack: Stack, role: str) -> None:
    """SIGCONT; the second worker leaves when the first has had time to do whatever it still would."""
    stack.children.signal(role, signal.SIGCONT)
    time.sleep(SESSION_S)
    second = stack.children.running.pop(f"{role}-2")
    second.terminate()
    assert second.wait(30) == 0, stack.children.tails()


def test_a_frozen_run_worker_wakes_up(stack: Stack) -> None:
    stack.publish(40, naps=1)
    stack.wait_until("waiting_approval", 10)
    stack.drive()
    freeze(stack, "runs")
    stack.finish(90)
    stack.children.signal("runs", signal.SIGCONT)
    time.sleep(2)
    stack.publish(20)
    verdict = stack.finish()
    assert verdict.executions == len(stack.receipts)
    wake(stack, "runs")


def test_a_frozen_tool_worker_wakes_up(stack: Stack) -> None:
    stack.publish(40)
    stack.wait_until("waiting_approval", 40)
    stack.holders_are_dead = False
    try:
        stack.drive()
        time.sleep(0.3)
        freeze(stack, "tools")
        until = time.monotonic() + 4 * SESSION_S
        while time.monotonic() < until:
            stack.drive()
            time.sleep(0.5)
        wake(stack, "tools")
    finally:
        # The woken worker has had its time: what it had not begun under its expired lease, it never begins.
        stack.holders_are_dead = True
    verdict = stack.finish()
    assert verdict.executions == len(stack.receipts)
