"""Open calls as a fold of run events (law L6): requested, started, deferred, in doubt, held, settled."""

from sys import intern
from typing import Final

from penstock.schemas.run.records import (
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.tools.ports import Open, OpenCall, OpenRun

_TYPES: Final = (
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunStarted,
    ToolCallCompleted,
    ToolCallDeferred,
    ToolCallFailed,
    ToolCallHeld,
    ToolCallInDoubt,
    ToolCallRefused,
    ToolCallRequested,
    ToolCallStarted,
)


_OF_AN_ATTEMPT: Final = (ToolCallStarted, ToolCallDeferred, ToolCallInDoubt, ToolCallFailed, ToolCallHeld)


class CallFold:
    """Pure: what is open follows from the events alone."""

    types: frozenset[str] = frozenset(each.__name__ for each in _TYPES)

    def evolve(self, open_work: OpenWork[Open], seen: Seen) -> None:
        """A request opens a call or its next attempt, a settlement closes it, a run's end closes all.

        A call that is held has nothing open: its next attempt is a request of its own.
        """
        body = seen.body
        if isinstance(body, ToolCallRequested):
            run = open_work.get(seen.meta.entity_id)
            requester = run.requester if isinstance(run, OpenRun) else ""
            tenant = intern(seen.meta.tenant)
            open_work.put(OpenCall(seen.meta.entity_id, tenant, body, seen.value, requester))
        elif isinstance(body, RunStarted):
            open_work.put(OpenRun(seen.meta.entity_id, body.requester))
        elif isinstance(body, RunCompleted | RunFailed | RunCancelled):
            open_work.remove_run(seen.meta.entity_id)
        elif isinstance(body, ToolCallCompleted | ToolCallRefused):
            open_work.remove(body.call_id)
        elif isinstance(body, _OF_AN_ATTEMPT):
            call = open_work.get(body.call_id)
            if not isinstance(call, OpenCall) or body.attempt != call.attempt:
                return
            if isinstance(body, ToolCallStarted):
                open_work.put(call.started(body.lease_id, body.worker))
            elif isinstance(body, ToolCallDeferred):
                open_work.put(call.handed_over())
            elif isinstance(body, ToolCallInDoubt):
                open_work.put(call.doubted())
            else:
                open_work.remove(body.call_id)
