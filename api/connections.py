"""What a connection may keep of this process: how long it may take over a request's head, and over reading an answer.

uvicorn waits for a head for as long as it takes, byte by byte, and for a reader who doesn't read: a few thousand such
connections use up a process's descriptors, and nobody gets in any more. So each has its time here, and when there are
as many as there may be, the one that has let the process wait for the longest makes room.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from penstock.api.problems import Problem, answer_of, unavailable

# What was sent and not taken for so long: the peer has vanished, or doesn't read.
UNTAKEN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds for a request's head; seconds in which what was sent must begin to be taken; connections at once."""

    head_s: float
    connections_max: int
    untaken_s: float = UNTAKEN_S


class BoundedProtocol(H11Protocol):
    """One connection. It waits while no request is being answered: for a head, or for the rest of a body that nobody
    reads, and so long it may be closed to make room."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        bounds: Bounds,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = bounds
        self._waits_since_s: float | None = None
        self._heard = False
        self._look: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._note()
        self._look_after(self._bounds.head_s)
        if len(self.connections) > self._bounds.connections_max:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._look, self._stalled):
            if timer is not None:
                timer.cancel()
        self._look = self._stalled = None

    def data_received(self, data: bytes) -> None:
        self._heard = True
        super().data_received(data)
        self._note()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self._bounds.untaken_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        """What isn't HTTP, or has too long a head, is told so; what broke off in its body has nobody to be told."""
        self.end(
            Problem(
                400,
                "malformed-request",
                "Malformed request",
                "This is no request of HTTP/1.1, or its head is longer than 64 KiB: correct it and send it again.",
            )
        )

    def end(self, problem: Problem) -> None:
        """Answer with a problem, if no answer has begun, and close."""
        if self.cycle is not None and not self.cycle.response_complete:
            # Whoever works on it finds that its client has gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = answer_of(problem, "")
            headers = [*answer.raw_headers, (b"connection", b"close")]
            for event in (
                h11.Response(status_code=answer.status_code, headers=headers),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _note(self) -> None:
        """Whether the process waits for the client now, and since when."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._waits_since_s = None
        elif self._waits_since_s is None:
            self._waits_since_s = self.loop.time()
            self._heard = False

    def _look_after(self, seconds: float) -> None:
        self._look = self.loop.call_later(seconds, self._look_at_it)

    def _look_at_it(self) -> None:
        if self.transport.is_closing():
            # What it was told last it doesn't take.
            self.transport.abort()
            return
        waited_s = 0.0 if self._waits_since_s is None else self.loop.time() - self._waits_since_s
        if waited_s < self._bounds.head_s:
            self._look_after(self._bounds.head_s - waited_s)
            return
        self._tell_and_close()
        self._look_after(self._bounds.untaken_s)

    def _tell_and_close(self) -> None:
        if not self._heard:
            self.transport.close()
            return
        self.end(
            Problem(
                408,
                "head-too-slow",
                "Head too slow",
                f"A request's head must be here within {self._bounds.head_s:g} s (PENSTOCK_API_HEAD_S): send it again, "
                "faster. Nothing was taken.",
            )
        )

    def _make_room(self) -> None:
        """One too many: whoever has been waited for longest goes; if all are being answered, this one."""
        waiting = [
            (one._waits_since_s, id(one), one)
            for one in self.connections
            if isinstance(one, BoundedProtocol)
            and one is not self
            and one._waits_since_s is not None
            and not one.transport.is_closing()
        ]
        if waiting:
            min(waiting)[2].transport.close()
            return
        self.end(
            unavailable(
                "too-many-connections",
                "Too many connections",
                f"This process has as many connections as it may, {self._bounds.connections_max} "
                "(PENSTOCK_API_CONNECTIONS_MAX), and answers all of them: come back after Retry-After seconds.",
            )
        )
