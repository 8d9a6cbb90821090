"""What an API key is, without its secret: who has it, what it gives, until when. And the file that holds the first.

A key reads psk_<id>_<random>. Kept is the SHA-256 of the whole; the random part has 192 bits, so a plain hash is
enough. The file holds {"keys": [{"id", "sha256", "tenant", "subject", "roles"}]}, and may say `kind`, `scopes` and
`groups`.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, Field, ValidationError

from penstock.runtime.errors import NotConfigured

KeyKind: TypeAlias = Literal["person", "service"]
PREFIX: Final = "psk_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept. `scopes` None: all that the roles give. Groups give nothing. Times are UTC."""

    key_id: str
    sha256: str
    tenant: str
    subject: str
    roles: tuple[str, ...]
    kind: KeyKind = "person"
    scopes: tuple[str, ...] | None = None
    requests_per_minute: int | None = None
    created_at: datetime | None = None
    created_by: str = ""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    replaced_by: str | None = None
    last_used_at: datetime | None = None
    groups: tuple[str, ...] = ()

    def state(self, now: datetime | None = None) -> Literal["active", "expired", "revoked"]:
        """Whether it still counts."""
        if self.revoked_at is not None:
            return "revoked"
        expired = self.expires_at is not None and self.expires_at <= (now or datetime.now(UTC))
        return "expired" if expired else "active"


def new_key_id() -> str:
    """Chance enough that two are never the same."""
    return secrets.token_hex(8)


def new_key_text(key_id: str) -> str:
    """The key itself, which is shown once and kept by nobody here."""
    return f"{PREFIX}{key_id}_{secrets.token_hex(24)}"


def key_sha256(text: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(text.encode()).hexdigest()


class _Entry(BaseModel):
    id: str = Field(min_length=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    tenant: str = Field(min_length=1)
    subject: str = Field(min_length=1)
    roles: tuple[str, ...]
    kind: KeyKind = "person"
    scopes: tuple[str, ...] | None = None
    groups: tuple[str, ...] = ()


class _File(BaseModel):
    keys: tuple[_Entry, ...]


def read_file(path: Path) -> Mapping[str, ApiKey]:
    """By id the keys of the file that `penstock up` makes. Raises NotConfigured."""
    try:
        file = _File.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise NotConfigured(f"there are no API keys at {path}: `penstock up` makes them") from None
    except (OSError, ValidationError) as error:
        raise NotConfigured(
            f"{path} can't be used as a file of API keys ({type(error).__name__}): put it back as it "
            "was, or move it away and type `penstock up`, which makes new keys"
        ) from None
    return {
        key.id: ApiKey(
            *(key.id, key.sha256, key.tenant, key.subject, key.roles, key.kind, key.scopes),
            created_by=path.name,
            groups=key.groups,
        )
        for key in file.keys
    }
