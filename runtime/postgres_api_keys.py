"""The table of API keys: what reads and changes it, as statements. Who may is asked elsewhere, and what is done is
recorded on the log before it is done here.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, LiteralString

from psycopg.conninfo import make_conninfo
from psycopg.errors import UndefinedTable
from psycopg.rows import kwargs_row

from penstock.runtime.api_keys import ApiKey, read_file
from penstock.runtime.errors import NotConfigured
from penstock.runtime.postgres import Connected, connect

_COLUMNS: Final[LiteralString] = """
    key_id, sha256, tenant, subject, roles, kind, scopes, requests_per_minute, created_at, created_by, expires_at,
    revoked_at, replaced_by, last_used_at, groups"""

_INSERT: Final[LiteralString] = """
INSERT INTO penstock.api_key (
    key_id, sha256, tenant, subject, roles, kind, scopes, requests_per_minute, created_by, expires_at,
    groups, created_at)
VALUES (%(key_id)s, %(sha256)s, %(tenant)s, %(subject)s, %(roles)s, %(kind)s, %(scopes)s, %(requests_per_minute)s,
        %(created_by)s, %(expires_at)s, %(groups)s, coalesce(%(created_at)s, clock_timestamp()))
ON CONFLICT (key_id) DO NOTHING"""

# The old key lasts until its grace is over, or as long as it would have anyway. When that is, is said by the clock of
# who asks, because expiry is compared with such clocks; what has no grace waits for no clock.
_REPLACE: Final[LiteralString] = """
UPDATE penstock.api_key SET replaced_by = %(new)s, changed_at = clock_timestamp(),
    expires_at = least(expires_at, %(until)s),
    revoked_at = CASE WHEN %(at_once)s THEN clock_timestamp() END
WHERE key_id = %(key_id)s AND revoked_at IS NULL AND replaced_by IS NULL"""

_REVOKE: Final[LiteralString] = """
UPDATE penstock.api_key SET revoked_at = clock_timestamp(), changed_at = clock_timestamp()
WHERE key_id = %(key_id)s AND revoked_at IS NULL"""

_USED: Final[LiteralString] = """
UPDATE penstock.api_key AS k SET last_used_at = greatest(k.last_used_at, u.at)
FROM unnest(%(ids)s::text[], %(times)s::timestamptz[]) AS u (key_id, at) WHERE k.key_id = u.key_id"""


def follow(url: str) -> Connected:
    """A connection for asking again and again. It notices within seconds that nobody is at the other end any more,
    where the system's own patience would keep a revocation from the reader for a quarter of an hour."""
    patience = {
        "tcp_user_timeout": 5_000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }
    return connect(make_conninfo(url, **patience), application_name="penstock.api.keys")


def changed_since(connection: Connected, since: datetime | None) -> tuple[dict[str, ApiKey], datetime] | None:
    """By id the keys that changed since then (all: None), and the database's time before it looked. None: the
    table isn't there yet."""
    try:
        found = connection.execute("SELECT clock_timestamp()").fetchone()
        assert found is not None
        keys = _select(
            connection, "changed_at >= coalesce(%(since)s::timestamptz, '-infinity')", {"since": since}
        )
    except UndefinedTable:
        return None
    return {key.key_id: key for key in keys}, found[0]


def known(connection: Connected, file: Path) -> dict[str, ApiKey]:
    """By id all keys, those of the file too, if there is one; what the table says of a key comes first."""
    try:
        first = read_file(file)
    except NotConfigured:
        first = {}
    found = changed_since(connection, None)
    return {**first, **(found[0] if found else {})}


def of_tenant(connection: Connected, tenant: str) -> list[ApiKey]:
    """The tenant's keys, oldest first."""
    return _select(connection, "tenant = %(tenant)s", {"tenant": tenant})


def add(connection: Connected, key: ApiKey) -> bool:
    """Put a key there; False if its id is taken, and then nothing is changed."""
    return connection.execute(_INSERT, _values(key)).rowcount == 1


def rotate(connection: Connected, old: ApiKey, new: ApiKey, grace_s: float) -> bool:
    """Put `new` in the place of `old`, which counts for `grace_s` more. False if the old one was revoked or rotated
    in the meantime, and then nothing is changed. A key of the file gets a row first."""
    with connection.transaction():
        connection.execute(_INSERT, _values(old))
        until = datetime.now(UTC) + timedelta(seconds=grace_s)
        asked = {"key_id": old.key_id, "new": new.key_id, "until": until, "at_once": grace_s <= 0}
        if connection.execute(_REPLACE, asked).rowcount != 1:
            return False
        connection.execute(_INSERT, _values(new))
    return True


def revoke(connection: Connected, key: ApiKey) -> bool:
    """Have the key count no longer; False if it didn't already. A key of the file gets a row first."""
    with connection.transaction():
        connection.execute(_INSERT, _values(key))
        return connection.execute(_REVOKE, {"key_id": key.key_id}).rowcount == 1


def used(connection: Connected, times: Mapping[str, datetime]) -> None:
    """Note when keys were last used."""
    if times:
        # In one order, so that two processes never wait for each other in a circle.
        ids = sorted(times)
        connection.execute(_USED, {"ids": ids, "times": [times[key_id] for key_id in ids]})


def _select(connection: Connected, where: LiteralString, values: Mapping[str, object]) -> list[ApiKey]:
    select = f"SELECT {_COLUMNS} FROM penstock.api_key WHERE {where} ORDER BY created_at, key_id"
    with connection.cursor(row_factory=kwargs_row(_key_of)) as cursor:
        return cursor.execute(select, values).fetchall()


def _key_of(*, roles: list[str], scopes: list[str] | None, groups: list[str], **rest: Any) -> ApiKey:
    limits = None if scopes is None else tuple(scopes)
    return ApiKey(roles=tuple(roles), scopes=limits, groups=tuple(groups), **rest)


def _values(key: ApiKey) -> dict[str, object]:
    return {
        "key_id": key.key_id,
        "sha256": key.sha256,
        "tenant": key.tenant,
        "subject": key.subject,
        "roles": list(key.roles),
        "kind": key.kind,
        "scopes": None if key.scopes is None else list(key.scopes),
        "requests_per_minute": key.requests_per_minute,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "created_at": key.created_at,
        "groups": list(key.groups),
    }
