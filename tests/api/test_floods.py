"""The real server against clients that are slow, many, or speak something else: others are answered meanwhile."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from penstock.cli import api_keys
from penstock.cli.local import ports
from penstock.producers.signing import Keyring
from tests.api.odd_requests import ODD
from tests.api.stranger_clients import Dripping, many, request, say
from tests.integration.processes import Processes, eventually, processes
from tests.views.database import empty

HEAD_S = 1.5
CONNECTIONS_MAX = 200
# Generous: others work on this machine too.
ANSWER_S = 15.0
MEMORY_MB_MAX = 100
REQUESTS = 600
# Connections to the database, which the process opens as it needs them and keeps.
KEPT = 16


@dataclass
class Server:
    """`penstock api` as a process of its own. Its log is away, which is nothing to those who only read."""

    port: int
    key: str
    pid: int
    children: Processes

    def headers(self) -> list[tuple[str, str]]:
        return [("Authorization", f"Bearer {self.key}")]

    def is_well(self) -> float:
        """The seconds that a good client waits, who comes on a new connection."""
        began_s = time.monotonic()
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=ANSWER_S) as client:
            assert client.get("/health/live").status_code == 200, self.children.tails()
            answer = client.get("/v1/runs", headers=dict(self.headers()))
            # All of this key's places may be taken, and that is said at once.
            assert answer.status_code in (200, 503), answer.text
        return time.monotonic() - began_s

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def memory_mb(self) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


@pytest.fixture(scope="module")
def server(views_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("home")
    Keyring.create(home / "keys.json")
    key = api_keys.ensure(home / "api-keys.json")[0].text
    port = ports.free_port()
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "DATABASE_URL": empty(views_database),
        "PENSTOCK_HOME": str(home),
        "PENSTOCK_API_PORT": str(port),
        "PENSTOCK_API_HEAD_S": str(HEAD_S),
        "PENSTOCK_API_CONNECTIONS_MAX": str(CONNECTIONS_MAX),
    }
    with processes(environment, home / "logs") as children:
        child = children.start("api", ["penstock.cli.main", "api"])
        eventually(lambda: ports.answers(port), 60, children.tails)
        made = Server(port, key, child.pid, children)
        made.is_well()
        yield made
        assert not children.died("api"), children.tails()


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_an_odd_request_is_answered_with_a_problem(server: Server, odd: object) -> None:
    assert isinstance(odd, type(ODD[0]))
    heard = say(server.port, odd.make(server.headers()), count=odd.count)
    assert len(heard.statuses) == odd.count, heard.raw[:500]
    assert set(heard.statuses) <= odd.answers, heard.raw[:500]
    if heard.status >= 400:
        assert b"application/problem+json" in heard.raw, heard.raw[:500]
        assert b'"detail":' in heard.raw


def test_after_them_the_server_is_as_well_as_before(server: Server) -> None:
    assert server.is_well() < ANSWER_S


def test_five_hundred_who_send_a_byte_now_and_then_keep_nobody_out(server: Server) -> None:
    before = server.descriptors()
    slow = Dripping(server.port, 500, b"GET /v1/runs HTTP/1.1\r\nHost: test\r\nx: ")
    try:
        # More than there is room for: the ones before have made it.
        eventually(lambda: slow.closed() >= 500 - CONNECTIONS_MAX, 10, lambda: f"{slow.closed()} are gone")
        assert server.is_well() < ANSWER_S
        until_s = time.monotonic() + 30
        while slow.closed() < len(slow.sockets):
            assert time.monotonic() < until_s, f"{slow.closed()} of {len(slow.sockets)}"
            slow.drip()
            time.sleep(0.2)
        assert server.is_well() < ANSWER_S
    finally:
        slow.close()
    eventually(lambda: server.descriptors() <= before + 5, 10, lambda: str(server.descriptors()))


def test_who_is_slow_is_told_so(server: Server) -> None:
    heard = say(server.port, b"GET /v1/runs HTTP/1.1\r\nHost: test\r\nx: ")
    assert heard.statuses == (408,)
    assert b"PENSTOCK_API_HEAD_S" in heard.raw
    # The rest of a body that nobody reads has no more time than a head.
    rest = Dripping(server.port, 1, request("GET", "/v1/runs", [("Content-Length", "1000")], b"{"))

    def given_up() -> bool:
        rest.drip()
        return rest.closed() == 1

    try:
        eventually(given_up, 30, lambda: "it is held for ever")
    finally:
        rest.close()


@pytest.mark.parametrize("known", [True, False])
def test_a_flood_from_one_leaves_room_for_others(server: Server, known: bool) -> None:
    server.is_well()
    descriptors, memory_mb = server.descriptors(), server.memory_mb()
    raw = request("GET", "/v1/runs", [*(server.headers() if known else []), ("Connection", "close")])
    with ThreadPoolExecutor(1) as other:
        flood = other.submit(lambda: asyncio.run(many(server.port, raw, REQUESTS, 150)))
        waited_s = [server.is_well()]
        while not flood.done():
            waited_s.append(server.is_well())
        answers = flood.result()
    # Where there is no room for the next, the one that is waited for longest is closed without an answer.
    assert answers.count(0) <= REQUESTS // 50
    assert set(answers) <= ({0, 200, 429, 503} if known else {0, 401, 429, 503}), sorted(set(answers))
    assert max(waited_s) < ANSWER_S
    assert server.memory_mb() < memory_mb + MEMORY_MB_MAX
    eventually(lambda: server.descriptors() <= descriptors + KEPT, 10, lambda: str(server.descriptors()))
