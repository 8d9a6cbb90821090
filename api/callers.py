"""Who calls: an API key stands for a tenant, a subject and its roles. Only health works without one (B2)."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from fastapi import Header
from pydantic import BaseModel, Field, ValidationError

from penstock.api.problems import Problem, forbidden
from penstock.runtime.errors import NotConfigured
from penstock.schemas.envelope.records import Actor

START: Final = ("analyst",)
READ: Final = ("analyst", "supervisor", "operator")
VOTE: Final = ("analyst", "supervisor")
CANCEL: Final = ("analyst", "supervisor", "operator")
PAUSE: Final = ("supervisor", "operator")
SETTLE: Final = ("operator",)

_UNKNOWN: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated party of a request."""

    tenant: str
    subject: str
    roles: tuple[str, ...]

    @property
    def actor(self) -> Actor:
        """The caller as inputs name it."""
        return Actor(kind="person", subject=self.subject, roles=self.roles)

    def needs(self, roles: Iterable[str], action: str) -> None:
        """Raises a 403 problem unless the caller has one of these roles."""
        wanted = tuple(roles)
        if not set(wanted) & set(self.roles):
            raise forbidden(wanted, action)


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

    async def __call__(
        self, authorization: Annotated[str | None, Header(description="Bearer psk_<id>_<random>")] = None
    ) -> Caller:
        """The caller of a request, as a dependency of its route. Raises a 401 problem."""
        scheme, _, key = (authorization or "").partition(" ")
        caller = self.caller_of(key.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise Problem(
                401,
                "unauthenticated",
                "No valid credentials",
                "Send the header `Authorization: Bearer psk_...` with a key of this API; "
                "`penstock keys add` makes one.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return caller
