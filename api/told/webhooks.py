"""Answers about webhooks and their deliveries."""

from typing import Annotated, Final, Literal, TypeAlias

from typing_extensions import TypedDict

from penstock.api.told.parts import Cursor, Moment, Shapes, Uuid, said
from penstock.api.webhook_shapes import Kind
from penstock.runtime.webhooks import DeliveryStatus

_Kind: TypeAlias = Literal[Kind, "webhook.test"]


class WebhookLinks(TypedDict):
    """Paths of what belongs to a webhook."""

    deliveries: str


class Webhook(TypedDict):
    """A subscription to what happens in the tenant, without its secret."""

    id: Annotated[str, said("The webhook's id, as in its path.")]
    url: Annotated[str, said("Where it is posted to.")]
    kinds: Annotated[list[Kind], said("What it is told of.")]
    description: Annotated[str, said("What its operator noted, maybe empty.")]
    state: Literal["active", "disabled"]
    disabled_at: Annotated[
        Moment | None, said("Since when nothing is posted to it; null while it is active.")
    ]
    disabled_reason: Annotated[str | None, said("Why it is disabled; null while it is active.")]
    failing_since: Annotated[Moment | None, said("Since when posts to it fail; null where they don't.")]
    held_until: Annotated[
        Moment | None,
        said("Nothing is posted until then, for the receiver seemed to be away; null where it didn't."),
    ]
    old_secret_until: Annotated[
        Moment | None,
        said("Until when deliveries are signed with the secret before too; null where it was never rotated."),
    ]
    created_at: Moment
    created_by: Annotated[str, said("The subject that made it.")]
    version: Annotated[int, said("Its ETag: from 1, one more with each change.", minimum=1)]
    links: WebhookLinks


class WebhookWithSecret(Webhook):
    """The same with its secret, which no other answer ever shows."""

    secret: Annotated[str, said("What deliveries are signed with: `whsec_` and 32 bytes in base64.")]


class WebhookList(TypedDict):
    """All the tenant's webhooks, oldest first."""

    webhooks: list[Webhook]


class WebhookDelivery(TypedDict):
    """What was posted to a webhook, or waits to be."""

    id: Annotated[Uuid, said("The delivery's id, which the receiver sees as the header webhook-id.")]
    kind: _Kind
    status: Annotated[
        DeliveryStatus, said("`waiting` until it gets through, `failed` once it isn't tried any more.")
    ]
    attempts: Annotated[int, said("How often it was tried.", minimum=0)]
    event_at: Annotated[Moment, said("When what it tells of happened.")]
    filed_at: Annotated[Moment, said("When it was filed, or asked for again.")]
    next_at: Annotated[Moment | None, said("When it is tried next; null once it has ended.")]
    last_at: Annotated[Moment | None, said("When it was last known what came of a try; null before that.")]
    last_status: Annotated[
        int | None, said("The HTTP status of the last try; null where there was no answer.")
    ]
    last_error: Annotated[str | None, said("What went wrong last; null where nothing did.")]
    ended_at: Annotated[Moment | None, said("When it got through or failed; null while it waits.")]
    body: Annotated[str, said("What is posted, byte for byte: JSON as text.")]


class WebhookDeliveries(TypedDict):
    """A webhook's deliveries, newest first."""

    deliveries: list[WebhookDelivery]
    next_cursor: Cursor


class FiledDelivery(TypedDict):
    """A delivery that will be posted."""

    id: Annotated[Uuid, said("The delivery's id.")]
    links: WebhookLinks


SHAPES: Final[Shapes] = {
    "GET /v1/webhooks": WebhookList,
    "POST /v1/webhooks": WebhookWithSecret,
    "GET /v1/webhooks/{webhook_id}": Webhook,
    "PATCH /v1/webhooks/{webhook_id}": Webhook,
    "POST /v1/webhooks/{webhook_id}/rotate": WebhookWithSecret,
    "POST /v1/webhooks/{webhook_id}/disable": Webhook,
    "POST /v1/webhooks/{webhook_id}/enable": Webhook,
    "POST /v1/webhooks/{webhook_id}/test": FiledDelivery,
    "GET /v1/webhooks/{webhook_id}/deliveries": WebhookDeliveries,
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver": FiledDelivery,
}
