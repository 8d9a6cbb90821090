"""A client as small as it can be, so that its own cost isn't what is measured: HTTP/1.1 over kept connections."""

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from bench.failing import BenchFailed

# The bytes of the nth request.
Request: TypeAlias = Callable[[int], bytes]


async def knock(port: int, request: Request, connections: int, seconds: float) -> list[float]:
    """Ask for so long over so many connections, each when it has its answer; ms of each answer.

    Raises BenchFailed for an answer that isn't 200 or 202.
    """
    numbers, until_s = count(), time.monotonic() + seconds
    found: list[float] = []

    async def one() -> None:
        reading, writing = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        try:
            while (began_s := time.monotonic()) < until_s:
                writing.write(request(next(numbers)))
                await _answer(reading)
                found.append((time.monotonic() - began_s) * 1000)
        finally:
            writing.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return found


async def _answer(reading: asyncio.StreamReader) -> None:
    head = (await reading.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reading.readexactly(length)
    if head.split(None, 2)[1] not in (b"200", b"202"):
        raise BenchFailed(f"a request was answered with {head[:40]!r}: {body[:300]!r}")
