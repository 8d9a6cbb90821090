"""GET /v1/me: whom the credentials of a request stand for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from penstock.api.callers import Caller
from penstock.api.door import Door
from penstock.api.key_shapes import instant


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["who"])

    @router.get("/v1/me")
    async def me(caller: Annotated[Caller, Depends(door.keys)]) -> dict[str, Any]:
        """Whom the request's credentials stand for. Anybody may ask; `scopes` null is no limit, `expires_at` null is
        until the key is revoked."""
        return {
            "tenant": caller.tenant,
            "subject": caller.subject,
            "kind": caller.kind,
            "roles": list(caller.roles),
            "groups": list(caller.groups),
            "scopes": None if caller.scopes is None else sorted(caller.scopes),
            "authenticated_by": "api_key" if caller.key_id else "token",
            "key_id": caller.key_id or None,
            "expires_at": instant(caller.expires_at),
        }

    return router
