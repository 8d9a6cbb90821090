"""Who calls: a tenant's person or service, with its roles and scopes. Only health works without one (B2)."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, Field, ValidationError

from penstock.api.problems import barred, forbidden, people_only, scope_missing
from penstock.api.rights import CANCEL, KEYS, PAUSE, READ, SETTLE, START, VOTE, right_to
from penstock.runtime.errors import NotConfigured
from penstock.schemas.envelope.records import Actor

__all__ = ["CANCEL", "KEYS", "PAUSE", "READ", "SETTLE", "START", "VOTE", "ApiKeys", "Caller"]

Kind: TypeAlias = Literal["person", "service"]
_UNKNOWN: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated party of a request."""

    tenant: str
    subject: str
    roles: tuple[str, ...]
    kind: Kind = "person"
    # None: all that the roles give.
    scopes: frozenset[str] | None = None
    # Empty for a token.
    key_id: str = ""

    @property
    def actor(self) -> Actor:
        """The caller as inputs name it."""
        return Actor(kind=self.kind, subject=self.subject, roles=self.roles)

    def needs(self, roles: Iterable[str], action: str) -> None:
        """Raises a 403 problem unless the caller has one of these roles, and the scope that the action takes
        (api/rights.py), which its first words decide."""
        wanted, right = tuple(roles), right_to(action)
        if not set(wanted) & set(self.roles):
            raise forbidden(wanted, action)
        if self.scopes is not None and right.scope not in self.scopes:
            raise scope_missing(right.scope, action)
        if right.people and self.kind != "person":
            raise people_only(action)
        if set(right.barred) & set(self.roles):
            raise barred(right.barred, action)


class _Entry(BaseModel):
    id: str = Field(min_length=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    tenant: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    roles: tuple[str, ...]


class _File(BaseModel):
    keys: tuple[_Entry, ...]


class ApiKeys:
    """The keys that this API knows, as hashes. A key reads psk_<id>_<random>."""

    def __init__(self, entries: Mapping[str, tuple[str, Caller]]) -> None:
        """`entries`: by key id the lower-case hex SHA-256 of the whole key, and whom it stands for."""
        self._entries = dict(entries)

    @classmethod
    def load(cls, path: Path) -> "ApiKeys":
        """From the file that `penstock up` makes. Raises NotConfigured."""
        try:
            file = _File.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise NotConfigured(f"there are no API keys at {path}: `penstock up` makes them") from None
        except (OSError, ValidationError) as error:
            raise NotConfigured(
                f"{path} can't be used as a file of API keys ({type(error).__name__}): put it back as it "
                "was, or move it away and type `penstock up`, which makes new keys"
            ) from None
        return cls({key.id: (key.sha256, Caller(key.tenant, key.subject, key.roles)) for key in file.keys})

    def caller_of(self, key: str) -> Caller | None:
        """Whom a key stands for, None if nobody. Takes as long for a wrong key as for a right one."""
        prefix, _, rest = key.partition("_")
        key_id = rest.rpartition("_")[0]
        sha256, caller = self._entries.get(key_id, (_UNKNOWN, None))
        given = hashlib.sha256(key.encode()).hexdigest()
        return caller if hmac.compare_digest(given, sha256) and prefix == "psk" else None
