"""`penstock webhooks test`, `deliveries` and `redeliver`: what is posted, and what came of it."""

import uuid
from typing import Annotated

import typer

from penstock.cli.completing import words
from penstock.cli.questions import AsJson, Reason
from penstock.cli.webhook_asking import Ident, Tenant, Who, active, found, record, rows_of
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings


def file_test(webhook_id: Ident, tenant: Tenant = "local", as_json: AsJson = False) -> None:
    """Have a delivery of kind webhook.test posted; `penstock webhooks deliveries` shows what came of it.

    Example: penstock webhooks test 5d1f2c7b90aa41e3
    """
    from penstock.api.webhook_changes import test_body
    from penstock.runtime import postgres_webhooks

    event_id = str(uuid.uuid4())
    with rows_of(Settings.load()) as connection:
        webhook = active(connection, tenant, webhook_id)
        body, time_ms = test_body(webhook, event_id)
        postgres_webhooks.file_test(connection, webhook, event_id, body, time_ms)
    _filed(event_id, as_json)


def deliveries(
    webhook_id: Ident,
    tenant: Tenant = "local",
    status: Annotated[
        str,
        typer.Option(
            help="Only waiting, delivered or failed ones.",
            autocompletion=words("waiting", "delivered", "failed"),
        ),
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """What was posted or waits, newest first.

    Example: penstock webhooks deliveries 5d1f2c7b90aa41e3 --status failed
    """
    from penstock.api.webhook_shapes import delivery_document
    from penstock.cli import shown, webhooks_table
    from penstock.cli.screen import console
    from penstock.runtime.postgres_webhooks import Page
    from penstock.runtime.postgres_webhooks import deliveries as read

    with rows_of(Settings.load()) as connection:
        found(connection, tenant, webhook_id)
        read_rows = read(connection, tenant, webhook_id, Page(status or None, limit=limit))
    if as_json:
        shown.as_json({"deliveries": [delivery_document(each) for each in read_rows]})
    else:
        console.print(webhooks_table.deliveries(read_rows))


def redeliver(
    webhook_id: Ident,
    delivery_id: str,
    tenant: Tenant = "local",
    reason: Reason = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Post one once more, with the same webhook-id.

    Example: penstock webhooks redeliver 5d1f2c7b90aa41e3 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --reason "it is mended"
    """
    from penstock.runtime import postgres_webhooks

    settings = Settings.load()
    with rows_of(settings) as connection:
        webhook = active(connection, tenant, webhook_id)
        record(settings, webhook, who, "webhook.redeliver", reason, {"delivery": delivery_id})
        if not postgres_webhooks.again(connection, webhook, delivery_id):
            raise SetupError(f"it has no delivery {delivery_id}: `penstock webhooks deliveries` lists them")
    _filed(delivery_id, as_json)


def _filed(delivery_id: str, as_json: bool) -> None:
    from penstock.cli import shown

    if as_json:
        shown.as_json({"id": delivery_id})
    else:
        typer.echo(f"filed {delivery_id}; `penstock webhooks deliveries` shows what comes of it")
