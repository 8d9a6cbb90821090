"""What a deferrable tool is handed to have its call answered later, and what is said when it has handed it on."""

from datetime import UTC, datetime, timedelta
from typing import Final

from penstock.declare.call import Callback
from penstock.declare.tools import Tool
from penstock.producers.callbacks import CallbackClaim, CallbackTokens
from penstock.producers.clock import Clock
from penstock.schemas.run.records import DeferToolCall
from penstock.streams.tools.ports import OpenCall

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Deferring:
    """Makes callbacks. The wait for one begins when its tool does, by this process's clock."""

    def __init__(self, tokens: CallbackTokens | None, clock: Clock, public_url: str) -> None:
        """`public_url`: where outside systems reach the API, empty if nobody has said so. `tokens` None: no tool of
        this process is deferrable."""
        self._tokens = tokens
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    def callback(self, tool: Tool[object], call: OpenCall) -> Callback | None:
        """For this attempt of the call; None if the tool itself answers."""
        if tool.deferred_ms is None or self._tokens is None:
            return None
        expires_at_ms = self._clock.now_ms() + tool.deferred_ms
        claim = CallbackClaim(call.tenant, call.run_id, call.key, call.attempt, expires_at_ms)
        token = self._tokens.issue(claim)
        url = f"{self._public_url}/v1/callbacks/{token}" if self._public_url else None
        return Callback(token, url, _EPOCH + expires_at_ms * _MILLISECOND)


def handed_over(call: OpenCall, lease_id: str, callback: Callback) -> DeferToolCall:
    """The word to the run that an outside system has the call."""
    return DeferToolCall(
        call_id=call.key,
        attempt=call.attempt,
        lease_id=lease_id,
        expires_at_ms=(callback.expires_at - _EPOCH) // _MILLISECOND,
    )
