"""Event streams as responses: how many there may be, and how one is sent, left and ended.

A stream has a place in this process and no thread or connection to the database. Its place is free as soon as its
client is seen to have gone, doesn't read for a while, or the process ends.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from penstock.api.callers import Caller
from penstock.api.event_rows import EventRows
from penstock.api.following import follow
from penstock.api.hub import Hub
from penstock.api.limits import EVENT_STREAM
from penstock.api.problems import Problem, answer_of, unavailable
from penstock.api.tracks import RunTrack, Track
from penstock.runtime import metric_names as names
from penstock.runtime.meters import Meters
from penstock.runtime.settings import Settings

# A client that takes nothing for so long has gone, or might as well have.
STALLED_S: Final = 30.0
# How long a stream has for its last words.
GOODBYE_S: Final = 1.0
RETRY_AFTER_S: Final = 5
_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept", "X-Accel-Buffering": "no"}


class Streams:
    """All event streams of a process."""

    def __init__(self, settings: Settings, meters: Meters, stalled_s: float = STALLED_S) -> None:
        self.rows = EventRows(settings)
        self.stalled_s = stalled_s
        self._hub = Hub(self.rows)
        self._settings = settings
        self._open = meters.total(names.STREAMS)
        self._callers: Counter[tuple[str, str]] = Counter()
        self._sending: set[asyncio.Task[None]] = set()

    def open(self, caller: Caller, track: Track, counts: Callable[[Caller], bool]) -> "EventStream":
        """The response that follows this track for as long as the caller's credentials count."""
        settings = self._settings
        bounds = (settings.api_stream_heartbeat_s, settings.api_stream_s_max)
        pieces = follow(track, self._hub, *bounds, partial(counts, caller))
        return EventStream(pieces, self, caller, "run" if isinstance(track, RunTrack) else "tenant")

    @contextmanager
    def place(self, caller: Caller, kind: str) -> Iterator[None]:
        """A place among all streams. Raises a 429 problem if the caller has all that it may, 503 if all are taken."""
        who = (caller.tenant, caller.subject)
        self._check(who)
        self._callers[who] += 1
        self._open.add(1, kind)
        try:
            yield
        finally:
            self._open.add(-1, kind)
            self._callers[who] -= 1
            if not self._callers[who]:
                del self._callers[who]

    async def send(self, sending: "asyncio.Task[None]", leaving: "asyncio.Task[None]") -> None:
        """Until all is sent, or the client has left, or this process does."""
        self._sending.add(sending)
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sending.discard(sending)
            ended = (sending, leaving)
            for task in ended:
                task.cancel()
            await asyncio.wait(ended)
        if not sending.cancelled():
            sending.result()

    def close(self) -> None:
        """Have every stream say goodbye; one that can't is cut off. Before the server waits for its requests."""
        self._hub.close()
        for sending in self._sending:
            asyncio.get_running_loop().call_later(GOODBYE_S, sending.cancel)

    def shut(self) -> None:
        """The same, and let the connections go."""
        self.close()
        self.rows.close()

    def _check(self, who: tuple[str, str]) -> None:
        settings = self._settings
        if self._callers[who] >= settings.api_streams_caller_max:
            detail = (
                f"You have as many event streams open as one caller may, {settings.api_streams_caller_max}"
                " (PENSTOCK_API_STREAMS_CALLER_MAX): close some, or follow all runs in one stream of GET /v1/events."
            )
            headers = {"Retry-After": str(RETRY_AFTER_S)}
            raise Problem(429, "too-many-streams", "Too many streams", detail, headers=headers)
        if self._callers.total() >= settings.api_streams_max:
            detail = (
                f"This process has as many event streams as it may, {settings.api_streams_max}"
                " (PENSTOCK_API_STREAMS_MAX): come back after Retry-After seconds, or read pages meanwhile."
            )
            raise unavailable("streams-full", "Streams full", detail, RETRY_AFTER_S)


class EventStream(StreamingResponse):
    """One stream's answer: its pieces as they come."""

    def __init__(
        self, pieces: AsyncGenerator[bytes, None], streams: Streams, caller: Caller, kind: str
    ) -> None:
        super().__init__(pieces, media_type=EVENT_STREAM, headers=_HEADERS)
        self._pieces = pieces
        self._streams = streams
        self._caller = caller
        self._kind = kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        try:
            place = self._streams.place(self._caller, self._kind)
            place.__enter__()
        except Problem as problem:
            await answer_of(problem, scope["path"])(scope, receive, send)
            return
        try:
            sending = asyncio.create_task(self._send_all(send))
            await self._streams.send(sending, asyncio.create_task(_left(receive)))
        finally:
            place.__exit__(None, None, None)

    async def _send_all(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                try:
                    async with asyncio.timeout(self._streams.stalled_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
