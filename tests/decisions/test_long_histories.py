"""What a step costs however long the history is, and what an interruption in the middle of one does."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from penstock.streams.decider import Happened
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.state import RunState
from penstock.streams.runs.watching import Blocked

from .acts import completes
from .cases import application
from .living import Live, reads_on

TraceFunction = Callable[[FrameType, str, Any], Any]


def calls_made(act: Callable[[], object]) -> int:
    """How many functions an act calls, Python's and C's."""
    made = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return made


def test_a_step_of_a_long_history_costs_what_a_step_of_a_short_one_does() -> None:
    run = Live().begin().read(10)
    early = calls_made(lambda: run.read(50))
    table, items = run.state.calls._table, run.state.history._items
    run.read(2_000)
    late = calls_made(lambda: run.read(50))
    assert late <= early * 1.05
    assert run.state.calls._table is table, "the table of calls was copied"
    assert run.state.history._items is items, "the history was copied"


def test_a_takeover_costs_in_proportion_to_its_history() -> None:
    run = Live().begin().read(200)
    shorter = run.state
    run.read(200)

    def resume(state: RunState) -> int:
        taken = Live(RunDecider(application(reads_on)))
        taken.state = state
        return calls_made(taken.read)

    assert resume(run.state) <= resume(shorter) * 2.1


class Interrupting:
    """A watchdog that loses its patience at the nth line of the code that folds, as a signal between two lines."""

    def __init__(self, at: int) -> None:
        self.left = at

    @contextmanager
    def __call__(self, run_id: str) -> Iterator[None]:
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(None)

    def _call(self, frame: FrameType, event: str, _: object) -> TraceFunction | None:
        name = frame.f_code.co_filename.rpartition("/")[2]
        return self._line if name.startswith(("versions", "fold", "consequences")) else None

    def _line(self, frame: FrameType, event: str, _: object) -> TraceFunction:
        self.left -= event == "line"
        if self.left == 0:
            sys.settrace(None)
            raise Blocked("in the middle of it")
        return self._line


def test_an_interruption_in_the_middle_of_a_fold_changes_no_version_and_no_history() -> None:
    usual = Live().begin().read(2)
    events_usual = len(usual.after(usual.given(completes(1, "tell"))).steps)
    interrupted = 0
    for at in range(1, 200):
        run = Live().begin().read(2)
        before, given = repr(run.state), run.given(completes(1, "tell"))
        watchdog = Interrupting(at)
        decider = RunDecider(application(reads_on), watchdog)
        decided = decider.decide_folded(run.state, given, run.state.seq, given.time_ms)
        interrupted += watchdog.left <= 0
        folded = run.state
        for seq, body in enumerate(decided.events, start=run.state.seq + 1):
            folded = decider.evolve(folded, Happened(body, seq, given.time_ms))
        assert decided.state == folded, f"interrupted at {at}"
        assert repr(run.state) == before, f"interrupted at {at}"
        assert len(run.after(given).steps) == events_usual, f"interrupted at {at}"
    assert 20 < interrupted < 199, "it began too late, or the range is too short"
