"""A webhooks worker over a log in memory, a real Postgres and receivers that listen."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from penstock.producers.signing import Authority, Key, Keyring
from penstock.runtime import postgres_webhooks as table
from penstock.runtime.postgres import connect, migrate
from penstock.runtime.webhook_secrets import new_secret, seal
from penstock.runtime.webhooks import KINDS, Delivered, Webhook
from penstock.streams.background import Background
from penstock.streams.webhooks.agent import webhooks_host
from penstock.streams.webhooks.posting import Poster, Resolver
from tests.runner.effects import Driver, Effects
from tests.webhooks.receiver import Receiver

KEYRING = Keyring([Key("api", b"a" * 32, Authority.API)])


def now_ms() -> int:
    return int(time.time() * 1000)


def subscribe(
    database_url: str,
    keyring: Keyring,
    url: str,
    *kinds: str,
    webhook_id: str = "w1",
    tenant: str = "local",
) -> str:
    """A subscription, made now; its secret."""
    secret = new_secret()
    webhook = Webhook(webhook_id, tenant, url, kinds or KINDS, "", 1, datetime.now(UTC), "olga")
    with connect(database_url) as connection:
        assert table.add(connection, webhook, seal(keyring, webhook_id, secret), now_ms())
    return secret


@dataclass
class World(Effects):
    """Whose workers post to 127.0.0.1 too."""

    receivers: list[Receiver] = field(default_factory=list)
    timeout_s: float = 15.0

    def receiver(self, **how: Any) -> Receiver:
        made = Receiver(**how).start()
        self.receivers.append(made)
        return made

    def subscribe(self, url: str, *kinds: str, webhook_id: str = "w1", tenant: str = "local") -> str:
        """A subscription, made now; its secret."""
        return subscribe(self.database_url, KEYRING, url, *kinds, webhook_id=webhook_id, tenant=tenant)

    def webhook(self, webhook_id: str = "w1") -> Webhook:
        with connect(self.database_url) as connection:
            found = table.one(connection, "local", webhook_id)
        assert found is not None
        return found

    def deliveries(self, webhook_id: str = "w1") -> list[Delivered]:
        """Oldest event first."""
        with connect(self.database_url) as connection:
            found = table.deliveries(connection, "local", webhook_id, table.Page(limit=500))
        return sorted(found, key=lambda one: (one.time_ms, one.filed_at))

    def tell(self, statement: bytes) -> None:
        """Change what stands in the tables."""
        with connect(self.database_url) as connection:
            connection.execute(statement)

    def worker(self) -> "Driver[Any]":
        """One that has taken the partition and read what is there."""
        background = Background()
        allowed = frozenset({"127.0.0.1"})
        host = webhooks_host(
            open_log=self.log.another_client,
            database_url=self.database_url,
            background=background,
            poster=lambda: Poster(KEYRING, allowed, Resolver(), self.timeout_s),
            save_every_s=0,
        )
        driver: Driver[Any] = Driver(self, host, background)
        self.hosts.append(driver)
        return driver.take_all()

    def close(self) -> None:
        super().close()
        for receiver in self.receivers:
            receiver.stop()


@pytest.fixture(scope="module")
def migrated(postgres_server: str) -> Iterator[str]:
    """A database that the tests of a module share: each finds the tables empty."""
    name = f"test_webhooks_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_conninfo(postgres_server, dbname=name)
    migrate(url)
    yield url
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def world(migrated: str) -> Iterator[World]:
    with connect(migrated) as connection:
        connection.execute(
            "TRUNCATE penstock.webhook, penstock.webhook_delivery, penstock.noticed_run, penstock.effect_position"
        )
    made = World(migrated)
    yield made
    made.close()
