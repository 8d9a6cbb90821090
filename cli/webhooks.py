"""`penstock webhooks`: subscriptions to webhooks, and what became of deliveries, for whoever runs the installation.

What is changed is recorded first, as `penstock keys` does; the API and the workers see it at once.
"""

import getpass
import secrets
from datetime import UTC, datetime
from typing import Annotated

import typer

from penstock.cli import webhook_deliveries
from penstock.cli.completing import webhook_kinds
from penstock.cli.questions import AsJson, Reason
from penstock.cli.webhook_asking import (
    Ident,
    Tenant,
    Who,
    check,
    found,
    record,
    rows_of,
    sealed,
    show_one,
    show_secret,
)
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

webhooks_app = typer.Typer(help="Who is notified by webhook, of what.", no_args_is_help=True)
webhooks_app.command("test")(webhook_deliveries.file_test)
webhooks_app.command("deliveries")(webhook_deliveries.deliveries)
webhooks_app.command("redeliver")(webhook_deliveries.redeliver)


@webhooks_app.command("create")
def create(
    url: Annotated[str, typer.Argument(help="Where to post, https://…")],
    kind: Annotated[
        list[str],
        typer.Option(help="What it is told of; give it once for each.", autocompletion=webhook_kinds),
    ],
    description: Annotated[str, typer.Option(help="For people.")] = "",
    tenant: Tenant = "local",
    reason: Reason = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Subscribe, and show the secret once.

    Example: penstock webhooks create https://hooks.example.com/penstock --kind approval.requested --kind approval.ended
    """
    from penstock.api.webhook_shapes import recorded
    from penstock.runtime import postgres_webhooks, webhook_secrets
    from penstock.runtime.webhooks import KINDS, WEBHOOKS_TENANT_MAX, Webhook

    unknown = sorted({*kind} - {*KINDS})
    if unknown:
        raise SetupError(f"there is no kind {', '.join(unknown)}: kinds are {', '.join(KINDS)}")
    settings = Settings.load()
    check(settings, url)
    webhook_id, kinds = secrets.token_hex(8), tuple(dict.fromkeys(kind))
    subject = who or getpass.getuser()
    made = Webhook(webhook_id, tenant, url, kinds, description, 1, datetime.now(UTC), subject)
    with rows_of(settings) as connection:
        if len(postgres_webhooks.of_tenant(connection, tenant)) >= WEBHOOKS_TENANT_MAX:
            raise SetupError(f"{tenant} has {WEBHOOKS_TENANT_MAX} webhooks, the most: delete one")
        said = recorded(url, kinds, description)
        since_ms = record(settings, made, who, "webhook.create", reason, said)
        secret = webhook_secrets.new_secret()
        postgres_webhooks.add(connection, made, sealed(settings, webhook_id, secret), since_ms)
        show_secret(found(connection, tenant, webhook_id), secret, as_json)


@webhooks_app.command("list")
def list_(tenant: Tenant = "local", as_json: AsJson = False) -> None:
    """The tenant's webhooks, without their secrets.

    Example: penstock webhooks list --json
    """
    from penstock.api.webhook_shapes import document
    from penstock.cli import shown, webhooks_table
    from penstock.cli.screen import console
    from penstock.runtime.postgres_webhooks import of_tenant

    with rows_of(Settings.load()) as connection:
        all_of_them = of_tenant(connection, tenant)
    if as_json:
        shown.as_json({"webhooks": [document(each) for each in all_of_them]})
    else:
        console.print(webhooks_table.listed(all_of_them))


@webhooks_app.command("show")
def show(webhook_id: Ident, tenant: Tenant = "local", as_json: AsJson = False) -> None:
    """One webhook, and how it is.

    Example: penstock webhooks show 5d1f2c7b90aa41e3
    """
    with rows_of(Settings.load()) as connection:
        show_one(found(connection, tenant, webhook_id), as_json)


@webhooks_app.command("rotate")
def rotate(
    webhook_id: Ident,
    grace: Annotated[str, typer.Option(help="For how long the old secret signs too: 0s, 1h, 7d …")] = "1d",
    tenant: Tenant = "local",
    reason: Reason = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Make another secret and show it once.

    Example: penstock webhooks rotate 5d1f2c7b90aa41e3 --grace 1h
    """
    from penstock.cli.keys import seconds
    from penstock.runtime import postgres_webhooks, webhook_secrets
    from penstock.runtime.webhooks import GRACE_S_MAX

    settings, grace_s = Settings.load(), seconds(grace)
    if grace_s > GRACE_S_MAX:
        raise SetupError(
            f"two secrets are good for {GRACE_S_MAX // 86_400} days at most: type less than {grace}"
        )
    with rows_of(settings) as connection:
        webhook = found(connection, tenant, webhook_id)
        record(settings, webhook, who, "webhook.rotate", reason, {"grace_s": grace_s})
        secret = webhook_secrets.new_secret()
        postgres_webhooks.rotate(connection, webhook, sealed(settings, webhook_id, secret), grace_s)
        show_secret(found(connection, tenant, webhook_id), secret, as_json)


@webhooks_app.command("disable")
def disable(
    webhook_id: Ident, tenant: Tenant = "local", reason: Reason = "", who: Who = "", as_json: AsJson = False
) -> None:
    """Post nothing to it until it is enabled; what happens meanwhile isn't posted later.

    Example: penstock webhooks disable 5d1f2c7b90aa41e3 --reason "the receiver moves"
    """
    from penstock.runtime import postgres_webhooks

    settings = Settings.load()
    with rows_of(settings) as connection:
        webhook = found(connection, tenant, webhook_id)
        if webhook.disabled_at is None:
            record(settings, webhook, who, "webhook.disable", reason, {})
            why = f"{who or getpass.getuser()}: {reason or 'no reason given'}"
            postgres_webhooks.disable(connection, webhook, why)
        show_one(found(connection, tenant, webhook_id), as_json)


@webhooks_app.command("enable")
def enable(
    webhook_id: Ident, tenant: Tenant = "local", reason: Reason = "", who: Who = "", as_json: AsJson = False
) -> None:
    """Post to it what happens from now on, and what still waits.

    Example: penstock webhooks enable 5d1f2c7b90aa41e3
    """
    from penstock.runtime import postgres_webhooks

    settings = Settings.load()
    with rows_of(settings) as connection:
        webhook = found(connection, tenant, webhook_id)
        if webhook.disabled_at is not None:
            since_ms = record(settings, webhook, who, "webhook.enable", reason, {})
            postgres_webhooks.enable(connection, webhook, since_ms)
        show_one(found(connection, tenant, webhook_id), as_json)


@webhooks_app.command("delete")
def delete(
    webhook_id: Ident, tenant: Tenant = "local", reason: Reason = "", who: Who = "", as_json: AsJson = False
) -> None:
    """Forget it and its deliveries, also those that wait.

    Example: penstock webhooks delete 5d1f2c7b90aa41e3 --reason "no longer read"
    """
    from penstock.api.webhook_shapes import recorded
    from penstock.cli import shown
    from penstock.runtime import postgres_webhooks

    settings = Settings.load()
    with rows_of(settings) as connection:
        webhook = found(connection, tenant, webhook_id)
        record(settings, webhook, who, "webhook.delete", reason, recorded(webhook.url))
        postgres_webhooks.remove(connection, webhook)
    if as_json:
        shown.as_json({"id": webhook_id, "state": "deleted"})
    else:
        typer.echo(f"deleted {webhook_id}, which posted to {webhook.url}")
