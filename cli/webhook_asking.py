"""What the commands of `penstock webhooks` share: the tables, the log, and how a webhook is shown."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.completing import webhooks
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

if TYPE_CHECKING:
    from penstock.runtime.postgres import Connected
    from penstock.runtime.webhooks import Webhook

Who = Annotated[str, typer.Option("--as", help="Who does it, as the log will name them; you, if left out.")]
Tenant = Annotated[str, typer.Option(help="Whose webhook it is.")]
Ident = Annotated[str, typer.Argument(help="The webhook's id.", autocompletion=webhooks)]


@contextmanager
def rows_of(settings: Settings) -> "Iterator[Connected]":
    from penstock.runtime.postgres import connect

    with connect(settings, application_name="penstock.cli") as connection:
        yield connection


def found(connection: "Connected", tenant: str, webhook_id: str) -> "Webhook":
    from penstock.runtime.postgres_webhooks import one

    webhook = one(connection, tenant, webhook_id)
    if webhook is None:
        raise SetupError(f"{tenant} has no webhook {webhook_id}: `penstock webhooks list` lists them")
    return webhook


def active(connection: "Connected", tenant: str, webhook_id: str) -> "Webhook":
    webhook = found(connection, tenant, webhook_id)
    if webhook.disabled_at is not None:
        raise SetupError(
            f"it is disabled ({webhook.disabled_reason}): `penstock webhooks enable {webhook_id}`"
        )
    return webhook


def check(settings: Settings, url: str) -> None:
    from penstock.runtime.webhook_addresses import Refused, hosts_allowed, target_of

    try:
        target_of(url, hosts_allowed(settings.webhook_hosts_allowed))
    except Refused as error:
        raise SetupError(str(error)) from None


def sealed(settings: Settings, webhook_id: str, secret: str) -> bytes:
    from penstock.producers.signing import Keyring
    from penstock.runtime.webhook_secrets import seal

    return seal(Keyring.load(settings.keys_file), webhook_id, secret)


def record(
    settings: Settings, webhook: "Webhook", who: str, action: str, reason: str, detail: dict[str, object]
) -> int:
    """Have the log know it before it is done; its time there, in ms."""
    from penstock.cli.speaking import ACKNOWLEDGED_S, recording_for
    from penstock.schemas.envelope.records import Actor

    actor = Actor(kind="person", subject=who or getpass.getuser(), roles=())
    with recording_for(settings, webhook.tenant) as operators:
        said = operators.record(actor, action, webhook.webhook_id, reason, detail)
        return said.wait(ACKNOWLEDGED_S).time_ms


def show_one(webhook: "Webhook", as_json: bool) -> None:
    from penstock.api.webhook_shapes import document
    from penstock.cli import shown, webhooks_table
    from penstock.cli.screen import console

    if as_json:
        shown.as_json(document(webhook))
    else:
        console.print(webhooks_table.listed([webhook]))


def show_secret(webhook: "Webhook", secret: str, as_json: bool) -> None:
    from penstock.api.webhook_shapes import document
    from penstock.cli import shown
    from penstock.cli.screen import console

    if as_json:
        shown.as_json(document(webhook) | {"secret": secret})
    else:
        console.print(f"webhook {webhook.webhook_id}", secret, sep="\n", markup=False)
