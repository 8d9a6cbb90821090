"""Answers about API keys."""

from typing import Annotated, Final, Literal

from typing_extensions import TypedDict

from penstock.api.told.parts import Cursor, Moment, Shapes, said


class ApiKey(TypedDict):
    """An API key without its secret."""

    id: Annotated[str, said("The key's id, which isn't secret: it stands in the key itself.")]
    subject: Annotated[str, said("Whom the key stands for, in its tenant.")]
    kind: Literal["person", "service"]
    roles: list[str]
    scopes: Annotated[list[str] | None, said("What it is limited to; null: all that its roles give.")]
    groups: Annotated[list[str], said("Groups of whom it stands for: approvals may be asked of them.")]
    requests_per_minute: Annotated[
        int | None, said("How many requests a minute it may send; null: as many as the setting says.")
    ]
    expires_at: Annotated[Moment | None, said("When it counts no longer; null where it doesn't end.")]
    state: Annotated[
        Literal["active", "expired", "revoked"], said("Only an active one is taken, also after a rotation.")
    ]
    created_at: Annotated[Moment | None, said("Null for one of the installation's file of keys.")]
    created_by: Annotated[str, said("The subject of who made it, or the name of the file that it stands in.")]
    revoked_at: Moment | None
    replaced_by: Annotated[str | None, said("The id of the key that it was rotated to.")]
    last_used_at: Annotated[Moment | None, said("Up to a minute late; null if it never was.")]


class ApiKeyPage(TypedDict):
    """Some of the tenant's keys, newest first, those of the installation's file last."""

    keys: list[ApiKey]
    next_cursor: Cursor


class MadeApiKey(ApiKey):
    """A new API key with its secret."""

    key: Annotated[str, said("The key itself, to be sent with requests. It is shown this once.")]


class RotatedApiKey(MadeApiKey):
    """A new API key with its secret, and which one it replaces."""

    replaces: Annotated[str, said("The old key's id. It counts until the grace is over.")]


SHAPES: Final[Shapes] = {
    "GET /v1/keys": ApiKeyPage,
    "POST /v1/keys": MadeApiKey,
    "POST /v1/keys/{key_id}/rotate": RotatedApiKey,
}
