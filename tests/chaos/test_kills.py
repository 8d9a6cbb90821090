"""SIGKILL at each named point, 40 runs in flight: every acknowledged request ends, no unsafe effect twice."""

import signal

import pytest

from tests.chaos.stack import Stack

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(240)]

# The witnesses judge all runs so far after each kill; the fault matrix has the larger crowds.
IN_FLIGHT = 40
KILLS = [
    ("runs", "after-receive", 5),
    ("runs", "after-commit", 5),
    ("runs", "mid-publish", 7),
    ("runs", "after-publish", 6),
    ("runs", "before-ack", 8),
    ("runs", "while-taking", 3),
    ("tools", "before-ack", 5),
    ("tools", "while-taking", 2),
    ("tools", "after-call-started", 8),
    ("tools", "after-effect", 48),
    ("tools", "after-answer", 52),
    # At its first turn: all other runs may have ended before it has started, and it reads them in one.
    ("timers", "before-ack", 1),
]


def test_runs_end_and_the_witnesses_agree(stack: Stack) -> None:
    stack.publish(IN_FLIGHT)
    verdict = stack.finish()
    assert (verdict.ended, verdict.executions) == (len(stack.receipts), len(stack.receipts))


@pytest.mark.parametrize(("role", "point", "nth"), KILLS, ids=lambda value: str(value))
def test_sigkill(stack: Stack, role: str, point: str, nth: int) -> None:
    stack.restart(role, PENSTOCK_CRASH_AT=f"{point}:{nth}")
    stack.publish(IN_FLIGHT)
    stack.wait_for_death(role, -signal.SIGKILL)
    verdict = stack.finish()
    assert verdict.ended == len(stack.receipts)
    assert verdict.executions == len(stack.receipts), "each order was paid once"


def test_a_kill_after_the_effect_leaves_a_question_and_not_a_repetition(stack: Stack) -> None:
    before = stack.doubts_settled
    stack.restart("tools", PENSTOCK_CRASH_AT="after-effect:24")
    stack.publish(IN_FLIGHT)
    stack.wait_for_death("tools", -signal.SIGKILL)
    stack.finish()
    assert stack.doubts_settled > before
