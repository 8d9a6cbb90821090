"""`doors`: how many requests a second one API process answers, and how soon, with a million runs behind its lists.

The views are filled with made-up runs; no worker runs, so what is measured is the door alone: what it starts is
acknowledged by the log and stays undecided. A closed loop over connections that are kept, first all together for the
rate, then one at a time for the answer's own time. Also: how soon a fresh process answers, and `penstock --help`.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from bench import cpu
from bench.failing import BenchFailed
from bench.figures import ROOT, Figures, quantile
from bench.filling import EVENTS, WITH_HISTORY, fill, run_id
from bench.knocking import Request, knock
from bench.standing import Standing, standing
from penstock.cli.api_keys import add
from penstock.cli.local import ports
from penstock.runtime.postgres import connect

APPLICATION: Final = "bench.door_application:application"
API: Final = "api"
UP_S: Final = 60.0
WARM_UP_S: Final = 2.0
# The tenant's share of open runs must not be what is measured.
NO_LIMIT: Final = str(10_000_000)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it can be told."""
    parser.add_argument("--runs", type=int, help="runs behind the lists (default 1000000, quick 50000)")
    parser.add_argument("--connections", type=int, default=8, help="requests at a time (default 8)")
    parser.add_argument("--seconds", type=float, help="how long for each route (default 10, quick 2)")


def measure(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Figures:
    """Fill the views, start the API, and ask each route."""
    runs = arguments.runs or (50_000 if arguments.quick else 1_000_000)
    seconds = arguments.seconds or (2.0 if arguments.quick else 10.0)
    help_ms = _help_ms(3 if arguments.quick else 10)
    tell(f"penstock --help: {help_ms:.0f} ms; filling the views with {runs} runs")
    with standing(tell) as at:
        with connect(at.database_url) as connection:
            fill(connection, runs)
        port, key = ports.free_port(), add(at.settings.api_keys_file, "ana", ("analyst",)).text
        cold_s = _start(at, port, key)
        tell(f"the API answers after {cold_s:.2f} s")
        found = asyncio.run(_Asking(at, port, key, arguments.connections, seconds, tell).every_route())
    line = {"cold_start_s": cold_s, "help_ms": help_ms, "runs_behind": float(runs)}
    for name, one in found.items():
        line |= {f"{name}_per_s": one.per_s, f"{name}_p50_ms": one.p50_ms, f"{name}_p95_ms": one.p95_ms}
        line |= {f"{name}_p99_ms": one.p99_ms, f"{name}_alone_p50_ms": one.alone_p50_ms}
        line |= {f"{name}_cpu_ms": one.cpu_ms}
    return Figures("doors", line, {"connections": arguments.connections, "seconds": seconds})


@dataclass(frozen=True, slots=True)
class Asked:
    """What one route did: requests a second and quantiles of ms with all connections asking; the median of one alone;
    CPU ms of the API process a request."""

    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    alone_p50_ms: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class _Asking:
    at: Standing
    port: int
    key: str
    connections: int
    seconds: float
    tell: Callable[[str], None]

    async def every_route(self) -> Mapping[str, Asked]:
        """Each route in turn."""
        found: dict[str, Asked] = {}
        for name, request in _requests(self.key).items():
            await self._ask(request, self.connections, WARM_UP_S)
            before_s = cpu.tree_s(self.at.pids()[API])
            began_s = time.monotonic()
            together = await self._ask(request, self.connections, self.seconds)
            took_s = time.monotonic() - began_s
            cpu_ms = 1000 * (cpu.tree_s(self.at.pids()[API]) - before_s) / len(together)
            alone = await self._ask(request, 1, self.seconds / 2)
            p50_ms, p95_ms, p99_ms = (quantile(together, share) for share in (0.5, 0.95, 0.99))
            one = Asked(len(together) / took_s, p50_ms, p95_ms, p99_ms, quantile(alone, 0.5), cpu_ms)
            self.tell(f"{name}: {one.per_s:.0f}/s, p50 {one.p50_ms:.1f}, p99 {one.p99_ms:.1f} ms")
            found[name] = one
            self.at.check()
        return found

    async def _ask(self, request: Request, connections: int, seconds: float) -> list[float]:
        return await knock(self.port, request, connections, seconds)


def _requests(key: str) -> Mapping[str, Request]:
    """By name, how the nth request of a kind reads."""
    head = f"Host: localhost\r\nAuthorization: Bearer {key}\r\nAccept: application/json\r\n"

    def get(path: Callable[[int], str]) -> Request:
        return lambda number: f"GET {path(number)} HTTP/1.1\r\n{head}\r\n".encode()

    def start(number: int) -> bytes:
        words = {"workflow": "case-review", "input": {"case_id": f"D-{number}", "text": "x" * 1_024}}
        body = json.dumps(words)
        own = f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return f"POST /v1/runs HTTP/1.1\r\n{head}{own}\r\n{body}".encode()

    return {
        "start": start,
        "get": get(lambda number: f"/v1/runs/{run_id(number % WITH_HISTORY)}"),
        "events": get(lambda number: f"/v1/runs/{run_id(number % WITH_HISTORY)}/events?limit={EVENTS}"),
        "list": get(lambda number: f"/v1/runs?limit=50&workflow=w{number % 20}&status=completed"),
        "list_by_attribute": get(lambda number: f"/v1/runs?limit=50&attribute=desk:%22{number % 500}%22"),
    }


def _start(at: Standing, port: int, key: str) -> float:
    """Start the API; seconds until it has answered a question of the views."""
    began_s = time.monotonic()
    unlimited = {"PENSTOCK_OPEN_RUNS_TENANT_MAX": NO_LIMIT, "PENSTOCK_OPEN_RUNS_TOTAL_MAX": NO_LIMIT}
    unlimited["PENSTOCK_API_KEY_REQUESTS_PER_MINUTE"] = NO_LIMIT
    words = ("penstock.cli.main", "api")
    at.start(API, words, PENSTOCK_APPLICATION=APPLICATION, PENSTOCK_API_PORT=str(port), **unlimited)
    headers = {"Authorization": f"Bearer {key}"}

    def answers() -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/v1/runs?limit=1", headers=headers)
        except httpx.TransportError:
            return False
        if answer.status_code != 200:
            raise BenchFailed(f"the API answered {answer.status_code}: {answer.text[:300]}")
        return True

    at.until(answers, UP_S, lambda: "the API doesn't answer")
    return time.monotonic() - began_s


def _help_ms(rounds: int) -> float:
    """The median time of `penstock --help`, its modules compiled before."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as compiled:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        argv = [sys.executable, "-m", "penstock.cli.main", "--help"]
        took_ms = []
        for _ in range(rounds + 1):
            began_s = time.monotonic()
            subprocess.run(argv, env=environment, check=True, capture_output=True)
            took_ms.append((time.monotonic() - began_s) * 1000)
    return statistics.median(took_ms[1:])
