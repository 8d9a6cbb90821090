"""Who is told: a receiver of webhooks, a subscription of each tenant to all kinds, and what came to each.

A database that was dropped took the subscriptions with it, which are configuration: they are made anew then, and what
was owed to the old ones isn't any more.
"""

import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import psycopg

from penstock.producers.signing import Keyring
from penstock.runtime import postgres_webhooks as table
from penstock.runtime.postgres import connect
from penstock.runtime.webhook_secrets import new_secret, seal
from penstock.runtime.webhooks import KINDS, Webhook
from tests.chaos.matrix.clients import NEIGHBOUR, TENANT
from tests.webhooks.receiver import Receiver

# Some posts are answered like this for a while: whoever posts holds them back, and comes again.
AWAY: Final = 503
WELL: Final = 204
HURRIED_EVERY_S: Final = 2.0
# A dead process's lease ends within the minute, and a receiver that was away is tried again within five: nobody here
# waits for that.
_HURRY: Final = (
    "UPDATE penstock.webhook SET held_until = NULL",
    "UPDATE penstock.webhook_delivery SET next_at = now() WHERE status = 'waiting'",
)


@dataclass(frozen=True, slots=True)
class Subscription:
    """One tenant's. `since_ms` is when it was made; `lost` whether a database was dropped with it."""

    webhook_id: str
    tenant: str
    secret: str
    since_ms: int
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Post:
    """What came, at whose address it came, and whether it was taken."""

    webhook_id: str
    headers: dict[str, str]
    body: bytes
    taken: bool


@dataclass(slots=True)
class Hooks:
    """One site's; it listens from `open` to `close`."""

    receiver: Receiver = field(default_factory=Receiver)
    subscriptions: list[Subscription] = field(default_factory=list)
    _hurried_at: float = 0.0

    def open(self) -> "Hooks":
        """Listen."""
        self.receiver.start()
        return self

    def close(self) -> None:
        """Listen no more."""
        self.receiver.stop()

    def subscribe(self, database_url: str, keyring: Keyring) -> None:
        """Subscribe both tenants, in a database that knows of no subscription."""
        known = [Subscription(s.webhook_id, s.tenant, s.secret, s.since_ms, True) for s in self.subscriptions]
        made = []
        for tenant in (TENANT, NEIGHBOUR):
            name, secret, now_ms = uuid.uuid4().hex[:16], new_secret(), time.time_ns() // 1_000_000
            url = f"http://127.0.0.1:{self.receiver.port}/{name}"
            webhook = Webhook(name, tenant, url, KINDS, "", 1, datetime.now(UTC), "olga")
            with connect(database_url) as connection:
                assert table.add(connection, webhook, seal(keyring, name, secret), now_ms)
            made.append(Subscription(name, tenant, secret, now_ms))
        self.subscriptions = [*known, *made]

    def answer(self, *, well: bool) -> None:
        """Take what comes from now on, or don't."""
        self.receiver.status = WELL if well else AWAY

    def posts(self) -> list[Post]:
        """Everything that came, in order."""
        return [
            Post(one.path.removeprefix("/"), one.headers, one.body, one.status == WELL)
            for one in list(self.receiver.received)
        ]

    def waiting(self, connection: "psycopg.Connection[tuple[object, ...]]") -> int:
        """How many deliveries are still to be made; now and then they are made due at once."""
        row = connection.execute(
            "SELECT count(*) FROM penstock.webhook_delivery WHERE status = 'waiting'"
        ).fetchone()
        left = int(str(row[0])) if row else 0
        if left and time.monotonic() > self._hurried_at + HURRIED_EVERY_S:
            self._hurried_at = time.monotonic()
            for statement in _HURRY:
                connection.execute(statement.encode())
        return left
