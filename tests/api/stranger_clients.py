"""Clients that no library would be: they speak bytes, slowly, wrongly or by the thousand."""

import asyncio
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

WAIT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What a connection was told: the status of each answer, and all of the bytes. No status: it was closed."""

    statuses: tuple[int, ...]
    raw: bytes

    @property
    def status(self) -> int:
        """Of the first answer; 0 if there was none."""
        return self.statuses[0] if self.statuses else 0


def statuses(raw: bytes) -> tuple[int, ...]:
    """Of all answers in what was heard."""
    return tuple(int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", raw))


def say(port: int, *pieces: bytes, count: int = 1, seconds: float = WAIT_S) -> Heard:
    """Say these and listen until the server closes, or has nothing more to say for a moment after so many answers."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        # It may have closed before all is said.
        with suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        with suppress(OSError):
            while part := connection.recv(65_536):
                heard += part
                if len(statuses(heard)) >= count:
                    connection.settimeout(0.3)
    return Heard(statuses(heard), heard)


async def many(port: int, raw: bytes, count: int, at_once: int) -> list[int]:
    """The first status that each of so many connections gets for the same bytes; 0 where it gets none."""
    gate = asyncio.Semaphore(at_once)

    async def one() -> int:
        async with gate:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(raw)
                line = await asyncio.wait_for(reader.readline(), WAIT_S)
                writer.close()
            except (OSError, TimeoutError):
                return 0
            return int(line.split(b" ")[1]) if line.startswith(b"HTTP/1.1 ") else 0

    return list(await asyncio.gather(*(one() for _ in range(count))))


class Dripping:
    """Connections that are open and send a byte a second, or nothing."""

    def __init__(self, port: int, count: int, begin: bytes) -> None:
        self.sockets: list[socket.socket] = []
        for _ in range(count):
            with suppress(OSError):
                one = socket.create_connection(("127.0.0.1", port), timeout=5)
                one.sendall(begin)
                one.setblocking(False)
                self.sockets.append(one)

    def drip(self, byte: bytes = b"x") -> "Dripping":
        """One byte more, on each that is still there."""
        for one in self.sockets:
            with suppress(OSError):
                one.send(byte)
        return self

    def closed(self) -> int:
        """How many the server has closed, or answered and closed."""
        return sum(_is_closed(one) for one in self.sockets)

    def close(self) -> None:
        for one in self.sockets:
            one.close()


def _is_closed(one: socket.socket) -> bool:
    try:
        while one.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def request(method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """The bytes of a request. `Host` is there; lengths are said by whoever asks."""
    lines = [f"{method} {target} HTTP/1.1", "Host: test", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
