"""What a change of a subscription to webhooks may run into."""

from penstock.api.problems import Problem, unavailable
from penstock.runtime.webhooks import WEBHOOKS_TENANT_MAX, Webhook


def tag_of(webhook: Webhook) -> str:
    """Its ETag: the version of it, which also a rotation or a pause makes another."""
    return f'"{webhook.version}"'


def moved_on(webhook: Webhook) -> Problem:
    """For who would change what isn't as they saw it."""
    detail = (
        f"Nothing was changed: the webhook is at version {webhook.version} now, not where If-Match has it, or somebody "
        "changed it just now. Look at it again, and if you still want to, send this with its new ETag."
    )
    return Problem(
        412, "webhook-moved-on", "The webhook has moved on", detail, headers={"ETag": tag_of(webhook)}
    )


def made_before(webhook_id: str) -> Problem:
    detail = (
        f"This Idempotency-Key has made the webhook {webhook_id} before, and a secret is shown once: if it was lost, "
        "rotate it."
    )
    return Problem(409, "webhook-made-before", "Webhook made before", detail, more={"id": webhook_id})


def too_many() -> Problem:
    detail = f"A tenant has at most {WEBHOOKS_TENANT_MAX} webhooks: delete one, or have one take more kinds."
    return Problem(409, "too-many-webhooks", "Too many webhooks", detail)


def away(error: Exception) -> Problem:
    detail = (
        f"The table of webhooks doesn't answer ({type(error).__name__}): look at GET /v1/webhooks shortly, and see "
        "whether it was done."
    )
    return unavailable("database-away", "Database away", detail)
