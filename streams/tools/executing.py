"""Running tools in threads, each under its lease, and saying what came of it.

A lease is spent when its call is handed to a thread, for the life of this process: under it nothing begins
again, whatever happens to the call's partition.
"""

import threading
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from penstock.declare.tools import Tool
from penstock.runtime.points import reach
from penstock.schemas.run.records import CompleteToolCall, FailToolCall
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answer, Answers
from penstock.streams.failures import LEASE_LOST
from penstock.streams.hands import Hands, Slot
from penstock.streams.leases import Leases
from penstock.streams.tools.effect import CallInput, failed, input_id, perform
from penstock.streams.tools.ports import OpenCall

Attempt: TypeAlias = tuple[str, int]


class Teller:
    """Says things about calls to their runs."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def __call__(self, call: OpenCall, body: CallInput) -> None:
        """Send it soon."""
        answer = Answer(input_id(body), call.run_id, call.meta.tenant, body)
        if isinstance(body, CompleteToolCall | FailToolCall) and call.requested.effect != "read":
            answer = Answer(
                *(input_id(body), call.run_id, call.meta.tenant, body), partial(reach, "after-answer")
            )
        self._answers.send(answer)


@dataclass(slots=True, eq=False)
class Execution:
    """One run of a tool in a thread of this process."""

    call: OpenCall
    lease_id: str
    overrun: bool = False


class Executing:
    """What runs here, and under which leases nothing may begin any more. Belongs to the process."""

    def __init__(self, leases: Leases, hands: Hands, alarms: Alarms, tell: Teller) -> None:
        self._leases = leases
        self._hands = hands
        self._alarms = alarms
        self._tell = tell
        self._changed = threading.Condition()
        self._running: dict[Attempt, Execution] = {}
        self._spent: dict[str, set[str]] = {}

    def begin(self, tool: Tool[object], call: OpenCall, lease_id: str, slot: Slot) -> None:
        """Run it in a thread and release the slot when it is over; once for each attempt and lease."""
        attempt = (call.key, call.attempt)
        with self._changed:
            # It may run still from before its partition was taken again; then it answers when it is over.
            again = attempt in self._running or self.is_spent(call, lease_id)
            if not again:
                self._running[attempt] = Execution(call, lease_id)
                self.spend(call, lease_id)
                self._hands.submit(partial(self._execute, tool, self._running[attempt], slot))
        if again:
            slot.release()

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
        with self._changed:
            self._changed.wait_for(lambda: not self._running, deadline_s)
            return sum(execution.call.unsafe for execution in self._running.values())

    def _execute(self, tool: Tool[object], execution: Execution, slot: Slot) -> None:
        try:
            self._run(tool, execution)
        finally:
            call = execution.call
            with self._changed:
                self._running.pop((call.key, call.attempt), None)
                self._changed.notify_all()
            slot.release()

    def _run(self, tool: Tool[object], execution: Execution) -> None:
        call, lease_id = execution.call, execution.lease_id
        timeout_ms = call.requested.timeout_ms
        # The last thing before the target: a process that was stopped until others gave it up ends here.
        if call.unsafe and not self._leases.covers(lease_id, timeout_ms):
            why = "the lease ran out before the call began"
            self._tell(call, failed(call, lease_id, LEASE_LOST, why, not_done=True, retryable=True))
            return
        if call.unsafe:
            reach("after-call-started")
        alarm = self._alarms.after(timeout_ms / 1000, partial(self._overrun, execution))
        ending = perform(tool, call, lease_id)
        if call.requested.effect != "read":
            reach("after-effect")
        alarm.cancel()
        # A late result of a call that is tried again anyway says nothing new; a late one in doubt settles it.
        if call.unsafe or not execution.overrun:
            self._tell(call, ending)

    def _overrun(self, execution: Execution) -> None:
        """A thread can't be ended. What it may still do to the target is a doubt; for the others, a retry."""
        call, execution.overrun = execution.call, True
        why = f"no answer within {call.requested.timeout_ms} ms"
        self._tell(call, failed(call, execution.lease_id, "timeout", why, retryable=not call.unsafe))
