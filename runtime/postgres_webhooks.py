"""The tables of webhooks, as an operator changes and reads them. Who may is asked elsewhere, and what is done is
recorded on the log before it is done here. Every statement names the tenant. What posts has statements of its own
(streams/webhooks/rows.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from psycopg.rows import kwargs_row

from penstock.runtime.postgres import Connected
from penstock.runtime.webhooks import TEST, WEBHOOKS_TENANT_MAX, Delivered, Webhook

_COLUMNS: Final[LiteralString] = """
    webhook_id, tenant, url, kinds, description, version, created_at, created_by, secret_before_until, disabled_at,
    disabled_reason, failing_since, held_until"""
_DELIVERY: Final[LiteralString] = """
    event_id, kind, status, attempts, time_ms, filed_at, next_at, last_at, last_status, last_error, ended_at, body"""
_MINE: Final[LiteralString] = "webhook_id = %(webhook_id)s AND tenant = %(tenant)s"
_AS_SEEN: Final[LiteralString] = f"{_MINE} AND (%(seen)s::bigint IS NULL OR version = %(seen)s)"

_INSERT: Final = f"""
INSERT INTO penstock.webhook (webhook_id, tenant, url, kinds, description, secret, since_ms, created_by)
SELECT %(webhook_id)s, %(tenant)s, %(url)s, %(kinds)s, %(description)s, %(secret)s, %(since_ms)s, %(created_by)s
WHERE (SELECT count(*) FROM penstock.webhook WHERE tenant = %(tenant)s) < {WEBHOOKS_TENANT_MAX}
ON CONFLICT (webhook_id) DO NOTHING""".encode()
_CHANGE: Final[LiteralString] = f"""
UPDATE penstock.webhook SET url = %(url)s, kinds = %(kinds)s, description = %(description)s, version = version + 1,
    failures = 0, failing_since = NULL, held_until = NULL
WHERE {_MINE} AND version = %(version)s"""
_ROTATE: Final[LiteralString] = f"""
UPDATE penstock.webhook SET secret_before = secret, secret_before_until = clock_timestamp() + %(grace)s,
    secret = %(secret)s, version = version + 1
WHERE {_AS_SEEN}"""
_DISABLE: Final[LiteralString] = f"""
UPDATE penstock.webhook SET disabled_at = clock_timestamp(), disabled_reason = %(reason)s, version = version + 1
WHERE {_AS_SEEN} AND disabled_at IS NULL"""
# What happened while it was disabled is not sent afterwards.
_ENABLE: Final[LiteralString] = f"""
UPDATE penstock.webhook SET disabled_at = NULL, disabled_reason = NULL, since_ms = %(since_ms)s, failing_since = NULL,
    failed_at = NULL, failures = 0, held_until = NULL, version = version + 1
WHERE {_AS_SEEN} AND disabled_at IS NOT NULL"""
_REMOVE: Final[LiteralString] = f"DELETE FROM penstock.webhook WHERE {_AS_SEEN}"
_TEST: Final[LiteralString] = f"""
INSERT INTO penstock.webhook_delivery (webhook_id, event_id, tenant, kind, body, time_ms)
SELECT webhook_id, %(event_id)s, tenant, '{TEST}', %(body)s, %(time_ms)s FROM penstock.webhook
WHERE {_MINE} AND disabled_at IS NULL
ON CONFLICT DO NOTHING"""
# One that is being posted keeps its lease: its outcome counts, and then there is nothing to do again.
_AGAIN: Final[LiteralString] = f"""
UPDATE penstock.webhook_delivery SET status = 'waiting', ended_at = NULL, filed_at = clock_timestamp(),
    next_at = CASE WHEN status = 'waiting' THEN next_at ELSE clock_timestamp() END
WHERE {_MINE} AND event_id = %(event_id)s"""

ALL: Final[LiteralString] = f"""
SELECT {_COLUMNS} FROM penstock.webhook WHERE tenant = %(tenant)s ORDER BY created_at, webhook_id"""
ONE: Final[LiteralString] = f"SELECT {_COLUMNS} FROM penstock.webhook WHERE {_MINE}"
DELIVERIES: Final[LiteralString] = f"""
SELECT {_DELIVERY} FROM penstock.webhook_delivery WHERE {_MINE}
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(below_at)s::timestamptz IS NULL OR (filed_at, event_id) < (%(below_at)s::timestamptz, %(below_id)s::text))
ORDER BY filed_at DESC, event_id DESC LIMIT %(limit)s"""

DELIVERY: Final[LiteralString] = f"""
SELECT event_id FROM penstock.webhook_delivery WHERE {_MINE} AND event_id = %(event_id)s"""


@dataclass(frozen=True, slots=True)
class Page:
    """Which deliveries: of that status, older than that one."""

    status: str | None = None
    below: tuple[datetime, str] | None = None
    limit: int = 100

    def values(self, tenant: str, webhook_id: str) -> dict[str, object]:
        """For DELIVERIES."""
        at, event_id = self.below or (None, None)
        mine = {"tenant": tenant, "webhook_id": webhook_id, "status": self.status, "limit": self.limit}
        return mine | {"below_at": at, "below_id": event_id}


def of_tenant(connection: Connected, tenant: str) -> list[Webhook]:
    """The tenant's subscriptions, oldest first."""
    with connection.cursor(row_factory=kwargs_row(webhook_of)) as cursor:
        return cursor.execute(ALL, {"tenant": tenant}).fetchall()


def one(connection: Connected, tenant: str, webhook_id: str) -> Webhook | None:
    """That subscription of the tenant's."""
    with connection.cursor(row_factory=kwargs_row(webhook_of)) as cursor:
        return cursor.execute(ONE, {"tenant": tenant, "webhook_id": webhook_id}).fetchone()


def deliveries(connection: Connected, tenant: str, webhook_id: str, page: Page) -> list[Delivered]:
    """Newest first."""
    with connection.cursor(row_factory=kwargs_row(Delivered)) as cursor:
        return cursor.execute(DELIVERIES, page.values(tenant, webhook_id)).fetchall()


def add(connection: Connected, made: Webhook, secret: bytes, since_ms: int) -> bool:
    """Put it there; False if its id is taken, or the tenant has as many as it may have."""
    values = {"secret": secret, "since_ms": since_ms, "created_by": made.created_by}
    return _done(connection, _INSERT, made, values | _changeable(made.url, made.kinds, made.description))


def change(
    connection: Connected, webhook: Webhook, url: str, kinds: Collection[str], description: str
) -> bool:
    """Change what stands there under this version; False if it is another one by now."""
    values = _changeable(url, kinds, description) | {"version": webhook.version}
    return _done(connection, _CHANGE, webhook, values)


# `seen`: the version that it must still have; None: any.
def rotate(
    connection: Connected, webhook: Webhook, secret: bytes, grace_s: float, seen: int | None = None
) -> bool:
    """Sign with another secret, and with the one before for `grace_s` more; False if it is gone, or another version."""
    values = {"secret": secret, "grace": timedelta(seconds=grace_s), "seen": seen}
    return _done(connection, _ROTATE, webhook, values)


def disable(connection: Connected, webhook: Webhook, reason: str, seen: int | None = None) -> bool:
    """Post nothing to it; False if it was disabled already, is gone, or another version."""
    return _done(connection, _DISABLE, webhook, {"reason": reason, "seen": seen})


def enable(connection: Connected, webhook: Webhook, since_ms: int, seen: int | None = None) -> bool:
    """Post what happens from that log time on; False if it was enabled already, is gone, or another version."""
    return _done(connection, _ENABLE, webhook, {"since_ms": since_ms, "seen": seen})


def remove(connection: Connected, webhook: Webhook, seen: int | None = None) -> bool:
    """Forget it and its deliveries; False if it is gone already, or another version."""
    return _done(connection, _REMOVE, webhook, {"seen": seen})


def file_test(connection: Connected, webhook: Webhook, event_id: str, body: str, time_ms: int) -> bool:
    """File a delivery of kind `webhook.test`; False if it was filed before, or the subscription is disabled or gone."""
    return _done(connection, _TEST, webhook, {"event_id": event_id, "body": body, "time_ms": time_ms})


def again(connection: Connected, webhook: Webhook, event_id: str) -> bool:
    """Have it delivered once more; False if there is no such delivery."""
    return _done(connection, _AGAIN, webhook, {"event_id": event_id})


def webhook_of(*, kinds: list[str], **rest: Any) -> Webhook:
    """Of a row of ALL or ONE."""
    return Webhook(kinds=tuple(kinds), **rest)


def _changeable(url: str, kinds: Collection[str], description: str) -> dict[str, object]:
    return {"url": url, "kinds": list(kinds), "description": description}


def _done(
    connection: Connected, statement: LiteralString | bytes, webhook: Webhook, values: Mapping[str, object]
) -> bool:
    mine = {"webhook_id": webhook.webhook_id, "tenant": webhook.tenant}
    return connection.execute(statement, {**mine, **values}).rowcount == 1
