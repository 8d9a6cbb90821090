"""Makes, changes and removes a tenant's subscriptions to webhooks for an operator.

Reads: penstock.webhook and penstock.webhook_delivery, as the tenant. Writes: both, and penstock.operator.actions.
Guarantees: what changes a subscription stands on the log before it is done; another tenant's isn't found; a secret is
told by the answer that makes it and never again.
"""

import asyncio
import hashlib
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.preconditions import tags_of
from penstock.api.problems import Problem, not_found
from penstock.api.webhook_problems import away, made_before, moved_on, tag_of, too_many
from penstock.api.webhook_shapes import NewWebhook, WebhookChange, recorded
from penstock.producers.signing import Keyring
from penstock.runtime import postgres_webhooks as table
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres import Connected, DatabaseError, connect
from penstock.runtime.webhook_addresses import Refused, hosts_allowed, target_of
from penstock.runtime.webhook_bodies import body_of
from penstock.runtime.webhook_secrets import new_secret, seal
from penstock.runtime.webhooks import TEST, WEBHOOKS_TENANT_MAX, Delivered, Webhook
from penstock.schemas.ids import derived_id, tenant_id

T = TypeVar("T")

ANSWER_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Which subscription, and as the caller saw it: the If-Match header."""

    webhook_id: str
    if_match: str | None = None


class WebhookChanges:
    """Every method raises problems: 404, 409, 412, 422; 503 with the log or the database away."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._keyring = Keyring.load(door.settings.keys_file)
        self._allowed = hosts_allowed(door.settings.webhook_hosts_allowed)

    async def all_of(self, caller: Caller) -> list[Webhook]:
        """The subscriptions of the caller's tenant, oldest first."""
        rows = await self._door.views.ask(table.ALL, {"tenant": caller.tenant})
        return [table.webhook_of(**row) for row in rows]

    async def found(self, caller: Caller, webhook_id: str) -> Webhook:
        """One of them."""
        asked = {"tenant": caller.tenant, "webhook_id": webhook_id}
        rows = await self._door.views.ask(table.ONE, asked)
        if not rows:
            raise not_found("webhook")
        return table.webhook_of(**rows[0])

    async def deliveries(self, caller: Caller, webhook_id: str, page: table.Page) -> list[Delivered]:
        """Those of one of them, newest first."""
        await self.found(caller, webhook_id)
        rows = await self._door.views.ask(table.DELIVERIES, page.values(caller.tenant, webhook_id))
        return [Delivered(**row) for row in rows]

    async def make(
        self, caller: Caller, body: NewWebhook, idempotency_key: str | None
    ) -> tuple[Webhook, str]:
        """A new one, and its secret."""
        self._check(body.url)
        webhook_id = _id_of(caller, idempotency_key) or secrets.token_hex(8)
        known = await self.all_of(caller)
        if any(each.webhook_id == webhook_id for each in known):
            raise made_before(webhook_id)
        if len(known) >= WEBHOOKS_TENANT_MAX:
            raise too_many()
        made = Webhook(
            *(webhook_id, caller.tenant, body.url, tuple(dict.fromkeys(body.kinds)), body.description, 1),
            *(datetime.now(UTC), caller.subject),
        )
        said = recorded(made.url, made.kinds, made.description)
        since_ms = await self._record(caller, "webhook.create", webhook_id, body.reason, **said)
        secret = new_secret()
        sealed = seal(self._keyring, webhook_id, secret)
        if not await self._ask(lambda connection: table.add(connection, made, sealed, since_ms)):
            raise made_before(webhook_id)
        return await self.found(caller, webhook_id), secret

    async def change(self, caller: Caller, seen: Seen, body: WebhookChange) -> Webhook:
        """As the body says. Nothing that is different: nothing is recorded."""
        old, _ = await self._as_seen(caller, seen)
        url = old.url if body.url is None else body.url
        self._check(url)
        kinds = old.kinds if body.kinds is None else tuple(dict.fromkeys(body.kinds))
        description = old.description if body.description is None else body.description
        if (url, kinds, description) == (old.url, old.kinds, old.description):
            return old
        said = recorded(url, kinds, description)
        await self._record(caller, "webhook.change", old.webhook_id, body.reason, **said)
        if not await self._ask(lambda connection: table.change(connection, old, url, kinds, description)):
            raise moved_on(await self.found(caller, old.webhook_id))
        return await self.found(caller, old.webhook_id)

    async def rotate(self, caller: Caller, seen: Seen, grace_s: int, reason: str) -> tuple[Webhook, str]:
        """Another secret; deliveries are signed with both until the grace is over."""
        webhook, version = await self._as_seen(caller, seen)
        webhook_id = webhook.webhook_id
        await self._record(caller, "webhook.rotate", webhook_id, reason, grace_s=grace_s)
        secret = new_secret()
        sealed = seal(self._keyring, webhook_id, secret)
        done = await self._ask(lambda connection: table.rotate(connection, webhook, sealed, grace_s, version))
        return await self._now(caller, webhook_id, version, done), secret

    async def disable(self, caller: Caller, seen: Seen, reason: str) -> Webhook:
        """Nothing is posted to it any more. Again is the same, and recorded once."""
        webhook, version = await self._as_seen(caller, seen)
        if webhook.disabled_at is not None:
            return webhook
        await self._record(caller, "webhook.disable", webhook.webhook_id, reason)
        why = f"{caller.subject}: {reason or 'no reason given'}"
        done = await self._ask(lambda connection: table.disable(connection, webhook, why, version))
        return await self._now(caller, webhook.webhook_id, version, done)

    async def enable(self, caller: Caller, seen: Seen, reason: str) -> Webhook:
        """What happens from now on is posted to it. Again is the same, and recorded once."""
        webhook, version = await self._as_seen(caller, seen)
        if webhook.disabled_at is None:
            return webhook
        since_ms = await self._record(caller, "webhook.enable", webhook.webhook_id, reason)
        done = await self._ask(lambda connection: table.enable(connection, webhook, since_ms, version))
        return await self._now(caller, webhook.webhook_id, version, done)

    async def remove(self, caller: Caller, seen: Seen, reason: str) -> None:
        """Forget it, with its deliveries."""
        webhook, version = await self._as_seen(caller, seen)
        await self._record(caller, "webhook.delete", webhook.webhook_id, reason, **recorded(webhook.url))
        if not await self._ask(lambda connection: table.remove(connection, webhook, version)) and version:
            raise moved_on(await self.found(caller, webhook.webhook_id))

    async def test(self, caller: Caller, webhook_id: str, idempotency_key: str | None) -> str:
        """File a delivery of kind webhook.test; its id."""
        webhook = await self._active(caller, webhook_id)
        name = f"webhook-test:{webhook_id}:{idempotency_key}"
        event_id = (
            str(uuid.uuid4()) if idempotency_key is None else derived_id(tenant_id(caller.tenant), name)
        )
        body, time_ms = test_body(webhook, event_id)
        await self._ask(lambda connection: table.file_test(connection, webhook, event_id, body, time_ms))
        return event_id

    async def again(self, caller: Caller, webhook_id: str, delivery_id: str) -> None:
        """Have a delivery made once more, with the same webhook-id."""
        webhook = await self._active(caller, webhook_id)
        asked = {"tenant": caller.tenant, "webhook_id": webhook_id, "event_id": delivery_id}
        if not await self._door.views.ask(table.DELIVERY, asked):
            raise not_found("delivery")
        await self._record(caller, "webhook.redeliver", webhook_id, "", delivery=delivery_id)
        await self._ask(lambda connection: table.again(connection, webhook, delivery_id))

    async def _as_seen(self, caller: Caller, seen: Seen) -> tuple[Webhook, int | None]:
        """The one that is meant, and the version that it must still have when it is changed; None for any."""
        webhook = await self.found(caller, seen.webhook_id)
        tags = tags_of("*" if seen.if_match is None else seen.if_match)
        if "*" in tags:
            return webhook, None
        if tag_of(webhook) not in tags:
            raise moved_on(webhook)
        return webhook, webhook.version

    async def _now(self, caller: Caller, webhook_id: str, version: int | None, done: bool) -> Webhook:
        webhook = await self.found(caller, webhook_id)
        if version is not None and not done:
            raise moved_on(webhook)
        return webhook

    async def _active(self, caller: Caller, webhook_id: str) -> Webhook:
        webhook = await self.found(caller, webhook_id)
        if webhook.disabled_at is not None:
            detail = (
                f"It is disabled ({webhook.disabled_reason}): POST /v1/webhooks/{webhook_id}/enable first."
            )
            raise Problem(409, "webhook-disabled", "Webhook disabled", detail)
        return webhook

    def _check(self, url: str) -> None:
        try:
            target_of(url, self._allowed)
        except Refused as error:
            raise Problem(422, "invalid-request", "Invalid request", f"Correct `url`: {error}.") from error

    async def _record(self, caller: Caller, action: str, target: str, reason: str, **detail: object) -> int:
        """Have the log know it; its time there, in ms."""
        receipt = await self._door.inbox.record(
            caller, lambda operators: operators.record(caller.actor, action, target, reason, detail)
        )
        return receipt.wait(0).time_ms

    async def _ask(self, what: Callable[[Connected], T]) -> T:
        def asked() -> T:
            with connect(self._door.settings, application_name="penstock.api.webhooks") as connection:
                return what(connection)

        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.to_thread(asked)
        except (TimeoutError, DatabaseAway, DatabaseError) as error:
            raise away(error) from error


def test_body(webhook: Webhook, event_id: str) -> tuple[str, int]:
    """What a test posts, and its time in ms since the Unix epoch."""
    time_ms = time.time_ns() // 1_000_000
    return body_of(TEST, event_id, webhook.tenant, time_ms, {"webhook_id": webhook.webhook_id}), time_ms


def _id_of(caller: Caller, idempotency_key: str | None) -> str | None:
    """The same for the same request, so that one that comes twice makes one subscription."""
    if idempotency_key is None:
        return None
    words = "\x1f".join(("webhook", caller.tenant, caller.subject, idempotency_key))
    return hashlib.sha256(words.encode()).hexdigest()[:16]
