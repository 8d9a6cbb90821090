"""200 streams while the API is stopped, killed and started again under load: each event once and in order, for each."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from penstock.cli.api_keys import add
from penstock.cli.local import ports
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.signing import Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.topics import ALL_TOPICS
from tests.integration.processes import Processes, eventually, processes

pytestmark = [pytest.mark.broker, pytest.mark.timeout(200)]
APPLICATION: Final = "tests.integration.back_pressure_application:application"
API: Final = "api"
TENANTS: Final = ("one", "two")
# Of each tenant: runs that stay open while the API is disturbed, each with two streams, and runs that come and go.
OPEN_RUNS: Final = 40
QUICK_RUNS: Final = 25
TENANT_STREAMS: Final = 20
# Started, tool asked for, tool done, completed.
EVENTS: Final = 4
PAUSE_S: Final = 0.05
BACK_S: Final = 0.3


@dataclass
class Client:
    """A stream that comes back with its last id whenever it is cut off, at whichever process is there."""

    path: str
    key: str
    last_id: str | None = None
    seen: list[tuple[str, int]] = field(default_factory=list)
    connections: int = 0
    ended: bool = False

    async def follow(self, client: httpx.AsyncClient, enough: int | None) -> None:
        """Until the run has ended, or there were so many events."""
        while not self.ended and (enough is None or len(self.seen) < enough):
            with suppress(httpx.TransportError):
                await self._once(client, enough)
            await asyncio.sleep(BACK_S)

    async def _once(self, client: httpx.AsyncClient, enough: int | None) -> None:
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {self.key}"}
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        async with client.stream("GET", self.path, headers=headers) as answer:
            if answer.status_code == httpx.codes.NO_CONTENT:
                self.ended = True
            if answer.status_code != httpx.codes.OK:
                assert answer.status_code in (204, 404, 503), answer.status_code
                return
            self.connections += 1
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                self._line(line, fields)
                if enough is not None and len(self.seen) >= enough:
                    return

    def _line(self, line: str, fields: dict[str, str]) -> None:
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
            return
        kind, shown = fields.pop("event", ""), fields.pop("data", None)
        # Only a whole event moves the id on, as the standard says.
        self.last_id = fields.pop("id", self.last_id)
        if kind == "end":
            self.ended = True
        elif shown is not None:
            event = json.loads(shown)
            self.seen.append((event.get("run_id", ""), event["seq"]))


class Site:
    """Broker, database, worker, views and an API that is stopped and started on the same port."""

    def __init__(self, broker: LocalBroker, database: LocalPostgres, home: Path, children: Processes) -> None:
        self._children = children
        self.database = database
        self.slow = home / "slow"
        Keyring.create(home / "keys.json")
        self.keys = {
            tenant: add(home / "api-keys.json", f"ana-{tenant}", ("analyst",), tenant).text
            for tenant in TENANTS
        }
        self.port = ports.free_port()
        children.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "DATABASE_URL": database.url,
            "PENSTOCK_HOME": str(home),
            "PENSTOCK_APPLICATION": APPLICATION,
            "PENSTOCK_TEST_SLOW": str(self.slow),
            "PENSTOCK_API_PORT": str(self.port),
        }
        for words in (("worker", "all"), ("worker", "views")):
            children.start("-".join(words), ["penstock.cli.main", *words])
        self.start()
        eventually(lambda: ports.answers(self.port), 60, children.tails)

    def start(self) -> None:
        self._children.start(API, ["penstock.cli.main", "api"])

    async def end(self, number: signal.Signals) -> float:
        """How long it took to end."""
        child = self._children.running[API]
        began_s = time.monotonic()
        child.send_signal(number)
        while child.poll() is None:
            await asyncio.sleep(0.02)
        return time.monotonic() - began_s

    def tails(self) -> str:
        return self._children.tails()

    def events(self, tenant: str) -> dict[str, int]:
        """How many events each run of a tenant has."""
        with connect(self.database.url) as connection:
            select = "SELECT run_id, last_seq FROM views.run WHERE tenant = %s"
            return dict(connection.execute(select, (tenant,)).fetchall())


@contextmanager
def standing(home: Path) -> Iterator[Site]:
    broker, database = LocalBroker(home, heap_mb=512), LocalPostgres(home)
    broker.start()
    database.start()
    try:
        ensure_topics(broker.bootstrap_servers, ALL_TOPICS)
        migrate(database.url)
        with processes({}, home / "logs") as children:
            yield Site(broker, database, home, children)
    finally:
        database.stop()
        broker.stop()


async def start(client: httpx.AsyncClient, site: Site, tenant: str, key: str, *, slow: bool) -> str:
    """Until it is accepted: the same key again is the same run."""
    headers = {"Authorization": f"Bearer {site.keys[tenant]}", "Idempotency-Key": key}
    while True:
        with suppress(httpx.TransportError):
            review = {"case_id": key, "slow": slow}
            answer = await client.post("/case-review", json=review, headers=headers)
            if answer.status_code == httpx.codes.ACCEPTED:
                return str(answer.json()["task_id"])
        await asyncio.sleep(PAUSE_S)


async def load(client: httpx.AsyncClient, site: Site) -> None:
    """Runs that come and go all the while."""
    for number in range(QUICK_RUNS):
        for tenant in TENANTS:
            await start(client, site, tenant, f"quick-{number}", slow=False)


async def disturb(site: Site, clients: list[Client]) -> None:
    """SIGTERM and SIGKILL while every stream is open and runs are started."""

    async def all_are_open(times: int) -> None:
        while not all(each.connections >= times for each in clients):
            await asyncio.sleep(PAUSE_S)

    for times, number in ((1, signal.SIGTERM), (2, signal.SIGKILL)):
        await all_are_open(times)
        took_s = await site.end(number)
        assert took_s < 10, f"{number!r} took {took_s:.1f} s\n{site.tails()}"
        site.start()
    await all_are_open(3)


async def under_load(site: Site) -> tuple[list[Client], list[Client]]:
    """Follow runs and tenants while the API is disturbed, until every stream has what it came for."""
    site.slow.touch()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    url = f"http://127.0.0.1:{site.port}"
    async with httpx.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        keys = [(tenant, f"open-{number}") for number in range(OPEN_RUNS) for tenant in TENANTS]
        ids = await asyncio.gather(*(start(client, site, *each, slow=True) for each in keys))
        runs = [
            Client(f"/v1/runs/{run_id}/events", site.keys[tenant])
            for (tenant, _), run_id in zip(keys, ids, strict=True)
            for _ in range(2)
        ]
        path = "/v1/events?after=beginning"
        tenants = [Client(path, site.keys[TENANTS[each % 2]]) for each in range(2 * TENANT_STREAMS)]
        assert len(runs + tenants) == 200
        async with asyncio.TaskGroup() as group:
            for each in runs:
                group.create_task(each.follow(client, None))
            for each in tenants:
                group.create_task(each.follow(client, EVENTS * (OPEN_RUNS + QUICK_RUNS)))
            loading = group.create_task(load(client, site))
            await disturb(site, runs + tenants)
            site.slow.unlink()
            await loading
    return runs, tenants


def test_each_client_that_comes_back_has_every_event_once_and_in_order(tmp_path: Path) -> None:
    with standing(tmp_path) as site:
        runs, tenants = asyncio.run(asyncio.wait_for(under_load(site), 120))
        for each in runs:
            assert [seq for _, seq in each.seen] == list(range(1, EVENTS + 1)), f"{each}\n{site.tails()}"
        for number, each in enumerate(tenants):
            wanted = site.events(TENANTS[number % 2])
            histories: dict[str, list[int]] = {}
            for run_id, seq in each.seen:
                histories.setdefault(run_id, []).append(seq)
            assert histories == {run_id: list(range(1, last + 1)) for run_id, last in wanted.items()}
