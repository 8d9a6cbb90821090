"""What every answer has: HEAD is answered as GET without the body, and nobody keeps or guesses at what they were told.

What was read with an ETag may be kept by whom it was for, and is asked for again each time; all else is kept by nobody:
it holds what people decided on, and now and then a secret.
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEPT_BY_NOBODY: Final = "no-store"
ASKED_FOR_AGAIN: Final = "private, no-cache"
# A stream has no length that a HEAD could tell.
_STREAMS: Final = b"accept"


class Answers:
    """ASGI middleware, the innermost: those around it see the method that was asked for."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        only_head = scope["method"] == "HEAD"
        reads = only_head or scope["method"] == "GET"

        async def send_so(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                kept = ASKED_FOR_AGAIN if reads and "ETag" in headers else KEPT_BY_NOBODY
                headers.setdefault("Cache-Control", kept)
                headers.setdefault("X-Content-Type-Options", "nosniff")
            elif only_head:
                message = {**message, "body": b""}
            await send(message)

        await self._app(_as_get(scope) if only_head else scope, receive, send_so)


def _as_get(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name != _STREAMS]
    return {**scope, "method": "GET", "headers": headers}
