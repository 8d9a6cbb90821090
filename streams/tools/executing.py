"""Running tools, each under its lease, and saying what came of it.

A lease is spent when its call is handed over to be run, for the life of this process: under it nothing begins
again, whatever happens to the call's partition. What blocks runs in threads, coroutine functions in one event loop.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final, TypeAlias

from penstock.declare.call import Callback
from penstock.declare.tools import Tool
from penstock.runtime.points import reach
from penstock.schemas.run.records import CompleteToolCall, DeferToolCall, FailToolCall
from penstock.streams.answers import Answer, Answers
from penstock.streams.background import Background
from penstock.streams.failures import LEASE_LOST
from penstock.streams.hands import EventLoop, Hands
from penstock.streams.leases import Leases
from penstock.streams.observing import COMPLETED, DEFERRED, CallObserver
from penstock.streams.tools.deferring import Deferring
from penstock.streams.tools.effect import CallInput, Ending, failed, input_id, perform, perform_async
from penstock.streams.tools.lanes import Slot
from penstock.streams.tools.overruns import Overruns
from penstock.streams.tools.ports import OpenCall

Attempt: TypeAlias = tuple[str, int]
CLOSING_LOOK_S: Final = 0.01


class Teller:
    """Says things about calls to their runs."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, call: OpenCall, body: CallInput) -> None:
        """Send it soon."""
        words = (input_id(body), call.run_id, call.tenant, body)
        if call.requested.effect != "read" and isinstance(
            body, CompleteToolCall | FailToolCall | DeferToolCall
        ):
            self._answers.send(Answer(*words, partial(reach, "after-answer")))
        else:
            self._answers.send(Answer(*words))


@dataclass(slots=True, eq=False)
class Execution:
    """One run of a tool in this process. Times are the monotonic clock's; `due_s`: it has had its time then."""

    tool: Tool[object]
    call: OpenCall
    lease_id: str
    slot: Slot
    began_s: float | None = None
    due_s: float = inf
    overrun: bool = False
    outcome: str = "timeout"
    task: "asyncio.Task[None] | None" = None


class Executing:
    """What runs here, and under which leases nothing may begin any more. Belongs to the process.

    `begin`, `spend`, `is_spent` and `forget` are for one caller at a time: the lock is the caller's.
    """

    def __init__(
        self,
        leases: Leases,
        hands: Hands,
        loop: EventLoop,
        background: Background,
        tell: Teller,
        observer: CallObserver,
        deferring: Deferring | None = None,
    ) -> None:
        self._deferring = deferring
        self._leases = leases
        self._hands = hands
        self._loop = loop
        self._tell = tell
        self._observer = observer
        self._running: dict[Attempt, Execution] = {}
        self._spent: dict[str, set[str]] = {}
        self._overruns = Overruns(background, self._running.values, self._overrun)

    def begin(self, tool: Tool[object], call: OpenCall, lease_id: str, slot: Slot) -> None:
        """Run it soon and release the slot when it is over; once for each attempt and lease."""
        attempt = (call.key, call.attempt)
        if attempt in self._running or self.is_spent(call, lease_id):
            # It may run still from before its partition was taken again; then it answers when it is over.
            slot.release()
            return
        execution = self._running[attempt] = Execution(tool, call, lease_id, slot)
        self.spend(call, lease_id)
        if tool.asynchronous:
            self._loop.submit(partial(self._execute_async, execution))
        else:
            self._hands.submit(partial(self._execute, execution))

    def spend(self, call: OpenCall, lease_id: str) -> None:
        """Nothing begins under this lease from here on. Only unsafe calls need it."""
        if call.unsafe:
            self._spent.setdefault(call.key, set()).add(lease_id)

    def is_spent(self, call: OpenCall, lease_id: str) -> bool:
        """Whether this process has begun under that lease, or has said that it won't."""
        return lease_id in self._spent.get(call.key, ())

    def forget(self, call_id: str) -> None:
        """The call is settled on the log: its starts can't be asked for again."""
        self._spent.pop(call_id, None)

    def wait(self, deadline_s: float) -> int:
        """Wait so long for what runs; how many unsafe calls still do."""
        until_s = time.monotonic() + deadline_s
        while self._running and time.monotonic() < until_s:
            time.sleep(CLOSING_LOOK_S)
        return sum(execution.call.unsafe for execution in list(self._running.values()))

    def close(self) -> None:
        """Look after overruns no more."""
        self._overruns.close()

    def _execute(self, execution: Execution) -> None:
        try:
            if self._begins(execution):
                tool, call = execution.tool, execution.call
                callback = self._callback(tool, call)
                ending = perform(tool, call, execution.lease_id, self._loop.result, callback)
                self._over(execution, ending)
        finally:
            self._leave(execution)

    async def _execute_async(self, execution: Execution) -> None:
        execution.task = asyncio.current_task()
        try:
            if self._begins(execution):
                tool, call = execution.tool, execution.call
                callback = self._callback(tool, call)
                ending = await perform_async(tool, call, execution.lease_id, callback)
                self._over(execution, ending)
        finally:
            self._leave(execution)

    def _callback(self, tool: Tool[object], call: OpenCall) -> Callback | None:
        return None if self._deferring is None else self._deferring.callback(tool, call)

    def _begins(self, execution: Execution) -> bool:
        """The last thing before the target: a process that was stopped until others gave it up ends here."""
        call, lease_id = execution.call, execution.lease_id
        timeout_ms = call.requested.timeout_ms
        covered = not call.unsafe or self._leases.covers(lease_id, timeout_ms)
        if not covered or not execution.slot.begin():
            why = f"{'its share of a limit' if covered else 'the lease'} ran out before the call began"
            self._tell(call, failed(call, lease_id, LEASE_LOST, why, not_done=True, retryable=True))
            return False
        if call.unsafe:
            reach("after-call-started")
        execution.began_s = time.monotonic()
        execution.due_s = execution.began_s + timeout_ms / 1000
        self._overruns.expect(execution.due_s, timeout_ms / 1000)
        self._observer.call_began(call.requested.tool, call.tenant, call.attempt, call.run_id)
        return True

    def _over(self, execution: Execution, ending: Ending) -> None:
        call, execution.due_s = execution.call, inf
        if call.requested.effect != "read":
            reach("after-effect")
        if isinstance(ending, FailToolCall):
            execution.outcome = ending.error.kind
        else:
            execution.outcome = DEFERRED if isinstance(ending, DeferToolCall) else COMPLETED
        # A late result of a call that is tried again anyway says nothing new; a late one in doubt settles it.
        if call.unsafe or not execution.overrun:
            self._tell(call, ending)

    def _leave(self, execution: Execution) -> None:
        call, began_s = execution.call, execution.began_s
        self._running.pop((call.key, call.attempt), None)
        if began_s is not None:
            took_s = time.monotonic() - began_s
            self._observer.call_ended(call.requested.tool, call.tenant, execution.outcome, took_s)
        execution.slot.release()

    def _overrun(self, execution: Execution) -> None:
        """A thread can't be ended. What it may still do to the target is a doubt; for the others, a retry."""
        call, execution.overrun = execution.call, True
        why = f"no answer within {call.requested.timeout_ms} ms"
        self._tell(call, failed(call, execution.lease_id, "timeout", why, retryable=not call.unsafe))
        if execution.task is not None:
            self._loop.cancel(execution.task)
