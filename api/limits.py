"""Refuses request bodies that are too long before they are in memory."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.api.problems import Problem

BODY_BYTES_MAX_DEFAULT: Final = 1024 * 1024


class BodyLimit:
    """ASGI middleware: reading more than `bytes_max` of a body raises a 413 problem in whoever reads it."""

    def __init__(self, app: ASGIApp, bytes_max: int = BODY_BYTES_MAX_DEFAULT) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        too_long = declared.isdigit() and int(declared) > self._bytes_max
        seen = 0

        async def receive_limited() -> Message:
            nonlocal seen
            if too_long:
                raise self._problem()
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._bytes_max:
                raise self._problem()
            return message

        await self._app(scope, receive_limited, send)

    def _problem(self) -> Problem:
        return Problem(
            413,
            "body-too-large",
            "Body too large",
            f"A request's body is at most {self._bytes_max} bytes: send large content by reference.",
            headers={"Connection": "close"},
        )
