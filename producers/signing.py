"""Who may say what (law L9): inputs are signed by the door or the service that vouches for them.

A signature is HMAC-SHA256 over type, entity, tenant and the record's value, which is enough between our own
processes. What a key may say is its authority; the decider judges by it, never by what the record claims.
"""

import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Final

from penstock.producers.errors import KeysExist, KeysExposed, KeysMalformed, KeysMissing, NoSuchKey
from penstock.producers.log import Record
from penstock.schemas.envelope.records import InputMeta
from penstock.schemas.headers import SIGNATURE

SECRET_BYTES: Final = 32
LOCAL_APP_KEY: Final = "app:local"
LOCAL_TENANT: Final = "local"


class Authority(Enum):
    """What a signature lets its record say. NONE is that of a record without a valid one."""

    NONE = "none"
    APP = "app"
    API = "api"
    TOOLS = "tools"
    TIMERS = "timers"
    RUNS = "runs"
    SCHEDULES = "schedules"
    OPERATOR = "operator"
    # An outside system's, by the callback token that it was given: it answers that one call (producers/callbacks.py).
    CALLBACK = "callback"


SERVICES: Final = (
    Authority.API,
    Authority.TOOLS,
    Authority.TIMERS,
    Authority.RUNS,
    Authority.SCHEDULES,
    Authority.OPERATOR,
    Authority.CALLBACK,
)


@dataclass(frozen=True, slots=True)
class Key:
    """A signing key. `tenant` None: of a service, which speaks for every tenant; an app speaks for one."""

    key_id: str
    secret: bytes = field(repr=False)
    authority: Authority
    tenant: str | None = None

    def __post_init__(self) -> None:
        if not self.key_id or not self.key_id.isascii() or not self.key_id.isprintable():
            raise ValueError(f"a key's id is printable ASCII, not {self.key_id!r}")
        if len(self.secret) < SECRET_BYTES:
            raise ValueError(f"the secret of key {self.key_id} is shorter than {SECRET_BYTES} bytes")
        if self.authority is Authority.NONE:
            raise ValueError(f"key {self.key_id} has no authority")
        if (self.authority is Authority.APP) != (self.tenant is not None):
            raise ValueError(f"key {self.key_id}: an app's key names its tenant, a service's names none")


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one key."""

    key: Key

    def sign(self, type: str, entity_id: str, tenant: str, value: bytes) -> str:
        """The signature header: '<key id>:<64 hex digits>'. `value` is the whole value of the record."""
        return f"{self.key.key_id}:{_mac(self.key, type, entity_id, tenant, value)}"


class Keyring:
    """The keys that a process knows. Its repr names them and never shows a secret."""

    def __init__(self, keys: Iterable[Key]) -> None:
        """Several keys of one authority are for changing keys: the first signs, all of them verify."""
        given = tuple(keys)
        self._keys: Mapping[str, Key] = {key.key_id: key for key in given}
        if len(self._keys) != len(given):
            raise ValueError("two keys have the same id")

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"

    def signer(self, authority: Authority) -> Signer:
        """A signer of that authority. Raises NoSuchKey."""
        return Signer(self.keys_of(authority)[0])

    def keys_of(self, authority: Authority) -> tuple[Key, ...]:
        """The keys of that authority, of which the first signs. Raises NoSuchKey."""
        found = tuple(key for key in self._keys.values() if key.authority is authority)
        if not found:
            raise NoSuchKey(authority.value)
        return found

    def derived(self, purpose: str, key_id: str | None = None) -> tuple[str, bytes]:
        """32 bytes for something else than signing, made of the API's key, or of the key of that id; and the id.

        The same purpose and key give the same bytes; nothing follows from them about the key. Raises NoSuchKey.
        """
        key = self.signer(Authority.API).key if key_id is None else self._keys.get(key_id)
        if key is None:
            raise NoSuchKey(str(key_id))
        return key.key_id, hmac.digest(key.secret, f"penstock: {purpose}".encode(), hashlib.sha256)

    def verify(self, record: Record, meta: InputMeta) -> Authority:
        """What the record may say: its key's authority, or NONE when the signature is missing, wrong, by an
        unknown key, or by an app's key for another tenant. `meta` is the one decoded from the record.
        """
        signature = record.header(SIGNATURE) or b""
        key_id, _, given = signature.decode("ascii", errors="replace").rpartition(":")
        key = self._keys.get(key_id)
        if key is None or record.value is None:
            return Authority.NONE
        expected = _mac(key, meta.type, meta.entity_id, meta.tenant, record.value)
        if not hmac.compare_digest(expected.encode(), given.encode()):
            return Authority.NONE
        if key.tenant is not None and key.tenant != meta.tenant:
            return Authority.NONE
        return key.authority

    @classmethod
    def create(cls, path: Path) -> "Keyring":
        """Make a key for each service and one for the local app, and write them to a file of mode 0600.

        The file appears whole or not at all. Raises KeysExist, and then changes nothing.
        """
        keys = _made(SERVICES)
        keys.append(Key(LOCAL_APP_KEY, secrets.token_bytes(SECRET_BYTES), Authority.APP, LOCAL_TENANT))
        made = cls(keys)
        draft = made._draft(path)
        try:
            os.link(draft, path)
        except FileExistsError:
            raise KeysExist(path) from None
        finally:
            os.unlink(draft)
        return made

    @property
    def lacking(self) -> tuple[str, ...]:
        """The services that have no key here: the file is from before there were any of them."""
        held = {key.authority for key in self._keys.values()}
        return tuple(service.value for service in SERVICES if service not in held)

    @classmethod
    def complete(cls, path: Path) -> "Keyring":
        """Add a key for each service that has none to a file made by an earlier version; the others stay.

        Processes that run know the new keys once they are started again. Raises as `load`.
        """
        known = cls.load(path)
        if not known.lacking:
            return known
        added = _made(Authority(name) for name in known.lacking)
        whole = cls([*known._keys.values(), *added])
        draft = whole._draft(path)
        os.chmod(draft, stat.S_IMODE(path.stat().st_mode))
        os.replace(draft, path)
        return whole

    def _draft(self, path: Path) -> str:
        """Written beside that file, with mode 0600; its name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w") as file:
            json.dump({"keys": [_as_json(key) for key in self._keys.values()]}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        return draft

    @classmethod
    def load(cls, path: Path) -> "Keyring":
        """Read a key file. Raises KeysMissing, KeysExposed (others can read it), KeysMalformed."""
        try:
            with path.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read()
        except FileNotFoundError:
            raise KeysMissing(path) from None
        # The owner's group may read: that is how a container is given a secret. Nobody else may.
        if mode & (stat.S_IWGRP | stat.S_IRWXO):
            raise KeysExposed(path, mode)
        try:
            return cls([_from_json(entry) for entry in json.loads(content)["keys"]])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # Only the error's kind: its message may quote a secret.
            raise KeysMalformed(path, type(error).__name__) from None


def _made(services: Iterable[Authority]) -> list[Key]:
    return [Key(service.value, secrets.token_bytes(SECRET_BYTES), service) for service in services]


def _mac(key: Key, type: str, entity_id: str, tenant: str, value: bytes) -> str:
    made = _prepared(key.secret).copy()
    made.update(f"{type}\n{entity_id}\n{tenant}\n".encode() + value)
    return made.hexdigest()


@lru_cache(maxsize=64)
def _prepared(secret: bytes) -> hmac.HMAC:
    """The key's part of an HMAC, which is half the work of a short one."""
    return hmac.new(secret, digestmod=hashlib.sha256)


def _as_json(key: Key) -> dict[str, str | None]:
    return {
        "key_id": key.key_id,
        "secret": key.secret.hex(),
        "authority": key.authority.value,
        "tenant": key.tenant,
    }


def _from_json(entry: Mapping[str, str | None]) -> Key:
    return Key(
        key_id=str(entry["key_id"]),
        secret=bytes.fromhex(str(entry["secret"])),
        authority=Authority(entry["authority"]),
        tenant=entry.get("tenant"),
    )
