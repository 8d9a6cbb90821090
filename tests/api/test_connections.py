"""One connection's bounds, over a transport that a test can look at."""

import asyncio

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from penstock.api.connections import BoundedProtocol, Bounds

BOUNDS = Bounds(head_s=30, connections_max=2, untaken_s=0.02)


class Wire(asyncio.Transport):
    """What was written, and how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = ""

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.written += data

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def is_closing(self) -> bool:
        return bool(self.ended)


async def _never(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.sleep(60)


def _connect(state: ServerState) -> tuple[BoundedProtocol, Wire]:
    protocol, wire = BoundedProtocol(uvicorn.Config(_never), state, {}, bounds=BOUNDS), Wire()
    protocol.connection_made(wire)
    return protocol, wire


def test_who_does_not_read_is_cut_off_and_who_reads_again_is_not() -> None:
    async def scenario() -> None:
        state = ServerState()
        (stalled, gone), (slow, still) = _connect(state), _connect(state)
        for each in (stalled, slow):
            each.pause_writing()
        slow.resume_writing()
        await asyncio.sleep(0.1)
        assert (gone.ended, still.ended) == ("aborted", "")

    asyncio.run(scenario())


def test_one_connection_too_many_has_the_one_that_waits_longest_make_room() -> None:
    async def scenario() -> None:
        state = ServerState()
        request = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
        busy, busy_wire = _connect(state)
        busy.data_received(request)
        _, idle_wire = _connect(state)
        third, third_wire = _connect(state)
        assert (busy_wire.ended, idle_wire.ended, third_wire.ended) == ("", "closed", "")
        third.data_received(request)
        _, fourth_wire = _connect(state)
        assert fourth_wire.ended == "closed"
        assert b" 503 " in fourth_wire.written
        assert b"PENSTOCK_API_CONNECTIONS_MAX" in fourth_wire.written
        for task in state.tasks:
            task.cancel()

    asyncio.run(scenario())
