"""What a round happens on: a broker and a Postgres of its own behind proxies, on disks of its own, and workers."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from penstock.cli import api_keys
from penstock.cli.local import ports
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from penstock.producers.signing import Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import migrate
from penstock.schemas.topics import ALL_TOPICS
from tests.chaos.databases import Databases
from tests.chaos.matrix.clients import Clients
from tests.chaos.matrix.disk import Disk
from tests.chaos.matrix.hooks import Hooks
from tests.chaos.matrix.proxy import Proxy
from tests.chaos.matrix.schedule import API, TOPOLOGIES
from tests.chaos.matrix.target import DIRECTORY, Target
from tests.chaos.matrix.workers import Workers
from tests.integration.processes import Processes

APPLICATION: Final = "tests.chaos.matrix.orders:application"
NEXT_APPLICATION: Final = "tests.chaos.matrix.orders_next:application"
SESSION_TIMEOUT_MS: Final = 6_000
UP_S: Final = 60.0


class ProxiedBroker(LocalBroker):
    """A broker that tells its clients to come through a proxy, and no other way."""

    def __init__(self, home: Path, proxy_port: int) -> None:
        super().__init__(home, heap_mb=512)
        self._proxy_port = proxy_port
        self._port = 0
        # Whether it is the harness's alone: then the proxy is nobody's way to it.
        self.apart = False

    @property
    def bootstrap_servers(self) -> str:
        """The proxy's address; its own where it is apart."""
        return f"{ports.HOST}:{self.port() if self.apart else self._proxy_port}"

    def port(self) -> int:
        """Where the broker itself listens, or did last: the file is written anew at each start."""
        self._port = ports.read(self._ports_file).get("broker", self._port)
        return self._port

    def _write_properties(self) -> None:
        super()._write_properties()
        lines = self._properties.read_text().splitlines()
        told = f"advertised.listeners=PLAINTEXT://{self.bootstrap_servers}"
        kept = [told if line.startswith("advertised.listeners=") else line for line in lines]
        self._properties.write_text("\n".join(kept) + "\n")


class Site:
    """Made by `up`, taken away by `down`. Rounds follow each other on it, with everything that was before."""

    def __init__(self, home: Path, topology: str) -> None:
        self.home = home
        self.roles = TOPOLOGIES[topology]
        self.broker_proxy = Proxy(ports.free_port(), lambda: self.broker.port())
        self.database_proxy = Proxy(ports.free_port(), lambda: self._database_port())
        self.broker = ProxiedBroker(home, self.broker_proxy.port)
        self.database = LocalPostgres(home)
        self.workers_home = home / "workers"
        self.disks = {
            "broker": Disk(home / "kafka" / "logs"),
            "postgres": Disk(home / "postgres"),
            "home": Disk(self.workers_home),
        }
        self.target = Target(home / "target")
        self.hooks = Hooks()
        # What a fault leaves to be done when the round's verdict has been given.
        self.afterwards: list[Callable[[], None]] = []
        self.started = 0
        self._last_database_port = 0

    def up(self) -> "Site":
        """Start everything. A site that didn't come up is taken down before the error goes on."""
        try:
            self._servers()
            self._furnish()
            self._start()
        except BaseException:
            self.down()
            raise
        return self

    def down(self) -> None:
        """Stop all that was started, by process; the disks go, the logs of the workers stay."""
        if hasattr(self, "clients"):
            self.clients.close()
        if hasattr(self, "workers"):
            self.workers.close()
        self.hooks.close()
        self.database.kill()
        self.broker.kill()
        for proxy in (self.broker_proxy, self.database_proxy):
            with contextlib.suppress(AssertionError, RuntimeError):
                proxy.close()
        if (self.workers_home / "logs").exists():
            shutil.copytree(self.workers_home / "logs", self.home / "logs", dirs_exist_ok=True)
        for disk in self.disks.values():
            disk.unmount()

    @property
    def database_url(self) -> str:
        """The straight way, for the harness."""
        return self.database.url

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the harness's own, past the proxy."""
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=5)

    def revive(self) -> None:
        """Have both servers answer."""
        self.database.start()
        self.broker.start()

    def disturbed(self) -> bool:
        """Whether a server is kept from the workers now, so that they may need all of their time to close."""
        away = self.broker.process() is None or self.database.process() is None
        ways = (self.broker_proxy, self.database_proxy)
        return away or any(way.disturbed for way in ways) or any(d.filled for d in self.disks.values())

    def quiet(self) -> bool:
        """Whether everything runs and would hear a SIGTERM."""
        self.workers.up()
        until = time.monotonic() + UP_S
        while not ports.answers(self.api_port) and time.monotonic() < until:
            time.sleep(0.1)
        return ports.answers(self.api_port)

    def _database_port(self) -> int:
        self._last_database_port = urlsplit(self.database.url).port or self._last_database_port
        return self._last_database_port

    def _servers(self) -> None:
        for disk in self.disks.values():
            disk.mount()
        self.broker_proxy.start()
        self.database_proxy.start()
        self.revive()

    def _furnish(self) -> None:
        ensure_topics(self.broker.bootstrap_servers, ALL_TOPICS)
        migrate(self.database_url)
        self.keyring = Keyring.create(self.workers_home / "keys.json")
        keys = {key.subject: key.text for key in api_keys.ensure(self.workers_home / "api-keys.json")}
        self.databases = Databases(self.database, self.database_url)
        self.target.make()
        self.hooks.open().subscribe(self.database_url, self.keyring)
        self.api_port = ports.free_port()
        self.clients = Clients(self.broker.bootstrap_servers, self.keyring, self.api_port, keys["ana"])

    def _start(self) -> None:
        logs = self.workers_home / "logs"
        logs.mkdir()
        url = urlsplit(self.database_url)
        proxied = url._replace(netloc=url.netloc.replace(f":{url.port}", f":{self.database_proxy.port}"))
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "DATABASE_URL": proxied.geturl(),
            "PENSTOCK_HOME": str(self.workers_home),
            "PENSTOCK_APPLICATION": APPLICATION,
            "PENSTOCK_SESSION_TIMEOUT_MS": str(SESSION_TIMEOUT_MS),
            "PENSTOCK_API_PORT": str(self.api_port),
            "PENSTOCK_WEBHOOK_HOSTS_ALLOWED": ports.HOST,
            DIRECTORY: str(self.home / "target"),
        }
        self.workers = Workers(Processes(environment, logs), self.disturbed)
        for role in self.roles:
            self.workers.start(role)
        self.workers.keep()
        if not self.quiet():
            raise RuntimeError(f"the API didn't come up: see {logs} (process {os.getpid()})")

    @property
    def hosts(self) -> tuple[str, ...]:
        """The roles that load the application: all but the views'."""
        return tuple(role for role in self.roles if role not in (API, "views"))
