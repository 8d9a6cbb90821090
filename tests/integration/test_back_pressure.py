"""A slow tool, a slow database, a slow log, on real parts: who waits for it, and who goes on undisturbed."""

import asyncio
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from penstock.cli.api_keys import add
from penstock.cli.local import ports
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.signing import Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import migrate
from penstock.schemas.topics import ALL_TOPICS
from tests.integration.processes import Processes, eventually, processes

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]
APPLICATION = "tests.integration.back_pressure_application:application"
OPEN_RUNS_MAX = 20
REQUESTS_MAX = 20
ONE, TWO = "one", "two"


class Site:
    """Broker, database, worker, views and an API with low limits; people of two tenants."""

    def __init__(self, broker: LocalBroker, database: LocalPostgres, home: Path, children: Processes) -> None:
        self._broker, self._database, self._children = broker, database, children
        self.slow = home / "slow"
        Keyring.create(home / "keys.json")
        self._keys = {
            tenant: add(home / "api-keys.json", f"ana-{tenant}", ("analyst",), tenant).text
            for tenant in (ONE, TWO)
        }
        port = ports.free_port()
        self.url = f"http://127.0.0.1:{port}"
        children.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "DATABASE_URL": database.url,
            "PENSTOCK_HOME": str(home),
            "PENSTOCK_APPLICATION": APPLICATION,
            "PENSTOCK_TEST_SLOW": str(self.slow),
            "PENSTOCK_API_PORT": str(port),
            "PENSTOCK_API_REQUESTS_MAX": str(REQUESTS_MAX),
            "PENSTOCK_OPEN_RUNS_TENANT_MAX": str(OPEN_RUNS_MAX),
        }
        for words in (("worker", "all"), ("worker", "views"), ("api",)):
            children.start("-".join(words), ["penstock.cli.main", *words])
        eventually(lambda: ports.answers(port), 60, children.tails)

    def tails(self) -> str:
        return self._children.tails()

    async def start(
        self, client: httpx.AsyncClient, tenant: str, key: str, *, slow: bool = False
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._keys[tenant]}", "Idempotency-Key": key}
        return await client.post("/case-review", json={"case_id": key, "slow": slow}, headers=headers)

    async def read(self, client: httpx.AsyncClient, tenant: str, task_id: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._keys[tenant]}"}
        return await client.get(f"/case-review/{task_id}", headers=headers)

    async def until_completed(
        self, client: httpx.AsyncClient, tenant: str, task_ids: Sequence[str], seconds: float
    ) -> None:
        until = time.monotonic() + seconds
        for task_id in task_ids:
            while (answer := await self.read(client, tenant, task_id)).json().get("status") != "completed":
                assert time.monotonic() < until, f"{answer.text}\n{self.tails()}"
                await asyncio.sleep(0.1)

    @contextmanager
    def frozen_database(self) -> Iterator[None]:
        process = self._database.process()
        assert process is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, check=True
        )
        with _frozen([process.pid, *map(int, children.stdout.split())]):
            yield

    @contextmanager
    def frozen_log(self) -> Iterator[None]:
        process = self._broker.process()
        assert process is not None
        with _frozen([process.pid]):
            yield


@contextmanager
def _frozen(pids: Sequence[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("back-pressure")
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


def test_a_slow_tool_slows_its_own_and_fills_its_own_tenant(site: Site) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
            site.slow.touch()
            slow = [
                (await site.start(client, ONE, f"slow-{number}", slow=True)).json()["task_id"]
                for number in range(OPEN_RUNS_MAX)
            ]
            refused = await site.start(client, ONE, "slow-more", slow=True)
            assert (refused.status_code, refused.json()["limit"]) == (429, "open_runs_tenant_max")
            assert int(refused.headers["retry-after"]) > 0
            assert (await site.start(client, ONE, "slow-0", slow=True)).status_code == 202, "a repeat"
            quick = [
                (await site.start(client, TWO, f"quick-{number}")).json()["task_id"] for number in range(10)
            ]
            await site.until_completed(client, TWO, quick, 30)
            stands = {(await site.read(client, ONE, task_id)).json()["status"] for task_id in slow}
            assert stands == {"running"}
            site.slow.unlink()
            await site.until_completed(client, ONE, slow, 30)
            await asyncio.sleep(1.5)
            assert (await site.start(client, ONE, "slow-more", slow=True)).status_code == 202

    asyncio.run(scenario())


def test_a_database_that_hangs_holds_up_only_who_asks_it(site: Site) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
            known = (await site.start(client, TWO, "known")).json()["task_id"]
            await site.until_completed(client, TWO, [known], 30)
            with site.frozen_database():
                began = time.monotonic()
                reads = [asyncio.create_task(site.read(client, ONE, known)) for _ in range(2 * REQUESTS_MAX)]
                await asyncio.sleep(0.5)
                # More readers than the database has threads hang now.
                assert (await client.get("/health/live")).status_code == 200
                assert (await site.start(client, TWO, "known")).status_code == 202, (
                    "asks nobody but the process"
                )
                assert time.monotonic() - began < 4
                answers = await asyncio.gather(*reads)
                assert time.monotonic() - began < 10
            assert {answer.status_code for answer in answers} == {503}
            assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
            kinds = _kinds(answers)
            assert kinds == {
                "database-away": REQUESTS_MAX // 2,
                "too-many-requests-at-once": 3 * REQUESTS_MAX // 2,
            }
            await site.until_completed(client, TWO, [known], 30)

    asyncio.run(scenario())


def test_a_log_that_hangs_holds_up_so_many_starts_and_nobody_who_reads(site: Site) -> None:
    async def scenario() -> None:
        async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
            known = (await site.start(client, TWO, "read-me")).json()["task_id"]
            await site.until_completed(client, TWO, [known], 30)
            keys = [f"flood-{number}" for number in range(2 * REQUESTS_MAX)]
            with site.frozen_log():
                starts = [asyncio.create_task(site.start(client, ONE, key)) for key in keys]
                await asyncio.sleep(0.5)
                began = time.monotonic()
                assert (await site.read(client, TWO, known)).json()["status"] == "completed"
                assert time.monotonic() - began < 2
                answers = await asyncio.gather(*starts)
            assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
            kinds = _kinds(answers)
            assert kinds == {
                "log-away": REQUESTS_MAX // 2,
                "too-many-requests-at-once": 3 * REQUESTS_MAX // 2,
            }
            again: list[str] = []
            for key in keys[: REQUESTS_MAX // 2]:
                answer = await site.start(client, ONE, key)
                assert answer.status_code == 202, answer.text
                again.append(answer.json()["task_id"])
            await site.until_completed(client, ONE, again, 60)

    asyncio.run(scenario())


def _kinds(answers: Sequence[httpx.Response]) -> Counter[str]:
    return Counter(answer.json()["type"].rpartition(":")[2] for answer in answers)
