"""What is done about an open call: wait for its time, for a slot, for leave to start; run it, answer once.

A read or idempotent call begins as soon as it has a slot, and may run twice when its partition moves. An
unsafe call takes a slot, asks with `StartToolCall`, and begins at the `ToolCallStarted` that names a lease of
this process, if that lease still holds for as long as the call may take. What this process asked to start and
then can't begin it answers as not done, because nobody else can know that.
"""

import logging
import threading
import time
from functools import partial
from typing import Final

from penstock.declare.tools import Tool
from penstock.producers.clock import Clock
from penstock.schemas.codec import Codec
from penstock.streams.alarms import Alarms
from penstock.streams.answers import Answers
from penstock.streams.background import Background
from penstock.streams.failures import NOT_BEGUN
from penstock.streams.hands import EventLoop, Hands
from penstock.streams.leases import Leases
from penstock.streams.observing import NOBODY, CallObserver
from penstock.streams.tools.claims import Claim
from penstock.streams.tools.deferring import Deferring
from penstock.streams.tools.doubts import Doubts
from penstock.streams.tools.effect import failed, start_of
from penstock.streams.tools.executing import Executing, Teller
from penstock.streams.tools.lanes import Slot
from penstock.streams.tools.ports import Open, OpenCall, Toolbox
from penstock.streams.tools.queues import NoKey, Queues
from penstock.streams.tools.shares import Shares
from penstock.streams.tools.shelf import Shelf

log = logging.getLogger("penstock.streams.tools")

# A slot isn't kept longer than this for a start that a parked or stopped run doesn't answer.
START_WAIT_S: Final = 10.0
LEASE_WAIT_S: Final = 0.5


class Calling:
    """The act of the tools effector: the claims, which belong to partitions."""

    def __init__(
        self,
        toolbox: Toolbox,
        leases: Leases,
        answers: Answers,
        alarms: Alarms,
        background: Background,
        clock: Clock,
        observer: CallObserver = NOBODY,
        shares: Shares | None = None,
        codec: Codec | None = None,
        deferring: Deferring | None = None,
    ) -> None:
        self._leases = leases
        self._answers = answers
        self._alarms = alarms
        self._clock = clock
        self._queues = Queues(toolbox, alarms, shares)
        self._shelf = Shelf(codec)
        hands = self._hands = Hands(background, "tool")
        loop = self._loop = EventLoop(background, "tool-loop")
        tell = self._tell = Teller(answers)
        self._executing = Executing(leases, hands, loop, background, tell, observer, deferring)
        self._doubts = Doubts(toolbox, leases, self._queues.lanes, hands, loop, alarms, background, tell)
        # Callbacks of lanes and alarms come back into the thread that holds it.
        self._lock = threading.RLock()
        self._claims: dict[str, Claim] = {}
        self._closing = False

    def open(self, partition: int, work: Open) -> None:
        if not isinstance(work, OpenCall):
            return
        with self._lock:
            claim = self._claims.get(work.key)
            if claim is None or claim.call.attempt != work.attempt:
                if claim is not None:
                    claim.let_go()
                    self._doubts.forget(work.key)
                claim = self._claims[work.key] = Claim(partition, work, self._granted)
            claim.call = work
            self._step(claim)

    def settled(self, key: str) -> None:
        with self._lock:
            claim = self._claims.pop(key, None)
            if claim is not None:
                claim.let_go()
            self._executing.forget(key)
            self._doubts.forget(key)

    def drop(self, partition: int) -> None:
        with self._lock:
            for key, claim in list(self._claims.items()):
                if claim.partition == partition:
                    del self._claims[key]
                    self._give_back(claim, "the call's partition moved before it began")
                    self._doubts.forget(key)

    def close(self, deadline_s: float) -> None:
        until_s = time.monotonic() + deadline_s
        with self._lock:
            self._closing = True
            for claim in self._claims.values():
                self._give_back(claim, "the worker stopped before the call began")
            self._claims.clear()
        unsafe = self._executing.wait(deadline_s)
        self._queues.close()
        said = self._answers.drain(max(0.0, until_s - time.monotonic()))
        self._alarms.close()
        self._answers.close()
        self._hands.close()
        self._loop.close()
        self._executing.close()
        if said and not unsafe:
            self._leases.release()
        else:
            what = "unsafe calls still run" if unsafe else "answers aren't on the log"
            log.warning("%s at the deadline: the lease is left to run out", what)
        self._leases.close()

    def _step(self, claim: Claim) -> None:
        """What the call's last event asks for."""
        call = claim.call
        if call.in_doubt:
            claim.let_go()
            self._shelf.take(call)
            self._doubts.look_into(call)
        elif call.deferred:
            # Its callback answers it, or its timer: whoever watched its lease needn't any more.
            claim.close()
            self._doubts.forget(call.key)
        elif call.started_lease is not None:
            self._on_start(claim, call.started_lease)
        elif not claim.on_its_way:
            delay_s = (call.requested.not_before_ms - self._clock.now_ms()) / 1000
            if delay_s > 0:
                claim.alarm = self._alarms.after(delay_s, partial(self._queue, claim))
            else:
                self._queue(claim)

    def _queue(self, claim: Claim, *, first: bool = False) -> None:
        with self._lock:
            claim.alarm = None
            if not self._is_current(claim):
                return
            tool = self._queues.tool(claim.call)
            if tool is None:
                return
            self._shelf.take(claim.call)
            try:
                wish = self._queues.wish(tool, claim.call, claim.grant, first=first)
            except NoKey as error:
                self._refuse(claim, "no_concurrency_key", str(error))
                return
            # Kept before it is asked for: the slot may be granted before `ask` returns.
            claim.wish = wish
            wish.ask()
            if claim.wish is not None:
                self._shelf.put(claim.call, len(self._claims))

    def _granted(self, claim: Claim, slot: Slot) -> None:
        with self._lock:
            claim.wish = None
            call, tool = claim.call, self._queues.tool(claim.call)
            self._shelf.take(call)
            if tool is None or not self._is_current(claim) or claim.done:
                slot.release()
            elif tool.effect != call.requested.effect:
                slot.release()
                why = f"{tool.name} version {tool.version} is {tool.effect} in this application"
                self._refuse(claim, "tool_changed", f"{why}, {call.requested.effect} in the request")
            elif call.started_lease is not None:
                self._begin(claim, tool, call.started_lease, slot)
            elif call.unsafe:
                self._ask(claim, slot)
            else:
                self._begin(claim, tool, self._leases.lease_id(call.key, call.attempt), slot)

    def _ask(self, claim: Claim, slot: Slot) -> None:
        """Ask to start an unsafe call. The slot is kept, so that what is started begins at once."""
        call, timeout_ms = claim.call, claim.call.requested.timeout_ms
        lease_id = self._leases.lease_id(call.key, call.attempt)
        if not self._leases.could_cover(timeout_ms):
            slot.release()
            why = f"{timeout_ms} ms don't fit into a lease of {self._leases.lease_ms} ms"
            self._refuse(claim, "lease_too_short", f"{why}: raise PENSTOCK_LEASE_MS")
        elif not self._leases.covers(lease_id, timeout_ms):
            slot.release()
            claim.alarm = self._alarms.after(LEASE_WAIT_S, partial(self._queue, claim))
        else:
            claim.slot, claim.lease_id = slot, lease_id
            claim.alarm = self._alarms.after(START_WAIT_S, partial(self._free, claim))
            self._tell(call, start_of(call, lease_id, self._leases.worker))

    def _free(self, claim: Claim) -> None:
        with self._lock:
            claim.alarm = None
            slot, claim.slot = claim.slot, None
            if slot is not None:
                slot.release()

    def _on_start(self, claim: Claim, lease_id: str) -> None:
        if self._executing.is_spent(claim.call, lease_id):
            claim.let_go()
        elif not self._leases.ours(lease_id):
            claim.let_go()
            claim.lease_id = ""
            self._doubts.watch(claim.call, lease_id)
        elif claim.wish is None:
            claim.lease_id = lease_id
            slot, claim.slot = claim.slot, None
            claim.let_go()
            tool = self._queues.tool(claim.call)
            if slot is not None and tool is not None:
                self._begin(claim, tool, lease_id, slot)
            else:
                self._queue(claim, first=True)

    def _begin(self, claim: Claim, tool: Tool[object], lease_id: str, slot: Slot) -> None:
        claim.done = True
        self._executing.begin(tool, claim.call, lease_id, slot)

    def _refuse(self, claim: Claim, kind: str, why: str) -> None:
        """Not here, not ever: the workflow is told that nothing was done. An unsafe call is answered by who
        may start it, so that is asked for first."""
        claim.done = True
        call = claim.call
        lease_id = call.started_lease or self._leases.lease_id(call.key, call.attempt)
        self._executing.spend(call, lease_id)
        if call.unsafe and call.started_lease is None:
            self._tell(call, start_of(call, lease_id, self._leases.worker))
        self._tell(call, failed(call, lease_id, kind, why, not_done=True))

    def _give_back(self, claim: Claim, why: str) -> None:
        """Asked to start, or started, and not begun: nobody else can know that it never will."""
        claim.let_go()
        call = claim.call
        if claim.lease_id and not claim.done and not call.in_doubt:
            self._executing.spend(call, claim.lease_id)
            self._tell(call, failed(call, claim.lease_id, NOT_BEGUN, why, not_done=True, retryable=True))

    def _is_current(self, claim: Claim) -> bool:
        return not self._closing and self._claims.get(claim.call.key) is claim
