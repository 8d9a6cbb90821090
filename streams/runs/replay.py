"""Replay: the workflow's coroutine driven over the recorded history, up to what it asks for next.

Each recorded request must be asked for again, in the same order, with the same kind, name and arguments; each
settlement is told in the order of the history, and the code then runs until all of it waits.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

from penstock.declare.application import Application
from penstock.declare.errors import DeclarationError, ToolFailed, ToolRefused
from penstock.declare.grants import Escalation, Grant
from penstock.declare.run import Run
from penstock.declare.tools import Tool
from penstock.declare.workflows import Workflow
from penstock.schemas.canonical import INLINE_BYTES_MAX, PayloadTooLarge, PayloadUnreadable, sha256_hex
from penstock.schemas.frozen import quick
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import RunStarted
from penstock.streams.runs.asks import ApprovalAsk, Ask, CallAsk, SleepAsk
from penstock.streams.runs.differences import difference, nothing_asked, unasked
from penstock.streams.runs.loop import GIVEN_UP, Future, Loop, Stall, Task
from penstock.streams.runs.parts import Answer, Failed, Outcome, Refused, Settled, Signalled, Slept
from penstock.streams.runs.state import RunState
from penstock.streams.runs.waiting import Signals


@quick
@dataclass(frozen=True, slots=True)
class Returned:
    """The workflow is over: its value, or the error that it raised."""

    value: object
    error: BaseException | None


class Execution:
    """One workflow's coroutine on its way. It is the Engine behind the Run that the workflow holds.

    `steps` of the state it was made from are recorded; what it asks for beyond them are new asks. It holds no
    state: it may live on from one decision to the next.
    """

    def __init__(self, workflow: Workflow[object, object], state: RunState, application: Application) -> None:
        assert state.started is not None
        self._application = application
        self._run_id = state.run_id
        self._tenant = state.tenant
        self._started: RunStarted = state.started
        # The state that it is told from, while it is.
        self._state: RunState | None = None
        self._recorded = len(state.steps)
        self._fails_with = workflow.fails_with
        self._futures: list[Future] = []
        self._asks: list[Ask] = []
        self._consumed = 0
        self._now_ms = state.started_ms
        self._counters: dict[str, int] = {}
        self._signals = {name: Signals() for name in workflow.signals}
        self._loop = Loop()
        self.told_bytes = len(self._started.input.content or b"")
        self._main: Task = self._loop.task(_begin(workflow, Run(self), self._started))

    def consume(self, state: RunState) -> None:
        """Tell what of the state's history hasn't been told yet, and run to quiescence after each."""
        self._state = state
        history = state.history
        self._loop.run(self._main)
        while self._consumed < len(history) and not self._main.done and self._loop.stall is None:
            self._tell(state, history[self._consumed])
            self._consumed += 1
        asked = len(self._futures)
        if self._loop.stall is None and asked < self._recorded and not self._raised():
            self._loop.stall = nothing_asked(state, asked + 1, self._main.done)
        self._state = None

    def new_asks(self) -> list[Ask]:
        """What was asked for since the last time and isn't in the history."""
        taken, self._asks = self._asks, []
        return taken

    @property
    def stall(self) -> Stall | None:
        """Why it can't go on, None if it can."""
        return self._loop.stall

    @property
    def returned(self) -> Returned | None:
        """How it ended, None while it waits."""
        return Returned(self._main.value, self._main.error) if self._main.done else None

    def close(self) -> None:
        """Give the coroutines up; what they still ask for counts for nothing."""
        self._loop.close(self._main)

    # What follows is the Engine.

    @property
    def run_id(self) -> str:
        return self._run_id

    @property
    def tenant(self) -> str:
        return self._tenant

    @property
    def requester(self) -> str:
        return self._started.requester

    @property
    def requester_roles(self) -> tuple[str, ...]:
        return self._started.requester_roles

    def tool_named(self, name: str) -> Tool[object] | None:
        return self._application.tool(name)

    def call(self, tool: Tool[object], arguments: bytes, grant: Grant | None) -> Awaitable[bytes | None]:
        grant_id = None if grant is None else grant.grant_id
        step = len(self._futures) + 1
        ask = CallAsk(step, tool, arguments, sha256_hex(arguments), grant_id, grant is not None)
        return cast("Awaitable[bytes | None]", self._ask(ask))

    def approval(
        self,
        tool: Tool[object],
        arguments: bytes,
        role: str,
        expires_ms: int,
        quorum: int,
        escalation: Escalation | None,
    ) -> Awaitable[Grant]:
        step = len(self._futures) + 1
        ask = ApprovalAsk(step, tool, arguments, sha256_hex(arguments), role, expires_ms, quorum, escalation)
        return cast("Awaitable[Grant]", self._ask(ask))

    def sleep(self, delay_ms: int) -> Awaitable[None]:
        ask = SleepAsk(len(self._futures) + 1, delay_ms, str(delay_ms))
        return cast("Awaitable[None]", self._ask(ask))

    def gather(self, awaitables: Sequence[Awaitable[object]]) -> Awaitable[list[object]]:
        return self._loop.gather(awaitables)

    def race(self, awaitables: Sequence[Awaitable[object]]) -> Awaitable[tuple[int, object]]:
        return self._loop.race(awaitables)

    def signal(self, name: str) -> Awaitable[bytes]:
        self._check_alive()
        if name not in self._signals:
            raise DeclarationError(f"Declare the signal: @workflow(..., signals={{{name!r}: ...}}).")
        return cast("Awaitable[bytes]", self._signals[name].taken())

    def now_ms(self) -> int:
        return self._now_ms

    def derived(self, purpose: str) -> str:
        number = self._counters[purpose] = self._counters.get(purpose, 0) + 1
        return derived_id(self._run_id, f"{purpose}:{number}")

    def _ask(self, ask: Ask) -> Future:
        self._check_alive()
        if ask.step <= self._recorded and self._state is not None:
            recorded = self._state.steps[ask.step - 1]
            if (recorded.kind, recorded.name, recorded.fingerprint) != (ask.kind, ask.name, ask.fingerprint):
                # Kept as well as raised: a workflow that catches everything must stall all the same.
                self._loop.stall = self._loop.stall or difference(self._state, recorded, ask)
                raise self._loop.stall
        else:
            _check_size(ask)
            self._asks.append(ask)
        future = Future()
        self._futures.append(future)
        return future

    def _check_alive(self) -> None:
        if self._loop.giving_up:
            raise RuntimeError(GIVEN_UP)

    def _tell(self, state: RunState, settled: Settled) -> None:
        self._now_ms = max(self._now_ms, settled.time_ms)
        if isinstance(settled.outcome, Signalled):
            self._signal(settled.outcome)
            return
        if settled.step > len(self._futures):
            self._loop.stall = unasked(state, settled.step)
            return
        if isinstance(settled.outcome, Answer):
            self.told_bytes += len(settled.outcome.payload.content or b"")
        future = self._futures[settled.step - 1]
        try:
            future.settle(_value(settled.outcome))
        except (ToolFailed, ToolRefused, PayloadUnreadable) as error:
            future.settle(error=error)
        self._loop.run(self._main)

    def _signal(self, signal: Signalled) -> None:
        self.told_bytes += len(signal.content)
        # Code that was mended may declare fewer: then nobody waits for it.
        if signal.name in self._signals:
            self._signals[signal.name].came(signal.content)
            self._loop.run(self._main)

    def _raised(self) -> bool:
        """True for an undeclared error: it tells more than the steps that it kept from being asked."""
        return self._main.error is not None and not isinstance(self._main.error, self._fails_with)


def _check_size(ask: Ask) -> None:
    # Here, so that the error is raised at the workflow's own line.
    if not isinstance(ask, SleepAsk) and len(ask.content) > INLINE_BYTES_MAX:
        raise PayloadTooLarge(f"{ask.name}: {len(ask.content)} bytes of arguments; pass a reference instead")


def _value(outcome: Outcome) -> object:
    match outcome:
        case Answer(payload=payload, known=known):
            if known and (payload.content is None or payload.key_id is not None):
                raise PayloadUnreadable("the recorded result isn't inline and in the clear: fetch it first")
            return payload.content if known else None
        case Failed(tool=tool, error=error):
            raise ToolFailed(tool, error.kind, error.message)
        case Refused(tool=tool, reason=reason, detail=detail):
            raise ToolRefused(tool, reason, detail)
        case Grant():
            return outcome
        case Slept() | Signalled():
            return None


async def _begin(workflow: Workflow[object, object], run: Run, started: RunStarted) -> object:
    if started.input.content is None or started.input.key_id is not None:
        raise PayloadUnreadable("the run's input isn't inline and in the clear: fetch it first")
    return await workflow.function(run, workflow.decode_input(started.input.content))
