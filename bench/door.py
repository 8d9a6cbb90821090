"""`door`: how long `POST /case-review` takes at a given rate, while the system works on what it takes in.

An open loop: requests are sent when their time has come, whether or not earlier ones were answered, so that a
slow answer doesn't slow the asking. Latencies count from the time at which a request was due.
"""

import argparse
import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Final

import httpx
import psycopg

from bench import cpu
from bench.casework import TOGETHER, start_workers
from bench.failing import BenchFailed
from bench.figures import Figures, quantile
from bench.standing import Standing, standing
from penstock.cli.api_keys import add
from penstock.cli.local import ports

APPLICATION: Final = "bench.door_application:application"
API: Final = "api"
UP_S: Final = 60.0
END_S: Final = 60.0
WARM_UP_S: Final = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second (default 50)")
    parser.add_argument("--seconds", type=float, help="how long (default 60, quick 10)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Start everything, ask at the rate, and see that each review that was accepted ends."""
    seconds = arguments.seconds or (10.0 if arguments.quick else 60.0)
    with standing(tell) as at:
        key = add(at.settings.api_keys_file, "ana", ("analyst",)).text
        port = ports.free_port()
        start_workers(at, TOGETHER, APPLICATION)
        words = ("penstock.cli.main", "api")
        at.start(API, words, PENSTOCK_APPLICATION=APPLICATION, PENSTOCK_API_PORT=str(port))
        at.until(lambda: ports.answers(port), UP_S, lambda: "the API doesn't answer")
        door = _Door(f"http://127.0.0.1:{port}", key)
        asyncio.run(door.ask(arguments.rate, WARM_UP_S))
        tell(f"{arguments.rate:.0f} requests a second for {seconds:.0f} s")
        before, warm = cpu.by_name(at.pids()), len(door.latencies_ms)
        asyncio.run(door.ask(arguments.rate, seconds))
        spent = cpu.used(before, cpu.by_name(at.pids()))
        _await_ends(at, len(door.latencies_ms))
        found = door.latencies_ms[warm:]
    line = {
        "requests_per_s": len(found) / seconds,
        "p50_ms": quantile(found, 0.5),
        "p95_ms": quantile(found, 0.95),
        "p99_ms": quantile(found, 0.99),
        "cpu_ms_api": 1000 * spent[API] / len(found),
    }
    return Figures("door", line, {"requests": len(found), "rate": arguments.rate, "max_ms": max(found)})


class _Door:
    """A client that keeps its connections."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}
        self.latencies_ms: list[float] = []

    async def ask(self, rate: float, seconds: float) -> None:
        """So many requests a second for so long. Raises BenchFailed unless each is accepted."""
        began_s = time.monotonic()
        async with httpx.AsyncClient(base_url=self._url, headers=self._headers, timeout=30) as client:
            asked = []
            for number in range(round(rate * seconds)):
                due_s = began_s + number / rate
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                asked.append(asyncio.create_task(self._one(client, due_s)))
            await asyncio.gather(*asked)

    async def _one(self, client: httpx.AsyncClient, due_s: float) -> None:
        words = {"case_id": f"D-{uuid.uuid4()}", "text": "x" * 1_024}
        answer = await client.post("/case-review", json=words, headers={"Idempotency-Key": str(uuid.uuid4())})
        if answer.status_code != 202:
            raise BenchFailed(f"a request was answered with {answer.status_code}: {answer.text[:300]}")
        self.latencies_ms.append((time.monotonic() - due_s) * 1000)


def _await_ends(at: Standing, reviews: int) -> None:
    with psycopg.connect(at.database_url, autocommit=True, application_name="bench") as connection:

        def ended() -> int:
            statement = "SELECT count(*) FROM views.run WHERE status = 'completed'"
            row = connection.execute(statement).fetchone()
            return int(row[0]) if row else 0

        at.until(
            lambda: ended() == reviews, END_S, lambda: f"{ended()} of {reviews} accepted reviews have ended"
        )
