"""`given(application, *events).when(input).then(*events)`: a run's decisions, with nothing around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from penstock.declare.application import Application
from penstock.producers.signing import Authority
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.ids import derived_id, run_id
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
    RunCompleted,
    SettleToolCall,
    SignalRun,
    StartRun,
    StartToolCall,
)
from penstock.streams.decider import Happened, Input
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.state import RunState

TENANT = "local"
RUN_ID = run_id(TENANT, "a-key")
BEGIN_MS = 1_700_000_000_000
EXPECTED_AUTHORITY: dict[type[object], Authority] = {
    StartRun: Authority.APP,
    CancelRun: Authority.APP,
    SignalRun: Authority.APP,
    CastVote: Authority.API,
    StartToolCall: Authority.TOOLS,
    CompleteToolCall: Authority.TOOLS,
    FailToolCall: Authority.TOOLS,
    DeferToolCall: Authority.TOOLS,
    ReportLostLease: Authority.TOOLS,
    SettleToolCall: Authority.OPERATOR,
    FireTimer: Authority.TIMERS,
    ResumeRun: Authority.RUNS,
    PauseRun: Authority.API,
    GiveFeedback: Authority.API,
    DelegateApproval: Authority.API,
    EscalateApproval: Authority.API,
    ContinueRun: Authority.OPERATOR,
    MigrateRun: Authority.OPERATOR,
}
APP = Actor(kind="app", subject="app:test", roles=("analyst",))
SUPERVISOR = Actor(kind="person", subject="sue", roles=("supervisor",))
OPERATOR = Actor(kind="person", subject="otto", roles=("operator",))
SERVICE = Actor(kind="service", subject="penstock.streams.tools")
EXPECTED_ACTOR = {
    StartRun: APP,
    CancelRun: APP,
    SignalRun: APP,
    CastVote: SUPERVISOR,
    SettleToolCall: OPERATOR,
    PauseRun: SUPERVISOR,
    DelegateApproval: SUPERVISOR,
    EscalateApproval: SUPERVISOR,
    ContinueRun: OPERATOR,
    MigrateRun: OPERATOR,
}

Expected = type[EventBody] | EventBody


@dataclass(frozen=True)
class Story:
    """A run's history so far; `events` are those of the last input."""

    application: Application
    state: RunState
    history: tuple[Happened, ...] = ()
    events: tuple[EventBody, ...] = ()
    inputs: tuple[Input, ...] = ()

    def when(
        self,
        body: InputBody,
        *,
        authority: Authority | None = None,
        actor: Actor | None = None,
        tenant: str = TENANT,
        later: timedelta = timedelta(milliseconds=1),
        application: Application | None = None,
    ) -> "Story":
        """One input, decided and folded; from whom it is expected unless said otherwise."""
        chosen = application or self.application
        decider = RunDecider(chosen, live_runs_max=0)
        time_ms = (self.state.time_ms or BEGIN_MS) + round(later / timedelta(milliseconds=1))
        meta = InputMeta(
            id=derived_id(RUN_ID, f"input:{self.state.seq}"),
            type=type(body).__name__,
            tenant=tenant,
            entity_id=RUN_ID,
            time_ms=0,
            actor=actor or EXPECTED_ACTOR.get(type(body), SERVICE),
        )
        given_input = Input(meta, body, authority or EXPECTED_AUTHORITY[type(body)], time_ms)
        events = tuple(decider.decide(self.state, given_input))
        assert events == tuple(decider.decide(self.state, given_input)), "deciding twice must agree"
        time_ms = max(self.state.time_ms, time_ms)
        folded = decider.decide_folded(self.state, given_input, self.state.seq, time_ms).state
        story = Story(chosen, self.state, self.history, events, (*self.inputs, given_input))
        story = story.and_then(*events, time_ms=time_ms)
        assert story.state == folded, "folding while deciding must agree with folding afterwards"
        return story

    def and_then(self, *events: EventBody, time_ms: int | None = None) -> "Story":
        """More history, by hand."""
        decider = RunDecider(self.application)
        state, history = self.state, self.history
        for event in events:
            happened = Happened(event, state.seq + 1, time_ms or state.time_ms or BEGIN_MS)
            state, history = decider.evolve(state, happened), (*history, happened)
        return Story(self.application, state, history, self.events, self.inputs)

    def then(self, *expected: Expected) -> "Story":
        """The last input caused exactly these: a class stands for any event of it."""
        shown = "\n".join(map(repr, self.events))
        assert len(self.events) == len(expected), shown
        for event, wanted in zip(self.events, expected, strict=True):
            assert (type(event) is wanted) if isinstance(wanted, type) else (event == wanted), shown
        return self

    def only(self) -> EventBody:
        """The one event of the last input."""
        assert len(self.events) == 1, self.events
        return self.events[0]

    def reason(self) -> str:
        """Why the last input, vote or call was refused; the one event that says so."""
        reasons = [str(getattr(event, "reason", "")) for event in self.events if hasattr(event, "reason")]
        assert len(reasons) == 1, self.events
        return reasons[0]

    def kinds(self) -> Sequence[str]:
        """Names of all events of the history."""
        return [type(happened.body).__name__ for happened in self.history]


def given(application: Application, *events: EventBody) -> Story:
    """A run with this history."""
    story = Story(application, RunDecider(application).initial(TENANT, RUN_ID))
    return story.and_then(*events)


def start(
    workflow: str,
    case: object = None,
    version: int | None = None,
    body: str = "",
    priority: int | None = None,
) -> StartRun:
    """StartRun with that input."""
    content = json_payload(case)
    return StartRun(
        workflow=workflow,
        workflow_version=version,
        input=content,
        body_sha256=body or content.sha256,
        priority=priority,
    )


def call_id(step: int) -> str:
    """Id of the call that step made."""
    return derived_id(RUN_ID, f"call:{step}")


def approval_id(step: int) -> str:
    """Id of the question that step asked."""
    return derived_id(RUN_ID, f"approval:{step}")


def timer_id(what: object) -> str:
    """Id of the timer of a step, or of the deadline."""
    return derived_id(RUN_ID, f"timer:{what}")


def result(story: Story) -> str:
    """The JSON text of what the run returned, which is the last thing that happened."""
    end = story.events[-1]
    assert isinstance(end, RunCompleted), story.events
    return (end.result.content or b"").decode()
