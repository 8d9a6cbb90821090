"""Makes, rotates and revokes a tenant's API keys for an admin, as api/key_rules.py allows.

Reads and writes: penstock.api_key. Writes: penstock.operator.actions. Guarantees: what changes a key stands on the log
before it is done; another tenant's key isn't found.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.key_ring import KeyRing
from penstock.api.key_rules import may_make, may_rotate
from penstock.api.key_shapes import NewKey, Rotation, described
from penstock.api.problems import Problem, not_found, unavailable
from penstock.runtime import postgres_api_keys as table
from penstock.runtime.api_keys import ApiKey, key_sha256, new_key_id, new_key_text
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres import Connected, DatabaseError, connect

T = TypeVar("T")

ANSWER_S: Final = 5.0


class KeyChanges:
    """Every method raises problems: 403, 404, 409; 503 with the log or the database away."""

    def __init__(self, door: Door, ring: KeyRing) -> None:
        self._door = door
        self._ring = ring

    async def all_of(self, caller: Caller) -> dict[str, ApiKey]:
        """By id the keys of the caller's tenant."""
        rows = await self._ask(lambda connection: table.of_tenant(connection, caller.tenant))
        return {key.key_id: key for key in (*self._ring.of_file(caller.tenant), *rows)}

    async def make(self, caller: Caller, body: NewKey, idempotency_key: str | None) -> tuple[ApiKey, str]:
        """A new key, and its text."""
        may_make(caller, body.kind, body.roles, body.scopes, body.groups)
        key_id = _id_of(caller, idempotency_key) or new_key_id()
        text = new_key_text(key_id)
        made = ApiKey(
            key_id=key_id,
            sha256=key_sha256(text),
            tenant=caller.tenant,
            subject=body.subject,
            roles=tuple(dict.fromkeys(body.roles)),
            kind=body.kind,
            scopes=body.scopes,
            groups=tuple(dict.fromkeys(body.groups)),
            requests_per_minute=body.requests_per_minute,
            created_by=caller.subject,
            created_at=datetime.now(UTC),
            expires_at=_later(body.expires_in_s),
        )
        if key_id in await self.all_of(caller):
            raise _made_before(key_id)
        await self._record(caller, "key.create", key_id, body.reason, **described(made))
        if not await self._ask(lambda connection: table.add(connection, made)):
            raise _made_before(key_id)
        return made, text

    async def rotate(self, caller: Caller, key_id: str, asked: Rotation) -> tuple[ApiKey, str]:
        """The key that replaces this one, and its text."""
        old = await self._found(caller, key_id)
        may_rotate(caller, old)
        if old.state() != "active" or old.replaced_by is not None:
            raise _gone(old)
        new_id = new_key_id()
        text = new_key_text(new_id)
        new = replace(
            old,
            key_id=new_id,
            sha256=key_sha256(text),
            created_by=caller.subject,
            created_at=datetime.now(UTC),
            last_used_at=None,
        )
        said = {"new_key": new_id, "grace_s": asked.grace_s}
        await self._record(caller, "key.rotate", key_id, asked.reason, **said)
        if not await self._ask(lambda connection: table.rotate(connection, old, new, asked.grace_s)):
            raise _gone(await self._found(caller, key_id))
        return new, text

    async def revoke(self, caller: Caller, key_id: str, reason: str) -> None:
        """The key counts no longer. Again is the same, and recorded once."""
        key = await self._found(caller, key_id)
        if key.revoked_at is None:
            await self._record(caller, "key.revoke", key_id, reason, subject=key.subject)
            await self._ask(lambda connection: table.revoke(connection, key))

    async def _found(self, caller: Caller, key_id: str) -> ApiKey:
        key = (await self.all_of(caller)).get(key_id)
        if key is None:
            raise not_found("key")
        return key

    async def _record(self, caller: Caller, action: str, key_id: str, reason: str, **detail: object) -> None:
        await self._door.inbox.record(
            caller, lambda operators: operators.record(caller.actor, action, key_id, reason, detail)
        )

    async def _ask(self, what: Callable[[Connected], T]) -> T:
        def asked() -> T:
            with connect(self._door.settings, application_name="penstock.api.keys") as connection:
                return what(connection)

        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.to_thread(asked)
        except (TimeoutError, DatabaseAway, DatabaseError) as error:
            raise _away(error) from error


def _later(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)


def _id_of(caller: Caller, idempotency_key: str | None) -> str | None:
    """The same for the same request, so that one that comes twice makes one key."""
    if idempotency_key is None:
        return None
    words = "\x1f".join((caller.tenant, caller.subject, idempotency_key))
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _made_before(key_id: str) -> Problem:
    detail = (
        f"This Idempotency-Key has made the key {key_id} before, and a key is shown once: if it was lost, rotate it, "
        "or revoke it and make one with another Idempotency-Key."
    )
    return Problem(409, "key-made-before", "Key made before", detail, more={"id": key_id})


def _gone(key: ApiKey) -> Problem:
    why = f"replaced by {key.replaced_by}" if key.replaced_by else key.state()
    detail = f"The key is {why}: only one that counts and has no successor can be rotated. Make a new one."
    return Problem(409, "key-not-active", "Key not active", detail)


def _away(error: Exception) -> Problem:
    detail = (
        f"The table of API keys doesn't answer ({type(error).__name__}): look at GET /v1/keys shortly, and see whether "
        "it was done. Keys go on counting as they did."
    )
    return unavailable("database-away", "Database away", detail)
