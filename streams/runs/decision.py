"""The run decider: `decide(state, input) -> [event]`, `evolve(state, event) -> state`. Pure and total.

It reads nothing but its arguments and the application's declarations, writes nothing, and knows no time but
log time. One table says who may send each input and which function decides it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from penstock.declare.application import Application
from penstock.producers.signing import Authority
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.run.records import (
    CancelRun,
    CastVote,
    CompleteToolCall,
    ContinueRun,
    DeferToolCall,
    DelegateApproval,
    EscalateApproval,
    FailToolCall,
    FireTimer,
    GiveFeedback,
    MigrateRun,
    PauseRun,
    ReportLostLease,
    ResumeRun,
    SettleToolCall,
    SignalRun,
    StartRun,
    StartToolCall,
)
from penstock.streams.decider import Decided, Happened, Input
from penstock.streams.runs import (
    answers,
    deferring,
    feedback,
    folding,
    handing,
    lifecycle,
    migrating,
    pausing,
    signals,
    starts,
    timers,
    votes,
)
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.live import LIVE_RUNS_MAX, LiveExecutions
from penstock.streams.runs.state import RunState
from penstock.streams.runs.watching import Watchdog, unwatched

B = TypeVar("B", bound=InputBody)
Handler = Callable[[Consequences, B], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of input is decided, and whose signature it takes (law L9)."""

    handler: Handler[InputBody]
    by: frozenset[Authority]


def _rule(kind: type[B], handler: Handler[B], *by: Authority) -> tuple[type[object], Rule]:
    return kind, Rule(cast("Handler[InputBody]", handler), frozenset(by))


_RULES: Final = dict(
    (
        _rule(
            StartRun, lifecycle.start, Authority.APP, Authority.API, Authority.OPERATOR, Authority.SCHEDULES
        ),
        _rule(CancelRun, lifecycle.cancel, Authority.APP, Authority.API, Authority.OPERATOR),
        _rule(ResumeRun, lifecycle.try_again, Authority.RUNS, Authority.OPERATOR),
        _rule(MigrateRun, migrating.migrate, Authority.API, Authority.OPERATOR),
        _rule(PauseRun, pausing.pause, Authority.API, Authority.OPERATOR),
        _rule(ContinueRun, pausing.go_on, Authority.API, Authority.OPERATOR),
        _rule(SignalRun, signals.signal, Authority.APP, Authority.API, Authority.OPERATOR),
        _rule(CastVote, votes.vote, Authority.API, Authority.OPERATOR),
        _rule(DelegateApproval, handing.delegate, Authority.API, Authority.OPERATOR),
        _rule(EscalateApproval, handing.escalate, Authority.API, Authority.OPERATOR),
        _rule(StartToolCall, starts.start_call, Authority.TOOLS),
        _rule(CompleteToolCall, answers.complete, Authority.TOOLS, Authority.CALLBACK),
        _rule(FailToolCall, answers.fail, Authority.TOOLS, Authority.CALLBACK),
        _rule(DeferToolCall, deferring.defer, Authority.TOOLS),
        _rule(ReportLostLease, answers.lost, Authority.TOOLS),
        _rule(SettleToolCall, answers.settle, Authority.TOOLS, Authority.API, Authority.OPERATOR),
        _rule(FireTimer, timers.fire, Authority.TIMERS),
        _rule(GiveFeedback, feedback.give, Authority.API, Authority.OPERATOR),
    )
)

# What still gets an answer of its own after a run has ended: late answers, repeated starts, firings, feedback.
_AFTER_THE_END: Final = (
    StartRun,
    CompleteToolCall,
    FailToolCall,
    DeferToolCall,
    SettleToolCall,
    FireTimer,
    GiveFeedback,
)


class RunDecider:
    """Decides runs of one application.

    `watchdog` is entered around user code; see penstock.streams.runs.watching for what it can and can't do.
    `live_runs_max` is how many executions stay alive between decisions, which only saves their replay; 0 replays
    at every decision.
    """

    noun: str = "run"
    group_id: str = "penstock.streams.runs"

    def __init__(
        self,
        application: Application,
        watchdog: Watchdog = unwatched,
        live_runs_max: int = LIVE_RUNS_MAX,
    ) -> None:
        self._application = application
        self._watchdog = watchdog
        self._live = LiveExecutions(watchdog, live_runs_max)

    def initial(self, tenant: str, entity_id: str) -> RunState:
        """A run that nothing has happened to."""
        return RunState(tenant=tenant, run_id=entity_id)

    def decide(self, state: RunState, given: Input) -> Sequence[EventBody]:
        """What follows from the input, at least one event."""
        return self.decide_folded(state, given, state.seq, max(state.time_ms, given.time_ms)).events

    def decide_folded(self, state: RunState, given: Input, seq: int, time_ms: int) -> Decided[RunState]:
        """The same, with the state after it. `state` itself stays as it is."""
        execution = self._live.take(state)
        c = Consequences(self._application, state, given, seq, time_ms, execution, self._watchdog)
        try:
            self._judge(c, given)
        except BaseException:
            self._live.give_up(state.run_id, c.execution)
            raise
        self._live.keep(c.state, c.execution)
        return Decided(c.events, c.state)

    def _judge(self, c: Consequences, given: Input) -> None:
        rule, state = _RULES.get(type(given.body)), c.state
        if rule is None:
            c.refuse("unknown_input", "no rule decides it")
        elif given.authority is Authority.NONE:
            c.refuse("unsigned", "the signature is missing or wrong")
        elif given.authority not in rule.by:
            c.refuse("not_authorized", f"a key of {given.authority.value} may not send it")
        elif state.started is None and not isinstance(given.body, StartRun):
            c.refuse("unknown_run", "no run with this id was ever started")
        elif state.started is not None and given.meta.tenant != state.tenant:
            c.refuse("other_tenant", "the run is another tenant's")
        elif state.terminal is not None and not isinstance(given.body, _AFTER_THE_END):
            c.refuse("ended", "the run has ended")
        else:
            rule.handler(c, given.body)

    def has_ended(self, state: RunState) -> bool:
        """Whether its terminal event is there."""
        return state.terminal is not None

    def evolve(self, state: RunState, happened: Happened) -> RunState:
        """The state after one more event."""
        return folding.evolve(state, happened)

    def forget(self) -> None:
        """Give up all live executions: what comes next is replayed."""
        self._live.clear()

    def loaded_code_hash(self, state: RunState) -> str:
        """Hash of the code that is loaded for the run's workflow, empty if its version isn't.

        A stalled run is worth a ResumeRun where this isn't `state.stalled.code_hash`.
        """
        started = state.started
        if started is None:
            return ""
        workflow = self._application.workflow(started.workflow, started.workflow_version)
        return "" if workflow is None else workflow.code_hash
