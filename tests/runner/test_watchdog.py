"""A step that blocks the loop is interrupted and dumped; what is merely slow to be scheduled isn't."""

import time

import pytest

from penstock.streams.runs.watching import Blocked, interruption
from penstock.streams.watchdog import StepWatchdog


def spin(seconds: float) -> int:
    until, turns = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        turns += 1
    return turns


def test_a_step_that_spins_is_interrupted_and_its_stack_is_told() -> None:
    watchdog = StepWatchdog(interruption, limit_s=0.1, look_every_s=0.02)
    began = time.monotonic()
    with pytest.raises(Blocked, match="spin"), watchdog("run-1"):
        spin(30)
    assert time.monotonic() - began < 10


def test_a_step_that_returns_just_as_it_is_interrupted_hurts_nobody_else() -> None:
    watchdog = StepWatchdog(interruption, limit_s=0.1, look_every_s=0.02)
    with pytest.raises(Blocked), watchdog("run-1"):
        time.sleep(1)
    spin(0.3)


def test_quick_steps_are_left_alone() -> None:
    watchdog = StepWatchdog(interruption, limit_s=0.2, look_every_s=0.02)
    for _ in range(40):
        with watchdog("run-1"):
            spin(0.02)
    spin(0.5)
