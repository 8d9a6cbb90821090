"""What a subscription to webhooks is, and a delivery: words and shapes that API, command line and senders share.

Reads and writes nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

APPROVAL_REQUESTED: Final = "approval.requested"
APPROVAL_DELEGATED: Final = "approval.delegated"
APPROVAL_ESCALATED: Final = "approval.escalated"
APPROVAL_ENDED: Final = "approval.ended"
RUN_ENDED: Final = "run.ended"
RUN_STALLED: Final = "run.stalled"
CALL_IN_DOUBT: Final = "call.in_doubt"
KINDS: Final = (
    *(APPROVAL_REQUESTED, APPROVAL_DELEGATED, APPROVAL_ESCALATED, APPROVAL_ENDED),
    *(RUN_ENDED, RUN_STALLED, CALL_IN_DOUBT),
)
# What POST /v1/webhooks/{id}/test sends; nobody subscribes to it.
TEST: Final = "webhook.test"
BODY_VERSION: Final = 1

DeliveryStatus: TypeAlias = Literal["waiting", "delivered", "failed"]

# Limits. A subscription is an HTTPS connection for each event, so there are few of them.
WEBHOOKS_TENANT_MAX: Final = 20
GRACE_S_DEFAULT: Final = 24 * 3_600
GRACE_S_MAX: Final = 7 * 86_400
# Tried for so long after it was filed, or asked for again.
TRIED_S: Final = 86_400
# Kept for so long after it has ended; an event that is older than this is filed no more, so that none comes twice
# when the log is read anew.
KEPT_S: Final = 7 * 86_400
# A subscription is disabled when nothing got through for so long, or when so many deliveries wait.
FAILING_S_MAX: Final = 3 * 86_400
WAITING_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Webhook:
    """A subscription without its secrets. Times are UTC; `version` is its ETag."""

    webhook_id: str
    tenant: str
    url: str
    kinds: tuple[str, ...]
    description: str
    version: int
    created_at: datetime
    created_by: str
    secret_before_until: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None
    failing_since: datetime | None = None
    held_until: datetime | None = None

    @property
    def state(self) -> Literal["active", "disabled"]:
        """Whether events are delivered to it."""
        return "active" if self.disabled_at is None else "disabled"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery as it is shown. `event_id` is its id, and the webhook-id that the receiver sees."""

    event_id: str
    kind: str
    status: DeliveryStatus
    attempts: int
    time_ms: int
    filed_at: datetime
    next_at: datetime
    last_at: datetime | None
    last_status: int | None
    last_error: str | None
    ended_at: datetime | None
    body: str
