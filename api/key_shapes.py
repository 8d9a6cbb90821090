"""How API keys are asked for and shown, over HTTP and as JSON on the command line."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from penstock.api.rights import SCOPES
from penstock.runtime.api_keys import ApiKey, KeyKind

GRACE_S_DEFAULT: Final = 3_600
GRACE_S_MAX: Final = 30 * 86_400
LIFE_S_MAX: Final = 5 * 366 * 86_400
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.:@/-]{0,199}$"
Name = Annotated[str, Field(pattern=_NAME)]
Group = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Reason = Annotated[str, Field(max_length=2_000, description="Why; it stays on the log.")]


class NewKey(BaseModel):
    """A key to be made. Without `scopes` it may do all that its roles give."""

    model_config = ConfigDict(extra="forbid")

    subject: Name
    kind: KeyKind = "service"
    roles: tuple[Name, ...] = Field(min_length=1, max_length=20)
    scopes: tuple[str, ...] | None = Field(default=None, max_length=len(SCOPES))
    groups: tuple[Group, ...] = Field(default=(), max_length=20)
    expires_in_s: int | None = Field(default=None, ge=60, le=LIFE_S_MAX)
    requests_per_minute: int | None = Field(default=None, ge=1, le=10_000_000)
    reason: Reason = ""

    @field_validator("scopes")
    @classmethod
    def _known(cls, scopes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if {*(scopes or ())} - {*SCOPES}:
            raise ValueError(f"scopes are {', '.join(SCOPES)}")
        return scopes


class Rotation(BaseModel):
    """For how long the old key still counts, so that it can be replaced everywhere."""

    model_config = ConfigDict(extra="forbid")

    grace_s: int = Field(default=GRACE_S_DEFAULT, ge=0, le=GRACE_S_MAX)
    reason: Reason = ""


def document(key: ApiKey) -> dict[str, Any]:
    """A key as it is shown: all but its hash."""
    return {
        "id": key.key_id,
        **described(key),
        "state": key.state(),
        "created_at": instant(key.created_at),
        "created_by": key.created_by,
        "revoked_at": instant(key.revoked_at),
        "replaced_by": key.replaced_by,
        "last_used_at": instant(key.last_used_at),
    }


def described(key: ApiKey) -> dict[str, Any]:
    """What a key gives, and to whom, as it is shown and as it stands on the log."""
    return {
        "subject": key.subject,
        "kind": key.kind,
        "roles": list(key.roles),
        "scopes": None if key.scopes is None else list(key.scopes),
        "groups": list(key.groups),
        "requests_per_minute": key.requests_per_minute,
        "expires_at": instant(key.expires_at),
    }


def instant(time: datetime | None) -> str | None:
    """RFC 3339 with ms, UTC; None stays None."""
    return (
        None
        if time is None
        else time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
