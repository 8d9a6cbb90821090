"""Live executions: a workflow's coroutine kept from one decision to the next, so that it needn't be replayed.

It is only a shorter way to the same: an execution is used for exactly the state object that it was kept for. After
anything else (a batch that was rolled back, an input that was parked, a history that was loaded anew, the second
try of a decision) the state is another object, and the run is replayed from its history.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from penstock.schemas.frozen import quick
from penstock.streams.runs.loop import Stall
from penstock.streams.runs.replay import Execution
from penstock.streams.runs.state import RunState
from penstock.streams.runs.watching import Watchdog

LIVE_RUNS_MAX: Final = 20_000
# Of results that they were told, encoded; what the workflows made of them takes a few times as much.
LIVE_BYTES_MAX: Final = 64 * 1024 * 1024


@quick
@dataclass(frozen=True, slots=True)
class _Kept:
    """An execution, the state that it is of, and how many bytes it was told by then."""

    state: RunState
    execution: Execution
    told_bytes: int


class LiveExecutions:
    """Executions by run, the longest unused first to go. Whoever takes one out owns it, and keeps it or closes it."""

    def __init__(
        self, watchdog: Watchdog, runs_max: int = LIVE_RUNS_MAX, bytes_max: int = LIVE_BYTES_MAX
    ) -> None:
        self._watchdog = watchdog
        self._runs_max = runs_max
        self._bytes_max = bytes_max
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._told_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, state: RunState) -> Execution | None:
        """The execution of exactly this state, if it is alive. Another one of the same run is given up."""
        kept = self._kept.pop(state.run_id, None)
        if kept is None:
            return None
        self._told_bytes -= kept.told_bytes
        if kept.state is state:
            return kept.execution
        self.give_up(state.run_id, kept.execution)
        return None

    def keep(self, state: RunState, execution: Execution | None) -> None:
        """Have it ready for the next decision about this state, unless nothing more will be asked of it."""
        if execution is None:
            return
        if not self._runs_max or state.terminal or state.ending or state.stalled:
            self.give_up(state.run_id, execution)
            return
        self._kept[state.run_id] = _Kept(state, execution, execution.told_bytes)
        self._told_bytes += execution.told_bytes
        while len(self._kept) > self._runs_max or self._told_bytes > self._bytes_max:
            run_id, oldest = self._kept.popitem(last=False)
            self._told_bytes -= oldest.told_bytes
            self.give_up(run_id, oldest.execution)

    def give_up(self, run_id: str, execution: Execution | None) -> None:
        """Close it, under the watchdog: its `finally` blocks run. What they do or block for counts for nothing."""
        if execution is None:
            return
        try:
            with self._watchdog(run_id):
                execution.close()
        except Stall:
            return

    def clear(self) -> None:
        """Give up all of them."""
        while self._kept:
            run_id, kept = self._kept.popitem()
            self.give_up(run_id, kept.execution)
        self._told_bytes = 0
