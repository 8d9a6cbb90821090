"""A world in memory for testing workflows: no broker, no database, no waiting. Yours to use.

    world = World(application, answers={"read_case": {"case_id": "c1"}, "notify": Declined("unknown")})
    world.start("case-review", {"case_id": "c1"}, roles=("analyst",))
    world.play()
    assert world.result == {...}

`play` lets workers answer calls, a person with the right role vote, and time pass, until the run ends,
stalls, or waits for somebody that only you can be.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, cast

import orjson

from penstock.declare.application import Application
from penstock.declare.call import Deferred
from penstock.declare.errors import Declined, NotDone
from penstock.producers.signing import Authority
from penstock.schemas.canonical import json_payload, payload_of
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import Actor, Failure, InputMeta
from penstock.schemas.ids import derived_id, run_id
from penstock.schemas.run.records import (
    CastVote,
    CompleteToolCall,
    DeferToolCall,
    FailToolCall,
    FireTimer,
    RunCompleted,
    SettleToolCall,
    StartRun,
    StartToolCall,
)
from penstock.streams.decider import Happened, Input
from penstock.streams.runs.decision import RunDecider
from penstock.streams.runs.parts import CallState
from penstock.streams.runs.questions import ApprovalState
from penstock.streams.runs.state import RunState

Decision = Literal["grant", "refuse"]
Answers = Mapping[str, object]

WORKER: Final = Actor(kind="service", subject="penstock.streams.tools")
LATER: Final = Deferred()
OUTSIDE: Final = Actor(kind="service", subject="callback")
CLOCK: Final = Actor(kind="service", subject="penstock.streams.timers")
OPERATOR: Final = Actor(kind="person", subject="the-operator", roles=("operator",))


class World:
    """One run, and everything around it. `time_ms` is the log's clock: inputs move it, and so may you.

    `answers` by tool name: a value, an exception to raise, or a function of the keyword arguments; `LATER` for a
    deferred tool, whose call then waits for `call_back`.
    """

    def __init__(
        self,
        application: Application,
        answers: Answers,
        *,
        tenant: str = "local",
        key: str = "test",
        time_ms: int = 1_700_000_000_000,
    ) -> None:
        # Replayed at every decision, so that a workflow that doesn't replay shows it here.
        self.decider = RunDecider(application, live_runs_max=0)
        self.application = application
        self.answers = answers
        self.tenant = tenant
        self.run_id = run_id(tenant, key)
        self.time_ms = time_ms
        self.state: RunState = self.decider.initial(tenant, self.run_id)
        self.history: list[Happened] = []
        self.inputs: list[Input] = []

    def start(
        self, workflow: str, case: object, *, requester: str = "app:test", roles: Sequence[str] = ()
    ) -> Sequence[EventBody]:
        """Start the run."""
        content = json_payload(case)
        body = StartRun(workflow=workflow, input=content, body_sha256=content.sha256)
        return self.send(body, Authority.APP, Actor(kind="app", subject=requester, roles=tuple(roles)))

    def send(
        self, body: InputBody, authority: Authority, actor: Actor, *, tenant: str | None = None
    ) -> Sequence[EventBody]:
        """Decide an input and fold what follows; returns the events."""
        self.time_ms += 1
        meta = InputMeta(
            id=derived_id(self.run_id, f"input:{len(self.inputs)}"),
            type=type(body).__name__,
            tenant=tenant or self.tenant,
            entity_id=self.run_id,
            time_ms=self.time_ms,
            actor=actor,
        )
        given = Input(meta, body, authority, self.time_ms)
        self.inputs.append(given)
        events = self.decider.decide(self.state, given)
        for event in events:
            happened = Happened(event, self.state.seq + 1, max(self.state.time_ms, self.time_ms))
            self.history.append(happened)
            self.state = self.decider.evolve(self.state, happened)
        return events

    def play(self, vote: Decision | None = "grant") -> None:
        """On, until it ends, stalls or waits for somebody. `vote` None leaves questions open."""
        while self.state.terminal is None and self.state.stalled is None:
            if not (self.work() or (vote is not None and self.vote(vote)) or self.pass_time()):
                return

    def work(self) -> bool:
        """Let workers answer the calls that are open now; False if there were none."""
        ready = [call for call in self.state.open_calls if call.status in ("requested", "started")]
        for call in ready:
            self._serve(call)
        return bool(ready)

    def vote(self, decision: Decision, voter: str = "a-person", roles: Sequence[str] | None = None) -> bool:
        """Vote on the oldest open question, by who holds its role; False if nothing was decided."""
        approval = next(iter(self.questions), None)
        if approval is None:
            return False
        body = CastVote(
            approval_id=approval.approval_id, decision=decision, args_sha256=approval.arguments.sha256
        )
        held = (approval.role,) if roles is None else tuple(roles)
        self.send(body, Authority.API, Actor(kind="person", subject=voter, roles=held))
        return self.state.approvals[approval.approval_id].outcome is not None

    def pass_time(self) -> bool:
        """Move the clock to the end of the next sleep and fire its timer; False if nothing sleeps."""
        armed = [timer for timer in self.state.timers.values() if not timer.fired]
        # Deadlines and expiries are for tests that want them: see `fire`.
        waited = [timer for timer in armed if timer.purpose == "sleep"]
        if not waited:
            return False
        first = min(waited, key=lambda timer: timer.due_ms)
        self.time_ms = max(self.time_ms, first.due_ms)
        self.fire(first.timer_id)
        return True

    def fire(self, timer_id: str) -> Sequence[EventBody]:
        """Fire a timer, due or not."""
        return self.send(FireTimer(timer_id=timer_id), Authority.TIMERS, CLOCK)

    def settle(self, happened: bool, result: object = None) -> bool:
        """Answer the oldest call in doubt as the operator; False if there is none."""
        call = next((call for call in self.state.open_calls if call.status == "in_doubt"), None)
        if call is None:
            return False
        content = json_payload(result) if happened and result is not None else None
        body = SettleToolCall(
            call_id=call.call_id, attempt=call.attempt, happened=happened, result=content, basis="person"
        )
        self.send(body, Authority.OPERATOR, OPERATOR)
        return True

    def call_back(
        self, result: object = None, error: Failure | None = None, *, not_done: bool = False
    ) -> bool:
        """Answer the oldest deferred call as the outside system does; False if there is none."""
        call = next((call for call in self.state.open_calls if call.status == "deferred"), None)
        if call is None:
            return False
        call_id, attempt, content = call.call_id, call.attempt, json_payload(result)
        body: InputBody = CompleteToolCall(
            call_id=call_id, attempt=attempt, lease_id="callback", result=content, duration_ms=0
        )
        if error is not None:
            body = FailToolCall(
                call_id=call_id,
                attempt=attempt,
                lease_id="callback",
                error=error,
                not_done=not_done,
                duration_ms=0,
            )
        self.send(body, Authority.CALLBACK, OUTSIDE)
        return True

    @property
    def events(self) -> list[EventBody]:
        """Everything that happened, in order."""
        return [happened.body for happened in self.history]

    @property
    def questions(self) -> list[ApprovalState]:
        """Open questions, oldest first."""
        return [approval for approval in self.state.approvals.values() if approval.outcome is None]

    @property
    def result(self) -> object:
        """What the workflow returned, as plain JSON. Raises AssertionError with the state if it didn't."""
        end = self.state.terminal
        assert isinstance(end, RunCompleted), end or self.state.stalled or self.state.ending or "still open"
        return cast(object, orjson.loads(end.result.content or b"null"))

    def _serve(self, call: CallState) -> None:
        lease_id = call.lease_id or derived_id(call.call_id, f"lease:{call.attempt}")
        if call.unsafe and call.status == "requested":
            body = StartToolCall(
                call_id=call.call_id, attempt=call.attempt, lease_id=lease_id, worker="in-memory"
            )
            self.send(body, Authority.TOOLS, WORKER)
            if self.state.calls[call.call_id].status != "started":
                return
        self.send(self._answer(call, lease_id), Authority.TOOLS, WORKER)

    def _answer(self, call: CallState, lease_id: str) -> CompleteToolCall | FailToolCall | DeferToolCall:
        tool = self.application.tool(call.tool, call.tool_version)
        assert tool is not None, f"{call.tool} v{call.tool_version} isn't registered"
        content = call.arguments.content if call.arguments else None
        try:
            answer = _answer_of(self.answers[call.tool], tool.decode_arguments(content or b"{}"))
        except Deferred:
            expires_at_ms = self.time_ms + (tool.deferred_ms or 0)
            return DeferToolCall(
                call_id=call.call_id, attempt=call.attempt, lease_id=lease_id, expires_at_ms=expires_at_ms
            )
        except Exception as error:  # noqa: BLE001 a tool may raise anything: that is what FailToolCall is for
            sure = isinstance(error, Declined | NotDone)
            failure = Failure(
                kind=type(error).__name__, message=str(error), retryable=not isinstance(error, Declined)
            )
            return FailToolCall(
                call_id=call.call_id,
                attempt=call.attempt,
                lease_id=lease_id,
                error=failure,
                not_done=sure,
                duration_ms=1,
            )
        result = payload_of(tool.encode_result(answer))
        return CompleteToolCall(
            call_id=call.call_id, attempt=call.attempt, lease_id=lease_id, result=result, duration_ms=1
        )


def _answer_of(answer: object, arguments: dict[str, object]) -> object:
    if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
        raise answer
    if callable(answer):
        return cast("Callable[..., object]", answer)(**arguments)
    return answer
