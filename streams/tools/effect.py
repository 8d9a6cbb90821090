"""`perform(tool, call) -> answer`: one execution of a tool, and what is known afterwards.

What a tool raises decides what is said: `Declined` and `NotDone` mean that nothing happened, anything else
that nobody knows. For read and idempotent tools that is a failure worth trying again, for unsafe ones a
doubt. A result that is too large or doesn't fit the tool's own type fails a read or idempotent call for good.
An unsafe call has happened all the same: it completes, with a note of what was left out and its hash.
"""

import inspect
import time
from collections.abc import Coroutine
from typing import Final, Protocol, TypeAlias, TypeVar

from penstock.declare.call import Call, Callback, Deferred, Happened, NeverWill, Reconciled
from penstock.declare.errors import Declined, InvalidArguments, NotDone
from penstock.declare.tools import Tool
from penstock.schemas.canonical import (
    PayloadTooLarge,
    PayloadUnreadable,
    json_payload,
    payload_of,
    read_payload,
    sha256_hex,
)
from penstock.schemas.envelope.records import Failure, Payload
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import (
    CompleteToolCall,
    DeferToolCall,
    FailToolCall,
    ReportLostLease,
    SettleToolCall,
    StartToolCall,
)
from penstock.streams.describing import described, message_of
from penstock.streams.tools.deferring import handed_over
from penstock.streams.tools.ports import OpenCall

R = TypeVar("R")
Ending: TypeAlias = CompleteToolCall | FailToolCall | DeferToolCall
CallInput: TypeAlias = Ending | ReportLostLease | SettleToolCall | StartToolCall


class Awaited(Protocol):
    """Waits in a thread for a coroutine that runs in the event loop."""

    def __call__(self, coroutine: Coroutine[object, object, R], timeout_s: float | None) -> R:
        """What it returns; raises what it raises, TimeoutError if it takes longer."""
        ...


MESSAGE_CHARS_MAX: Final = 2_000
BASES: Final = ("key_voided", "deadline_passed")


def perform(
    tool: Tool[object], call: OpenCall, lease_id: str, awaited: Awaited, callback: Callback | None = None
) -> Ending:
    """Run the tool once, here and now. Never raises for what the tool does. `callback`: if it is deferrable."""
    try:
        arguments = tool.decode_arguments(read_payload(call.requested.arguments))
    except (InvalidArguments, PayloadUnreadable) as error:
        return failed(call, lease_id, "invalid_arguments", str(error), not_done=True)
    began_s = time.monotonic()
    try:
        value = tool.function(_told(call, callback), **arguments)
        if inspect.iscoroutine(value):
            value = awaited(value, call.requested.timeout_ms / 1000)
    except Deferred:
        return _deferred(call, lease_id, callback)
    except Exception as error:  # noqa: BLE001 whatever a tool raises is its answer, never this worker's end
        return _raised(call, lease_id, error, began_s)
    return _ended(tool, call, lease_id, value, began_s)


async def perform_async(
    tool: Tool[object], call: OpenCall, lease_id: str, callback: Callback | None = None
) -> Ending:
    """The same in an event loop, for a tool that is a coroutine function. It may be cancelled."""
    try:
        arguments = tool.decode_arguments(read_payload(call.requested.arguments))
    except (InvalidArguments, PayloadUnreadable) as error:
        return failed(call, lease_id, "invalid_arguments", str(error), not_done=True)
    began_s = time.monotonic()
    try:
        value: object = await tool.function(_told(call, callback), **arguments)  # type: ignore[misc]
    except Deferred:
        return _deferred(call, lease_id, callback)
    except Exception as error:  # noqa: BLE001 as in perform
        return _raised(call, lease_id, error, began_s)
    return _ended(tool, call, lease_id, value, began_s)


def failed(
    call: OpenCall,
    lease_id: str,
    kind: str,
    message: str,
    *,
    not_done: bool = False,
    retryable: bool = False,
    began_s: float | None = None,
) -> FailToolCall:
    """The answer that it didn't work. Messages are cut: they go into an immutable log, and a tool's exception
    may quote anything."""
    return FailToolCall(
        call_id=call.key,
        attempt=call.attempt,
        lease_id=lease_id,
        error=Failure(kind=kind, message=message[:MESSAGE_CHARS_MAX], retryable=retryable),
        not_done=not_done,
        duration_ms=_since_ms(began_s),
    )


def reconcile(tool: Tool[object], call: OpenCall, awaited: Awaited) -> SettleToolCall | None:
    """Ask the target what became of a call in doubt; None if it can't tell. Raises whatever the tool's own
    reconciler raises."""
    assert tool.reconcile is not None
    arguments = tool.decode_arguments(read_payload(call.requested.arguments))
    answered = tool.reconcile(_told(call), arguments)
    answer: Reconciled = answered if isinstance(answered, Reconciled) else awaited(answered, None)
    evidence = f"reconciler of {tool.name} version {tool.version}"
    if isinstance(answer, Happened):
        return SettleToolCall(
            call_id=call.key,
            attempt=call.attempt,
            happened=True,
            result=None if answer.result is None else _result(tool, answer.result),
            basis="target_journal",
            evidence=evidence,
        )
    if isinstance(answer, NeverWill):
        return SettleToolCall(
            call_id=call.key,
            attempt=call.attempt,
            happened=False,
            basis="deadline_passed" if answer.basis == "deadline_passed" else "key_voided",
            evidence=evidence,
        )
    return None


def input_id(body: CallInput) -> str:
    """The same for the same answer, so that one sent twice is one input."""
    if isinstance(body, SettleToolCall):
        which = f"happened={body.happened}"
    elif isinstance(body, FailToolCall):
        which = f"{body.lease_id}:{body.error.kind}"
    else:
        which = body.lease_id
    return derived_id(body.call_id, f"{body.attempt}:{type(body).__name__}:{which}")


def _raised(call: OpenCall, lease_id: str, error: Exception, began_s: float) -> FailToolCall:
    again = not call.unsafe
    said = message_of(error, MESSAGE_CHARS_MAX)
    if isinstance(error, Declined):
        return failed(call, lease_id, "declined", said, not_done=True, began_s=began_s)
    if isinstance(error, NotDone):
        return failed(call, lease_id, "not_done", said, not_done=True, retryable=True, began_s=began_s)
    if isinstance(error, TimeoutError):
        return failed(call, lease_id, "timeout", said, retryable=again, began_s=began_s)
    return failed(
        call, lease_id, "exception", described(error, MESSAGE_CHARS_MAX), retryable=again, began_s=began_s
    )


def _ended(tool: Tool[object], call: OpenCall, lease_id: str, value: object, began_s: float) -> Ending:
    try:
        result = payload_of(tool.encode_result(value))
    except InvalidArguments as error:
        kind, message = "invalid_result", str(error)
    except PayloadTooLarge as error:
        kind, message = "result_too_large", f"{error}; the tool did its work"
    else:
        return _completed(call, lease_id, result, began_s)
    if not call.unsafe:
        return failed(call, lease_id, kind, message, began_s=began_s)
    return _completed(call, lease_id, _note(tool, value, kind), began_s)


def _completed(call: OpenCall, lease_id: str, result: Payload, began_s: float) -> CompleteToolCall:
    return CompleteToolCall(
        call_id=call.key,
        attempt=call.attempt,
        lease_id=lease_id,
        result=result,
        duration_ms=_since_ms(began_s),
    )


def _result(tool: Tool[object], value: object) -> Payload:
    try:
        return payload_of(tool.encode_result(value))
    except (InvalidArguments, PayloadTooLarge):
        return _note(tool, value, "result_too_large")


def _note(tool: Tool[object], value: object, kind: str) -> Payload:
    """What stands in a result's place when it happened but can't be said."""
    try:
        sha256: str | None = sha256_hex(tool.encode_result(value))
    except InvalidArguments:
        sha256 = None
    return json_payload({"result_omitted": True, "reason": kind, "sha256": sha256})


def _deferred(call: OpenCall, lease_id: str, callback: Callback | None) -> Ending:
    # Only a tool without `deferred` has no callback, and there `Call.defer` raises another error.
    assert callback is not None
    return handed_over(call, lease_id, callback)


def _told(call: OpenCall, callback: Callback | None = None) -> Call:
    return Call(
        call_id=call.key,
        attempt=call.attempt,
        run_id=call.run_id,
        tenant=call.tenant,
        requester=call.requester,
        handed=callback,
    )


def start_of(call: OpenCall, lease_id: str, worker: str) -> StartToolCall:
    """The question whether an unsafe call may begin under that lease."""
    return StartToolCall(call_id=call.key, attempt=call.attempt, lease_id=lease_id, worker=worker)


def _since_ms(began_s: float | None) -> int:
    return 0 if began_s is None else round((time.monotonic() - began_s) * 1000)
