"""Answers about the API itself and who asks it."""

from typing import Annotated, Final, Literal

from typing_extensions import TypedDict

from penstock.api.told.parts import Moment, Shapes, said


class Me(TypedDict):
    """Whom the API takes the caller for, and what they may."""

    tenant: str
    subject: str
    kind: Literal["person", "app", "service"]
    roles: list[str]
    groups: Annotated[
        list[str], said("Groups of the OIDC token or of the key: approvals may be asked of them.")
    ]
    scopes: Annotated[list[str] | None, said("What the credentials are limited to; null where they aren't.")]
    authenticated_by: Literal["api_key", "token"]
    key_id: Annotated[str | None, said("The API key's id; null for a token.")]
    expires_at: Annotated[Moment | None, said("When the credentials end; null where they don't.")]


class Live(TypedDict):
    """The process runs."""

    status: Literal["live"]


class Ready(TypedDict):
    """Whether the API can answer."""

    status: Literal["ready"]
    checks: Annotated[dict[str, str], said("By what was looked at: `ok`, or what is wrong.")]


SHAPES: Final[Shapes] = {"GET /health/live": Live, "GET /health/ready": Ready, "GET /v1/me": Me}
