"""A run as folded from its events: what the workflow needs to replay, and what later inputs are judged by."""

from dataclasses import dataclass, field

from penstock.schemas.run.records import (
    RunEnding,
    RunPaused,
    RunStalled,
    RunStarted,
)
from penstock.streams.runs.parts import CallState, Settled, Step, Terminal, TimerState
from penstock.streams.runs.questions import ApprovalState, GrantState
from penstock.streams.runs.versions import Appended, Charted


@dataclass(slots=True)
class RunState:
    """The whole of a run. `started` is None until it began, and has the pins of today where it was migrated; `terminal`
    is None until it ended.

    Once `evolve` or `decide` has returned a state, nobody changes it: a fold works on a copy of its own. It isn't
    frozen because a fold makes several changes of each copy, and each would cost another one.
    """

    tenant: str
    run_id: str
    seq: int = 0
    time_ms: int = 0
    started: RunStarted | None = None
    started_ms: int = 0
    steps: Appended[Step] = field(default_factory=Appended[Step])
    history: Appended[Settled] = field(default_factory=Appended[Settled])
    calls: Charted[CallState] = field(default_factory=Charted[CallState])
    calls_open: int = 0
    approvals: Charted[ApprovalState] = field(default_factory=Charted[ApprovalState])
    grants: Charted[GrantState] = field(default_factory=Charted[GrantState])
    timers: Charted[TimerState] = field(default_factory=Charted[TimerState])
    # What each signal_id has said: the signal's name and the hash of its content.
    signals: Charted[tuple[str, str]] = field(default_factory=Charted[tuple[str, str]])
    # How much was said of it by people.
    feedback: int = 0
    stalled: RunStalled | None = None
    paused: RunPaused | None = None
    ending: RunEnding | None = None
    terminal: Terminal | None = None

    @property
    def priority(self) -> int:
        """Of the run's calls: higher goes first."""
        return self.started.priority if self.started else 0

    @property
    def open_calls(self) -> tuple[CallState, ...]:
        """Calls that aren't settled, oldest first. It looks at all calls; `calls_open` is their number."""
        if not self.calls_open:
            return ()
        return tuple(call for call in self.calls.values() if not call.settled)

    def copy(self) -> "RunState":
        """Another one to change, in constant time. By hand: every event that is loaded makes one."""
        made: RunState = _new(RunState)
        made.tenant = self.tenant
        made.run_id = self.run_id
        made.seq = self.seq
        made.time_ms = self.time_ms
        made.started = self.started
        made.started_ms = self.started_ms
        made.steps = self.steps
        made.history = self.history
        made.calls = self.calls
        made.calls_open = self.calls_open
        made.approvals = self.approvals
        made.grants = self.grants
        made.timers = self.timers
        made.signals = self.signals
        made.feedback = self.feedback
        made.stalled = self.stalled
        made.paused = self.paused
        made.ending = self.ending
        made.terminal = self.terminal
        return made


_new = object.__new__
