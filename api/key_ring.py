"""The API keys that this process knows, and how it learns of new, rotated and revoked ones.

Reads: the file that `penstock up` makes, and penstock.api_key, both once a second, in a thread of its own. Writes: when
keys were last used, in batches. Guarantees: a request waits for no query, but the first ones of a process for the
first; what the table says of a key comes before what the file says; while the database is away, what was known counts.
A process that has never seen the table takes no key: it can't know which of the file's were revoked.
"""

import asyncio
import hmac
import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from penstock.api.callers import Caller
from penstock.api.problems import unavailable
from penstock.runtime import postgres_api_keys as table
from penstock.runtime.api_keys import PREFIX, ApiKey, key_sha256, read_file
from penstock.runtime.errors import DatabaseAway, NotConfigured
from penstock.runtime.postgres import Connected, DatabaseError
from penstock.runtime.settings import Settings

log = logging.getLogger("penstock.api.keys")

LOOK_EVERY_S: Final = 1.0
USED_EVERY_S: Final = 30.0
ALL_EVERY_S: Final = 300.0
FIRST_S: Final = 3.0
_LOOK_S: Final = 0.02
# A change is asked for again for so long, because what is committed later may carry an earlier time.
_OVERLAP: Final = timedelta(seconds=10)
_UNKNOWN: Final = "0" * 64


class KeyRing:
    """Knows whom a key stands for. The thread begins with the first question, and ends with `close`."""

    def __init__(self, path: Path, settings: Settings | None = None) -> None:
        """Raises NotConfigured without a file of keys. Without settings the file is all there is."""
        self._path = path
        self._settings = settings
        self._stamp = _stamp(path)
        self._file: Mapping[str, ApiKey] = read_file(path)
        self._table: dict[str, ApiKey] = {}
        self._keys: Mapping[str, ApiKey] = dict(self._file)
        self._connection: Connected | None = None
        self._since: datetime | None = None
        self._all_at_s = 0.0
        self._used_at_s = time.monotonic()
        self._used: dict[str, datetime] = {}
        self._complete = threading.Event()
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None
        if settings is None:
            self._complete.set()

    async def find(self, text: str) -> tuple[Caller, ApiKey] | None:
        """Whom the key stands for now, None if nobody. Raises a 503 problem while that can't be known."""
        if not self._complete.is_set():
            self._begin()
            until_s = time.monotonic() + FIRST_S
            while not self._complete.is_set() and time.monotonic() < until_s:
                await asyncio.sleep(_LOOK_S)
            if not self._complete.is_set():
                detail = "The database with the API keys doesn't answer, so none can be checked: try again shortly."
                raise unavailable("keys-away", "Keys away", detail)
        return self.known(text)

    def known(self, text: str) -> tuple[Caller, ApiKey] | None:
        """As `find`, by what is known already. Takes as long for a wrong key as for a right one."""
        prefix, _, rest = text.partition("_")
        key = self._keys.get(rest.rpartition("_")[0])
        right = hmac.compare_digest(key_sha256(text), _UNKNOWN if key is None else key.sha256)
        if not right or key is None or prefix + "_" != PREFIX or key.state() != "active":
            return None
        self._used[key.key_id] = datetime.now(UTC)
        scopes = None if key.scopes is None else frozenset(key.scopes)
        who = key.tenant, key.subject, key.roles, key.kind, scopes, key.key_id
        return Caller(*who, groups=key.groups, expires_at=key.expires_at), key

    def counts(self, caller: Caller) -> bool:
        """Whether the key that a caller came with is good still, and for the same."""
        key = self._keys.get(caller.key_id)
        given = (caller.tenant, caller.subject, caller.roles)
        return key is not None and key.state() == "active" and (key.tenant, key.subject, key.roles) == given

    def of_file(self, tenant: str) -> list[ApiKey]:
        """The tenant's keys that stand in the file."""
        return [key for key in self._file.values() if key.tenant == tenant]

    def close(self) -> None:
        """Write when keys were used, and end."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(LOOK_EVERY_S)

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="api-keys", daemon=True)
            self._thread.start()

    def _follow(self) -> None:
        was_away = False
        while True:
            try:
                self._look_at_file()
                self._look_at_table()
                was_away = False
            except (DatabaseAway, DatabaseError) as error:
                if not was_away:
                    log.warning(
                        "API keys as they were known: the database is away (%s)", type(error).__name__
                    )
                was_away = True
                self._let_go()
            if self._ends.wait(LOOK_EVERY_S):
                break
        with suppress(DatabaseAway, DatabaseError):
            self._write_used()
        self._let_go()

    def _look_at_file(self) -> None:
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._file = read_file(self._path)
        except NotConfigured as error:
            log.warning("API keys of the file as they were known: %s", error)
        self._keys = {**self._file, **self._table}

    def _look_at_table(self) -> None:
        now_s = time.monotonic()
        if now_s - self._all_at_s > ALL_EVERY_S:
            self._since = None
        found = table.changed_since(self._connected(), self._since and self._since - _OVERLAP)
        if found is not None and self._since is not None and found[1] < self._since:
            # Its clock was set back, and what changes now carries earlier times than what is known.
            self._since = None
            found = table.changed_since(self._connected(), None)
        if found is not None:
            changed, at = found
            if self._since is None:
                self._table, self._all_at_s = changed, now_s
            else:
                self._table.update(changed)
            self._since = at
            self._keys = {**self._file, **self._table}
        self._complete.set()
        if found is not None and now_s - self._used_at_s > USED_EVERY_S:
            self._used_at_s = now_s
            self._write_used()

    def _write_used(self) -> None:
        written, self._used = self._used, {}
        if written:
            table.used(self._connected(), written)

    def _connected(self) -> Connected:
        if self._connection is None:
            assert self._settings is not None
            self._connection = table.follow(self._settings.database_url)
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _stamp(path: Path) -> tuple[int, int, int]:
    """Changes whenever the file does."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
