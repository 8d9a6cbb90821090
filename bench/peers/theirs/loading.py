"""The load on a peer: a closed loop of reviews, and a person who answers what asks. Talks in lines of JSON.

Reads: commands on stdin, lines of the reviews from the pipe PEERS_DOOR. Writes: one answer a command on stdout.
`run`: so many reviews, so many at a time, none begun after so many seconds; every ask is answered at once.
`hold`: start so many at once and answer nobody until all have asked. `release`: answer those, and wait for all.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol


class Client(Protocol):
    """A peer as its client sees it. `review` returns when the review has durably ended."""

    async def review(self, number: int) -> dict[str, Any]:
        """Start the n-th review and wait for its result."""
        ...

    async def answer(self, run_id: str, token: str) -> None:
        """Grant it, as a person does."""

    def ended(self, run_id: str) -> None:
        """The review says that it is about to end."""


class Door:
    """Where reviews ask for a person. After a kill one may ask again; it is answered again, as it wants to be."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.held: dict[str, str] = {}
        self.holding = False
        self._answering: set[asyncio.Task[None]] = set()
        self.failures: list[BaseException] = []

    async def listen(self) -> None:
        """Hear `ask run token` and `end run token`."""
        lines = asyncio.StreamReader()
        pipe = os.fdopen(os.open(os.environ["PEERS_DOOR"], os.O_RDWR), "rb", buffering=0)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), pipe)
        while line := await lines.readline():
            self._hear(*line.decode().split())

    def _hear(self, word: str, run_id: str, token: str) -> None:
        if word == "end":
            self._client.ended(run_id)
        elif self.holding:
            self.held[run_id] = token
        else:
            self.answer(run_id, token)

    def answer(self, run_id: str, token: str) -> None:
        """Answer without waiting for it."""
        task = asyncio.get_running_loop().create_task(self._client.answer(run_id, token))
        self._answering.add(task)
        task.add_done_callback(self._answered)

    def release(self) -> None:
        """Answer all that were held, and whoever asks from now on."""
        self.holding = False
        for run_id, token in self.held.items():
            self.answer(run_id, token)
        self.held.clear()

    def _answered(self, task: "asyncio.Task[None]") -> None:
        self._answering.discard(task)
        if error := task.exception():
            self.failures.append(error)


class Load:
    """What the commands do."""

    def __init__(self, client: Client, door: Door) -> None:
        self._client = client
        self._door = door
        self._number = 0
        self._open: list[asyncio.Task[float]] = []

    async def run(self, reviews: int, in_flight: int, seconds: float) -> dict[str, Any]:
        """Latencies of a closed loop in milliseconds, its seconds and this process's CPU."""
        began_s, cpu_s = time.monotonic(), time.process_time()
        goal, latencies = self._number + reviews, list[float]()

        async def one_after_another() -> None:
            while self._number < goal and time.monotonic() - began_s < seconds:
                latencies.append(await self._one())

        await asyncio.gather(*(one_after_another() for _ in range(in_flight)))
        self._check()
        return {
            "latencies_ms": latencies,
            "seconds": time.monotonic() - began_s,
            "cpu_s": time.process_time() - cpu_s,
        }

    async def hold(self, reviews: int) -> dict[str, Any]:
        """Start so many, wait until all have asked."""
        self._door.holding = True
        self._open = [asyncio.create_task(self._one()) for _ in range(reviews)]
        while len(self._door.held) < reviews:
            for task in self._open:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)
        return {"held": reviews}

    async def release(self) -> dict[str, Any]:
        """Answer everybody, wait for all ends."""
        self._door.release()
        ended = await asyncio.gather(*self._open)
        self._check()
        return {"ended": len(ended)}

    async def _one(self) -> float:
        number, began_s = self._number, time.monotonic()
        self._number += 1
        result = await self._client.review(number)
        if result["case_id"] != f"B-{number}":
            raise ValueError(f"review {number} ended with {result!r}")
        return (time.monotonic() - began_s) * 1000

    def _check(self) -> None:
        if self._door.failures:
            raise self._door.failures[0]


async def serve(client: Client) -> None:
    """Obey until stdin ends."""
    door = Door(client)
    load = Load(client, door)
    hearing = asyncio.create_task(door.listen())
    does: dict[str, Callable[..., Coroutine[Any, Any, dict[str, Any]]]] = {
        "run": load.run,
        "hold": load.hold,
        "release": load.release,
    }
    print(json.dumps({"ready": True}), flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        print(json.dumps(await does[command.pop("do")](**command)), flush=True)
    hearing.cancel()
