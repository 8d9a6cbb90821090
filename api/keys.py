"""GET and POST /v1/keys, POST /v1/keys/{id}/rotate, DELETE /v1/keys/{id}: an admin manages the tenant's API keys.

A key itself is shown once, by the answer that makes it.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from penstock.api.callers import KEYS, Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.key_changes import KeyChanges
from penstock.api.key_ring import KeyRing
from penstock.api.key_shapes import NewKey, Rotation, document
from penstock.api.problems import Problem
from penstock.runtime.api_keys import ApiKey

LIMIT_MAX: Final = 1_000


def routes(door: Door, ring: KeyRing) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["keys"], prefix="/v1/keys")
    changes = KeyChanges(door, ring)

    @router.get("")
    async def keys(
        caller: Annotated[Caller, Depends(door.keys)],
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        cursor: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
    ) -> dict[str, Any]:
        """The tenant's keys without their secrets, newest first. Read on with cursor = next_cursor."""
        caller.needs(KEYS, "manage keys")
        shown = list((await changes.all_of(caller)).values())[::-1]
        begin = 0 if cursor is None else _after(shown, cursor)
        page = shown[begin : begin + limit]
        more = begin + limit < len(shown)
        return {"keys": [document(key) for key in page], "next_cursor": page[-1].key_id if more else None}

    @router.post("", status_code=201)
    async def make(
        body: NewKey,
        caller: Annotated[Caller, Depends(door.keys)],
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Make a service's key. `key` in the answer is the only time that it is shown."""
        caller.needs(KEYS, "manage keys")
        made, text = await changes.make(caller, body, idempotency_key)
        return document(made) | {"key": text}

    @router.post("/{key_id}/rotate", status_code=201)
    async def rotate(
        key_id: str, caller: Annotated[Caller, Depends(door.keys)], body: Rotation | None = None
    ) -> dict[str, Any]:
        """Make a key that is to replace this one, with the same rights. Both count until the grace is over."""
        caller.needs(KEYS, "manage keys")
        made, text = await changes.rotate(caller, key_id, body or Rotation())
        return document(made) | {"key": text, "replaces": key_id}

    @router.delete("/{key_id}", status_code=204)
    async def revoke(
        key_id: str,
        caller: Annotated[Caller, Depends(door.keys)],
        reason: Annotated[str, Query(max_length=2_000)] = "",
    ) -> Response:
        """Have a key count no longer, from within two seconds on. Again is the same."""
        caller.needs(KEYS, "manage keys")
        await changes.revoke(caller, key_id, reason)
        return Response(status_code=204)

    return router


def _after(shown: Sequence[ApiKey], cursor: str) -> int:
    """Where the list goes on: below the key of that id. Keys are never taken from it. Raises a 422 problem."""
    for at, key in enumerate(shown):
        if key.key_id == cursor:
            return at + 1
    detail = "Correct `cursor`: it is the `next_cursor` of a page; begin without one."
    raise Problem(422, "invalid-request", "Invalid request", detail)
