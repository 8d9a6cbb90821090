"""How subscriptions to webhooks and their deliveries are asked for and shown, over HTTP and on the command line."""

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from penstock.runtime.webhooks import GRACE_S_DEFAULT, GRACE_S_MAX, KINDS, Delivered, Webhook

_TEXT: Final = r"^[^\x00]*$"
Kind = Literal[
    "approval.requested",
    "approval.delegated",
    "approval.escalated",
    "approval.ended",
    "run.ended",
    "run.stalled",
    "call.in_doubt",
]
Kinds = Annotated[
    tuple[Kind, ...], Field(min_length=1, max_length=len(KINDS), description="What it is told of.")
]
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=2_000,
        description="Where to post: https, and no address of a private network.",
    ),
]
Description = Annotated[str, Field(max_length=500, pattern=_TEXT)]
Reason = Annotated[str, Field(max_length=2_000, pattern=_TEXT, description="Why; it stays on the log.")]
_EXAMPLE: Final[dict[str, JsonValue]] = {
    "url": "https://hooks.example.com/penstock",
    "kinds": ["approval.requested", "approval.ended"],
}


class NewWebhook(BaseModel):
    """A subscription to be made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    url: Url
    kinds: Kinds
    description: Description = ""
    reason: Reason = ""


class WebhookChange(BaseModel):
    """What is to be another way; what isn't said stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"kinds": ["run.ended"]}]})

    url: Url | None = None
    kinds: Kinds | None = None
    description: Description | None = None
    reason: Reason = ""


class SecretRotation(BaseModel):
    """For how long deliveries are signed with the old secret too."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"grace_s": 3_600}]})

    grace_s: int = Field(default=GRACE_S_DEFAULT, ge=0, le=GRACE_S_MAX)
    reason: Reason = ""


class Said(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the desk moves"}]})

    reason: Reason = ""


def document(webhook: Webhook) -> dict[str, Any]:
    """A subscription as it is shown: all but its secrets."""
    return {
        "id": webhook.webhook_id,
        **described(webhook.url, webhook.kinds, webhook.description),
        "state": webhook.state,
        "disabled_at": _moment(webhook.disabled_at),
        "disabled_reason": webhook.disabled_reason,
        "failing_since": _moment(webhook.failing_since),
        "held_until": _moment(webhook.held_until),
        "old_secret_until": _moment(webhook.secret_before_until),
        "created_at": _moment(webhook.created_at),
        "created_by": webhook.created_by,
        "version": webhook.version,
        "links": {"deliveries": f"/v1/webhooks/{webhook.webhook_id}/deliveries"},
    }


def described(url: str, kinds: tuple[str, ...], description: str) -> dict[str, Any]:
    """What may be changed, as it is shown."""
    return {"url": url, "kinds": list(kinds), "description": description}


def recorded(url: str, kinds: tuple[str, ...] = (), description: str = "") -> dict[str, Any]:
    """The same as it stands on the log for good: of the URL the host and a hash, for some paths are secrets."""
    host = urlsplit(url).hostname or ""
    url_sha256 = hashlib.sha256(url.encode()).hexdigest()
    return {"host": host, "url_sha256": url_sha256, "kinds": list(kinds), "description": description}


def delivery_document(one: Delivered) -> dict[str, Any]:
    """A delivery as it is shown; `id` is the webhook-id that the receiver has seen."""
    return {
        "id": one.event_id,
        "kind": one.kind,
        "status": one.status,
        "attempts": one.attempts,
        "event_at": _moment(datetime.fromtimestamp(one.time_ms / 1000, UTC)),
        "filed_at": _moment(one.filed_at),
        "next_at": _moment(one.next_at) if one.status == "waiting" else None,
        "last_at": _moment(one.last_at),
        "last_status": one.last_status,
        "last_error": one.last_error,
        "ended_at": _moment(one.ended_at),
        "body": one.body,
    }


def _moment(time: datetime | None) -> str | None:
    return (
        None
        if time is None
        else time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
