"""The server of `penstock api`: ends streams before it waits for requests, and drops connections that lead nowhere."""

import asyncio
import logging
import resource
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from penstock.api.connections import UNTAKEN_S, BoundedProtocol, Bounds
from penstock.runtime.closing import end_within

log = logging.getLogger("penstock.api")

# Beside the connections: the log's, the database's, files.
OWN_FILES = 256
# For requests under way, and then for the log's answers.
CLOSE_S = 10.0
END_S = 2 * CLOSE_S + 2


class Server(uvicorn.Server):
    """`before_shutdown` is called once, on the event loop, when the process is told to end."""

    def __init__(self, config: uvicorn.Config, before_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_shutdown = before_shutdown

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT has come: the process ends in time also when a thread waits for what doesn't come."""
        end_within(END_S, lambda: 1)
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does; what is accepted from now on has a listener's options."""
        await super().startup(sockets)
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        for listener in (one for server in self.servers for one in server.sockets):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if option is not None:
                # Linux only: others notice a peer that has vanished later.
                listener.setsockopt(socket.IPPROTO_TCP, option, int(UNTAKEN_S * 1000))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, which waits for every request that is being answered: a stream would never be."""
        self._before_shutdown()
        await super().shutdown(sockets)


def bounded(head_s: float, connections_max: int) -> "type[asyncio.Protocol]":
    """What uvicorn makes of each connection. There are no more of them than the process may have open files."""
    return cast(
        "type[asyncio.Protocol]",
        partial(BoundedProtocol, bounds=Bounds(head_s, min(connections_max, _files() - OWN_FILES))),
    )


def _files() -> int:
    """How many open files the process may have, after it has asked for all that it can get."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return soft
    return hard
