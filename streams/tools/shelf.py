"""Calls that wait keep only what scheduling needs: a tool that is slow shouldn't fill the memory with arguments.

The request stands beside in its bytes as the log has them, which are written into every snapshot and are never
dropped; so what is put away is there when it is wanted, whatever is away.
"""

from dataclasses import replace
from sys import intern
from typing import Final

from penstock.schemas.codec import Codec
from penstock.schemas.envelope.records import Payload
from penstock.schemas.run.records import ToolCallRequested
from penstock.streams.tools.ports import OpenCall

# Below this number of open calls it isn't worth the time, which is about 25 us of CPU a call.
WHOLE_CALLS_MAX: Final = 1_000
_PUT_AWAY: Final = Payload(content_type="", content=None, reference=None, sha256="", key_id=None)


class Shelf:
    """Puts arguments away and takes them out again. For one caller at a time, and never for a call that runs."""

    def __init__(self, codec: Codec | None, whole_calls_max: int = WHOLE_CALLS_MAX) -> None:
        """`codec` reads the log's bytes; without one nothing is put away."""
        self._codec = codec
        self._whole_calls_max = whole_calls_max

    def put(self, call: OpenCall, open_calls: int) -> None:
        """The call waits, one of so many: its arguments aren't wanted soon."""
        if self._codec is None or open_calls <= self._whole_calls_max or _is_put_away(call):
            return
        asked = call.requested
        slim = replace(asked, arguments=_PUT_AWAY, tool=intern(asked.tool))
        _say(call, slim)

    def take(self, call: OpenCall) -> None:
        """The call is about to be looked at: have its arguments there."""
        if self._codec is not None and _is_put_away(call):
            _, body = self._codec.decode_event(call.value)
            assert isinstance(body, ToolCallRequested)
            _say(call, body)


def _is_put_away(call: OpenCall) -> bool:
    return call.requested.arguments is _PUT_AWAY


def _say(call: OpenCall, requested: ToolCallRequested) -> None:
    """In place, because the fold and the claim hold the same call. It says the same as before."""
    object.__setattr__(call, "requested", requested)
