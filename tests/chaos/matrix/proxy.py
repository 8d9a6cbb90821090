"""A TCP proxy between the workers and a server: it cuts connections, refuses them, or lets nothing through.

Works without rights and without tools of the system, which iptables and `ss -K` need.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Final, TypeVar

from penstock.cli.local.ports import HOST

T = TypeVar("T")

CHUNK_BYTES: Final = 64 * 1024
ANSWER_S: Final = 10.0


class Proxy:
    """Forwards one port to another. `start` and what follows may be called from any thread."""

    def __init__(self, port: int, backend: Callable[[], int]) -> None:
        """`backend` tells the server's port at each connection: it may have moved."""
        self.port = port
        self._backend = backend
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {port}", daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._refusing = False
        self._server: asyncio.Server | None = None

    def start(self) -> "Proxy":
        """Listen from now on."""
        self._thread.start()
        self._do(self._listen())
        return self

    @property
    def disturbed(self) -> bool:
        """Whether it is refusing or silent now."""
        return self._refusing or not self._flowing.is_set()

    def cut(self) -> int:
        """Reset every connection that there is; how many there were."""
        return self._do(self._cut())

    def refuse(self, refusing: bool) -> None:
        """Whether new connections are closed at once."""
        self._refusing = refusing

    def silence(self, silent: bool) -> None:
        """Whether bytes are held back, in both directions, with every connection left open."""
        self._do(self._silence(silent))

    def close(self) -> None:
        """Listen no more, and cut what is open."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_S)
        self._loop.close()

    def _do(self, step: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result(ANSWER_S)

    async def _listen(self) -> None:
        self._flowing.set()
        self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=CHUNK_BYTES)

    async def _cut(self) -> int:
        there = list(self._open)
        for writer in there:
            writer.transport.abort()
        return len(there) // 2

    async def _silence(self, silent: bool) -> None:
        if silent:
            self._flowing.clear()
        else:
            self._flowing.set()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        self._flowing.set()
        await self._cut()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            inner_reader, inner_writer = await asyncio.open_connection(HOST, self._backend())
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, inner_writer}
        self._open |= pair
        ways = [
            asyncio.ensure_future(self._pump(reader, inner_writer)),
            asyncio.ensure_future(self._pump(inner_reader, writer)),
        ]
        # A cancelled connection ends as any other: the loop would complain of one that tells it.
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for one in pair:
            one.close()
        self._open -= pair

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK_BYTES):
                await self._flowing.wait()
                sink.write(chunk)
                await sink.drain()
