"""Bounds what requests may hold of this process: how long their bodies are and take, and how many there are at once."""

import asyncio
import time
from collections import Counter
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.api.problems import Problem, answer_of, unavailable

BODY_BYTES_MAX_DEFAULT: Final = 1024 * 1024
BODY_S_DEFAULT: Final = 10.0
EVENT_STREAM: Final = "text/event-stream"
# One caller may have one request in so many of them.
_CALLER_PART: Final = 2
# How this process is must be seen most of all when it is busy.
_ALWAYS: Final = "/health/"
_WAITING: Final = "penstock.waiting"


def _caller(scope: Scope) -> bytes:
    """Who comes, as far as one can say without looking at the credentials: they can be written in several ways."""
    said: bytes = dict(scope["headers"]).get(b"authorization", b"")
    return said.split(None, 1)[-1].strip() if said.strip() else b""


def begins_stream(message: Message) -> bool:
    """Whether an answer begins that goes on for as long as its client likes."""
    return message["type"] == "http.response.start" and any(
        name.lower() == b"content-type" and value.startswith(EVENT_STREAM.encode())
        for name, value in message.get("headers", ())
    )


class Waiting:
    """By what a request that has a place waits for its client's body; by nothing while it doesn't."""

    timeout: asyncio.Timeout | None = None

    def give_way(self) -> bool:
        """End the wait, if there is one."""
        timeout, self.timeout = self.timeout, None
        if timeout is None or timeout.expired():
            return False
        timeout.reschedule(asyncio.get_running_loop().time())
        return True


class BodyLimit:
    """ASGI middleware: reading more than `bytes_max` of a body raises a 413 problem in whoever reads it, waiting for
    it longer than `seconds` a 408."""

    def __init__(
        self, app: ASGIApp, bytes_max: int = BODY_BYTES_MAX_DEFAULT, seconds: float = BODY_S_DEFAULT
    ) -> None:
        self._app = app
        self._bytes_max = bytes_max
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"")
        too_long = declared.isdigit() and int(declared) > self._bytes_max
        until_s = time.monotonic() + self._seconds
        waiting: Waiting = scope.get(_WAITING) or Waiting()
        seen, whole = 0, False

        async def receive_limited() -> Message:
            nonlocal seen, whole
            if too_long:
                raise self._too_long()
            if whole:
                # What comes after the body is that the client has gone, and that may take its time.
                return await receive()
            try:
                async with asyncio.timeout(until_s - time.monotonic()) as waiting.timeout:
                    message = await receive()
            except TimeoutError:
                raise self._too_slow() from None
            finally:
                waiting.timeout = None
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > self._bytes_max:
                raise self._too_long()
            return message

        await self._app(scope, receive_limited, send)

    def _too_long(self) -> Problem:
        return Problem(
            413,
            "body-too-large",
            "Body too large",
            f"A request's body is at most {self._bytes_max} bytes: send large content by reference.",
            headers={"Connection": "close"},
        )

    def _too_slow(self) -> Problem:
        return Problem(
            408,
            "body-too-slow",
            "Body too slow",
            f"A request's body must be here within {self._seconds:g} s, and at once while this process has as many "
            "requests as it may. Nothing was taken: send it again, faster.",
            headers={"Connection": "close"},
        )


class RequestLimit:
    """ASGI middleware: at most `requests_max` requests at once, of one caller half as many. The next one is answered
    at once by a 503 problem, so that what waits for a slow log or database is bounded, and one caller's crowd leaves
    room for the others. Nothing of a refused request was looked at.

    Where all places are taken, the oldest request whose client hasn't sent its body yet gives way: a body is read
    before anybody looks at credentials, so that else a few hundred connections of nobody's could hold them all."""

    def __init__(self, app: ASGIApp, requests_max: int) -> None:
        self._app = app
        self._requests_max = requests_max
        self._caller_max = max(1, requests_max // _CALLER_PART)
        self._active: Counter[bytes] = Counter()
        # The oldest first.
        self._inside: dict[Waiting, None] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http" or scope["path"].startswith(_ALWAYS):
            await self._app(scope, receive, send)
            return
        caller = _caller(scope)
        if self._active[caller] >= self._caller_max or not self._has_room():
            await answer_of(self._busy(), scope["path"])(scope, receive, send)
            return
        waiting = scope[_WAITING] = Waiting()
        self._inside[waiting] = None
        self._active[caller] += 1

        def let_go() -> None:
            if waiting in self._inside:
                del self._inside[waiting]
                self._active[caller] -= 1
                if not self._active[caller]:
                    del self._active[caller]

        async def send_held(message: Message) -> None:
            if begins_stream(message):
                # From here on it waits for nobody but its client, and has a limit of its own.
                let_go()
            await send(message)

        try:
            await self._app(scope, receive, send_held)
        finally:
            let_go()

    def _has_room(self) -> bool:
        """Whether there is a place for one more, or will be as soon as the one that gives way has gone."""
        return len(self._inside) < self._requests_max or any(each.give_way() for each in self._inside)

    def _busy(self) -> Problem:
        detail = (
            f"This process works on as many requests as it may, {self._requests_max}, or {self._caller_max} of this "
            "caller (PENSTOCK_API_REQUESTS_MAX): something that it waits for is slow. Nothing was taken: send it "
            "again after Retry-After seconds, and fewer at once."
        )
        return unavailable("too-many-requests-at-once", "Too many requests at once", detail)
