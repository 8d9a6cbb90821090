"""Unsafe calls that others started: reported when their lease is lost, reconciled when in doubt (L7, L8)."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from penstock.declare.limits import Limits
from penstock.declare.tools import Tool
from penstock.schemas.run.records import ReportLostLease
from penstock.streams.alarms import Alarms
from penstock.streams.background import Background
from penstock.streams.hands import EventLoop, Hands
from penstock.streams.leases import Leases, incarnation_of
from penstock.streams.tools.effect import CallInput, reconcile
from penstock.streams.tools.lanes import Lanes, Slot, Wish
from penstock.streams.tools.ports import OpenCall, Toolbox
from penstock.streams.transactions import Stopping

log = logging.getLogger("penstock.streams.tools")

WATCH_EVERY_S: Final = 1.0
RECONCILE_LIMITS: Final = Limits(concurrency=2)
RETRY_FIRST_S: Final = 5.0
RETRY_LONGEST_S: Final = 300.0


@dataclass(slots=True)
class Suspect:
    """A call that another process started and hasn't answered."""

    call: OpenCall
    lease_id: str
    rowless_since_s: float | None = None
    reported_at_s: float | None = None


class Doubts:
    """Watches leases in a thread of its own, which may wait for the database; reconcilers run like tools."""

    def __init__(
        self,
        toolbox: Toolbox,
        leases: Leases,
        lanes: Lanes,
        hands: Hands,
        loop: EventLoop,
        alarms: Alarms,
        background: Background,
        send: Callable[[OpenCall, CallInput], None],
    ) -> None:
        self._toolbox = toolbox
        self._leases = leases
        self._lanes = lanes
        self._hands = hands
        self._loop = loop
        self._alarms = alarms
        self._background = background
        self._send = send
        self._lock = threading.Lock()
        self._suspects: dict[str, Suspect] = {}
        self._in_doubt: dict[str, OpenCall] = {}
        background.start("lost-leases", self._watch)

    def watch(self, call: OpenCall, lease_id: str) -> None:
        """Another process started this call; speak up when that process can't be alive any more."""
        with self._lock:
            known = self._suspects.get(call.key)
            if known is None or known.lease_id != lease_id:
                self._suspects[call.key] = Suspect(call, lease_id)

    def look_into(self, call: OpenCall) -> None:
        """The call is in doubt: ask its tool's reconciler, if it has one. A person is asked anyway."""
        with self._lock:
            self._suspects.pop(call.key, None)
            if call.key in self._in_doubt:
                return
            self._in_doubt[call.key] = call
        tool = self._toolbox.tool(call.requested.tool, call.requested.tool_version)
        if tool is not None and tool.reconcile is not None:
            self._queue(tool, call, RETRY_FIRST_S)

    def forget(self, key: str) -> None:
        """Settled, or another owner's."""
        with self._lock:
            self._suspects.pop(key, None)
            self._in_doubt.pop(key, None)

    def _queue(self, tool: Tool[object], call: OpenCall, retry_s: float) -> None:
        # Lanes of their own: calls that hang in the target must not keep the question from being asked.
        lane = f"reconcile {tool.name}"
        if not self._lanes.has(lane):
            self._lanes.open(lane, RECONCILE_LIMITS)

        def granted(slot: Slot) -> None:
            self._hands.submit(partial(self._reconcile, tool, call, retry_s, slot))

        Wish(self._lanes, lane, granted).ask()

    def _reconcile(self, tool: Tool[object], call: OpenCall, retry_s: float, slot: Slot) -> None:
        try:
            if self._in_doubt.get(call.key) is not call or self._background.stopping.is_set():
                return
            settlement = reconcile(tool, call, self._loop.result)
            if settlement is None:
                log.warning("%s can't tell what became of call %s: a person must say", tool.name, call.key)
            else:
                self._send(call, settlement)
        except Exception as error:  # noqa: BLE001 a reconciler's error leaves the doubt, and ends nothing
            log.warning("the reconciler of %s failed, trying again in %.0f s: %s", tool.name, retry_s, error)
            following_s = min(retry_s * 2, RETRY_LONGEST_S)
            self._alarms.after(retry_s, partial(self._queue, tool, call, following_s))
        finally:
            slot.release()

    def _watch(self) -> None:
        while not self._background.stopping.wait(WATCH_EVERY_S):
            with self._lock:
                suspects = list(self._suspects.values())
            if not suspects:
                continue
            try:
                states = self._leases.states({incarnation_of(each.lease_id) for each in suspects})
            except Stopping:
                return
            for suspect in suspects:
                if self._lost(suspect, states.get(incarnation_of(suspect.lease_id))):
                    self._report(suspect)

    def _lost(self, suspect: Suspect, holds: bool | None) -> bool:
        """`holds` None: there is no row. A restored database may have lost a living process's, until that
        process's next heartbeat finds out; so a missing row counts once it has been missing for a lease."""
        if holds is not None:
            suspect.rowless_since_s = None
            return not holds
        if suspect.rowless_since_s is None:
            suspect.rowless_since_s = time.monotonic()
        return time.monotonic() - suspect.rowless_since_s >= self._leases.lease_ms / 1000

    def _report(self, suspect: Suspect) -> None:
        now_s, call = time.monotonic(), suspect.call
        if suspect.reported_at_s is not None and now_s - suspect.reported_at_s < self._leases.lease_ms / 1000:
            return
        suspect.reported_at_s = now_s
        log.warning("call %s was started under lease %s, which is lost", call.key, suspect.lease_id)
        body = ReportLostLease(call_id=call.key, attempt=call.attempt, lease_id=suspect.lease_id)
        self._send(call, body)
