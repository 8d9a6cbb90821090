"""/v1/webhooks: an operator manages the tenant's subscriptions, and sees what became of their deliveries.

The secret that deliveries are signed with is shown once, by the answer that makes it (docs/webhooks.md).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Response

from penstock.api.callers import Caller
from penstock.api.door import Door, IdempotencyKey
from penstock.api.preconditions import TAGS_CHARACTERS_MAX
from penstock.api.rights import WEBHOOKS
from penstock.api.webhook_changes import Seen, WebhookChanges
from penstock.api.webhook_problems import tag_of
from penstock.api.webhook_shapes import (
    NewWebhook,
    Said,
    SecretRotation,
    WebhookChange,
    delivery_document,
    document,
)
from penstock.runtime.postgres_webhooks import Page
from penstock.runtime.webhooks import Delivered, DeliveryStatus, Webhook

LIMIT_MAX: Final = 500
_MARK: Final = r"^([0-9]{1,16})_([0-9a-f-]{1,64})$"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Mark = Annotated[str | None, Query(pattern=_MARK)]
AsSeen = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=TAGS_CHARACTERS_MAX,
        description="The ETag of the webhook that you looked at: 412 if it is another one by now.",
    ),
]


def routes(door: Door) -> APIRouter:
    """The routes of this resource."""
    router = APIRouter(tags=["webhooks"], prefix="/v1/webhooks")
    changes = WebhookChanges(door)

    def operator(caller: Annotated[Caller, Depends(door.keys)]) -> Caller:
        caller.needs(WEBHOOKS, "manage webhooks")
        return caller

    @router.get("")
    async def webhooks(caller: Annotated[Caller, Depends(operator)]) -> dict[str, Any]:
        """The tenant's subscriptions, oldest first, without their secrets."""
        return {"webhooks": [document(each) for each in await changes.all_of(caller)]}

    @router.post("", status_code=201)
    async def make(
        body: NewWebhook,
        caller: Annotated[Caller, Depends(operator)],
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        """Subscribe. `secret` in the answer is the only time that it is shown."""
        made, secret = await changes.make(caller, body, idempotency_key)
        return _tagged(response, made) | {"secret": secret}

    @router.get("/{webhook_id}")
    async def one(
        webhook_id: str, caller: Annotated[Caller, Depends(operator)], response: Response
    ) -> dict[str, Any]:
        """One subscription; `failing_since` and `disabled_reason` say how it is."""
        return _tagged(response, await changes.found(caller, webhook_id))

    @router.patch("/{webhook_id}")
    async def change(
        webhook_id: str,
        body: WebhookChange,
        caller: Annotated[Caller, Depends(operator)],
        response: Response,
        if_match: AsSeen = None,
    ) -> dict[str, Any]:
        """Change url, kinds or description. What has been filed already goes to the new url."""
        return _tagged(response, await changes.change(caller, Seen(webhook_id, if_match), body))

    @router.delete("/{webhook_id}", status_code=204)
    async def remove(
        webhook_id: str,
        caller: Annotated[Caller, Depends(operator)],
        reason: Annotated[str, Query(max_length=2_000)] = "",
        if_match: AsSeen = None,
    ) -> Response:
        """Forget it and its deliveries, also those that wait."""
        await changes.remove(caller, Seen(webhook_id, if_match), reason)
        return Response(status_code=204)

    _of_one(router, changes, operator)
    _of_deliveries(router, changes, operator)
    return router


def _of_one(router: APIRouter, changes: WebhookChanges, operator: Any) -> None:
    @router.post("/{webhook_id}/rotate", status_code=201)
    async def rotate(
        webhook_id: str,
        caller: Annotated[Caller, Depends(operator)],
        response: Response,
        body: SecretRotation | None = None,
        if_match: AsSeen = None,
    ) -> dict[str, Any]:
        """Make another secret. Deliveries are signed with both until the grace is over."""
        asked = body or SecretRotation()
        webhook, secret = await changes.rotate(
            caller, Seen(webhook_id, if_match), asked.grace_s, asked.reason
        )
        return _tagged(response, webhook) | {"secret": secret}

    @router.post("/{webhook_id}/disable")
    async def disable(
        webhook_id: str,
        caller: Annotated[Caller, Depends(operator)],
        response: Response,
        body: Said | None = None,
        if_match: AsSeen = None,
    ) -> dict[str, Any]:
        """Post nothing to it until it is enabled. What happens meanwhile isn't posted later."""
        seen = Seen(webhook_id, if_match)
        return _tagged(response, await changes.disable(caller, seen, (body or Said()).reason))

    @router.post("/{webhook_id}/enable")
    async def enable(
        webhook_id: str,
        caller: Annotated[Caller, Depends(operator)],
        response: Response,
        body: Said | None = None,
        if_match: AsSeen = None,
    ) -> dict[str, Any]:
        """Post to it what happens from now on, and what still waits."""
        seen = Seen(webhook_id, if_match)
        return _tagged(response, await changes.enable(caller, seen, (body or Said()).reason))

    @router.post("/{webhook_id}/test", status_code=202)
    async def test(
        webhook_id: str, caller: Annotated[Caller, Depends(operator)], idempotency_key: IdempotencyKey = None
    ) -> dict[str, Any]:
        """Have a delivery of kind webhook.test posted; look for its id among the deliveries."""
        delivery_id = await changes.test(caller, webhook_id, idempotency_key)
        return {"id": delivery_id, "links": {"deliveries": f"/v1/webhooks/{webhook_id}/deliveries"}}


def _of_deliveries(router: APIRouter, changes: WebhookChanges, operator: Any) -> None:
    @router.get("/{webhook_id}/deliveries")
    async def deliveries(
        webhook_id: str,
        caller: Annotated[Caller, Depends(operator)],
        status: DeliveryStatus | None = None,
        cursor: Mark = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    ) -> dict[str, Any]:
        """What was posted or waits, newest first. Kept for a week. Read on with cursor = next_cursor
        and the same filter, until it is null."""
        found = await changes.deliveries(caller, webhook_id, Page(status, _place(cursor), limit))
        last = found[-1] if len(found) == limit else None
        return {
            "deliveries": [delivery_document(each) for each in found],
            "next_cursor": _mark(last) if last else None,
        }

    @router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver", status_code=202)
    async def redeliver(
        webhook_id: str, delivery_id: str, caller: Annotated[Caller, Depends(operator)]
    ) -> dict[str, Any]:
        """Post one once more, with the same webhook-id, also if it was delivered."""
        await changes.again(caller, webhook_id, delivery_id)
        return {"id": delivery_id, "links": {"deliveries": f"/v1/webhooks/{webhook_id}/deliveries"}}


def _tagged(response: Response, webhook: Webhook) -> dict[str, Any]:
    response.headers["ETag"] = tag_of(webhook)
    return document(webhook)


def _mark(one: Delivered) -> str:
    return f"{(one.filed_at - _EPOCH) // timedelta(microseconds=1)}_{one.event_id}"


def _place(mark: str | None) -> tuple[datetime, str] | None:
    found = re.fullmatch(_MARK, mark or "")
    return (_EPOCH + timedelta(microseconds=int(found[1])), found[2]) if found else None
