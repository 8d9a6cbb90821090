"""`penstock keys`: API keys of every kind, for whoever runs the installation. Each command imports what it needs.

A key stands in penstock.api_key, where every API process learns of it within two seconds; what is done to it is
recorded first. Those of `api-keys.json`, the first ones, are listed, rotated and revoked alike.
"""

import getpass
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from penstock.cli.completing import KeyId
from penstock.cli.questions import AsJson, Reason
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

if TYPE_CHECKING:
    from penstock.runtime.api_keys import ApiKey, KeyKind
    from penstock.runtime.postgres import Connected

keys_app = typer.Typer(help="The API's keys.", no_args_is_help=True)

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
Who = Annotated[str, typer.Option("--as", help="Who does it, as the log will name them; you, if left out.")]
Tenant = Annotated[str, typer.Option(help="Whose key it is.")]
Lasts = Annotated[str, typer.Option(help="For how long it counts, as in 90d, 12h; for good, if left out.")]
Roles = Annotated[list[str], typer.Option(help="A role; give it once for each.")]
Scopes = Annotated[
    list[str] | None, typer.Option(help="Limits the key to this of what its roles give; repeat.")
]


@keys_app.command("add")
def add(
    subject: Annotated[str, typer.Argument(help="Who it is for, as the log will name them.")],
    role: Roles,
    scope: Scopes = None,
    group: Annotated[list[str] | None, typer.Option(help="A group that it names; repeat.")] = None,
    kind: Annotated[str, typer.Option(help="person or service; a service never votes.")] = "person",
    tenant: Tenant = "local",
    expires: Lasts = "",
    requests_per_minute: Annotated[int, typer.Option(min=0, help="0: as the settings say.")] = 0,
    reason: Reason = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Make a key and show it once. The API knows it within two seconds.

    Example: penstock keys add nightly --role analyst --kind service --scope runs:start --expires 90d
    """
    from penstock.api.key_shapes import described
    from penstock.runtime import api_keys, postgres_api_keys

    key_id = api_keys.new_key_id()
    text = api_keys.new_key_text(key_id)
    made = api_keys.ApiKey(
        key_id=key_id,
        sha256=api_keys.key_sha256(text),
        tenant=tenant,
        subject=subject,
        roles=tuple(dict.fromkeys(role)),
        kind=_kind(kind),
        scopes=_scopes(scope),
        groups=tuple(dict.fromkeys(group or ())),
        requests_per_minute=requests_per_minute or None,
        created_by=who or getpass.getuser(),
        created_at=datetime.now(UTC),
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds(expires)) if expires else None,
    )
    settings = Settings.load()
    with _table(settings) as connection:
        _record(settings, made, who, "key.create", reason, described(made))
        postgres_api_keys.add(connection, made)
    _show_made(made, text, as_json)


@keys_app.command("list")
def show(tenant: Annotated[str, typer.Option(help="Only this one's.")] = "", as_json: AsJson = False) -> None:
    """All keys, without their secrets.

    Example: penstock keys list --json
    """
    from penstock.api.key_shapes import document
    from penstock.cli import keys_table, shown
    from penstock.cli.screen import console
    from penstock.runtime.postgres_api_keys import known

    settings = Settings.load()
    with _table(settings) as connection:
        found = [
            key for key in known(connection, settings.api_keys_file).values() if tenant in ("", key.tenant)
        ]
    if as_json:
        shown.as_json({"keys": [document(key) | {"tenant": key.tenant} for key in found]})
    else:
        console.print(keys_table.listed(found))


@keys_app.command("rotate")
def rotate(
    key_id: KeyId,
    grace: Annotated[str, typer.Option(help="For how long the old key still counts: 0s, 1h, 7d …")] = "1h",
    reason: Reason = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Make a key that is to replace this one, with the same rights, and show it once.

    Example: penstock keys rotate 8f21c0d4 --grace 1h
    """
    from penstock.runtime import api_keys, postgres_api_keys

    settings, grace_s = Settings.load(), seconds(grace)
    with _table(settings) as connection:
        old = _found(settings, connection, key_id)
        if old.state() != "active" or old.replaced_by is not None:
            raise SetupError(
                f"the key {key_id} doesn't count or has a successor: make one by `penstock keys add`"
            )
        new_id = api_keys.new_key_id()
        text = api_keys.new_key_text(new_id)
        new = replace(
            old,
            key_id=new_id,
            sha256=api_keys.key_sha256(text),
            created_by=who or getpass.getuser(),
            created_at=datetime.now(UTC),
            last_used_at=None,
        )
        _record(settings, old, who, "key.rotate", reason, {"new_key": new_id, "grace_s": grace_s})
        if not postgres_api_keys.rotate(connection, old, new, grace_s):
            raise SetupError(
                f"the key {key_id} was revoked or rotated just now: look at `penstock keys list`"
            )
    _show_made(new, text, as_json)


@keys_app.command("revoke")
def revoke(key_id: KeyId, reason: Reason = "", who: Who = "", as_json: AsJson = False) -> None:
    """Have a key count no longer, from within two seconds on.

    Example: penstock keys revoke 8f21c0d4 --reason "laptop lost"
    """
    from penstock.cli import shown
    from penstock.runtime import postgres_api_keys

    settings = Settings.load()
    with _table(settings) as connection:
        key = _found(settings, connection, key_id)
        if key.revoked_at is None:
            _record(settings, key, who, "key.revoke", reason, {"subject": key.subject})
            postgres_api_keys.revoke(connection, key)
    if as_json:
        shown.as_json({"id": key_id, "state": "revoked"})
    else:
        typer.echo(f"revoked {key_id}, {key.subject}'s of {key.tenant}")


def seconds(text: str) -> int:
    """Of a duration such as 90d. Raises SetupError."""
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise SetupError(f"{text!r} is no duration: type a number and s, m, h or d, as in 90d")
    return int(match[1]) * _UNITS[match[2]]


@contextmanager
def _table(settings: Settings) -> "Iterator[Connected]":
    from penstock.runtime.postgres import connect

    with connect(settings, application_name="penstock.cli") as connection:
        yield connection


def _found(settings: Settings, connection: "Connected", key_id: str) -> "ApiKey":
    from penstock.runtime.postgres_api_keys import known

    key = known(connection, settings.api_keys_file).get(key_id)
    if key is None:
        raise SetupError(f"there is no key {key_id}: `penstock keys list` lists them")
    return key


def _record(
    settings: Settings, key: "ApiKey", who: str, action: str, reason: str, detail: dict[str, object]
) -> None:
    """Have the log know it before it is done."""
    from penstock.cli.speaking import recording_for, told
    from penstock.schemas.envelope.records import Actor

    actor = Actor(kind="person", subject=who or getpass.getuser(), roles=())
    with recording_for(settings, key.tenant) as operators:
        told(operators.record(actor, action, key.key_id, reason, detail))


def _kind(text: str) -> "KeyKind":
    kinds: dict[str, KeyKind] = {"person": "person", "service": "service"}
    if text not in kinds:
        raise SetupError(f"there is no kind {text!r}: type person or service")
    return kinds[text]


def _scopes(given: list[str] | None) -> tuple[str, ...] | None:
    from penstock.api.rights import SCOPES

    unknown = sorted({*(given or ())} - {*SCOPES})
    if unknown:
        raise SetupError(f"there is no scope {', '.join(unknown)}: scopes are {', '.join(SCOPES)}")
    return tuple(dict.fromkeys(given)) if given else None


def _show_made(key: "ApiKey", text: str, as_json: bool) -> None:
    from penstock.api.key_shapes import document
    from penstock.cli import shown
    from penstock.cli.screen import console

    if as_json:
        shown.as_json(document(key) | {"tenant": key.tenant, "key": text})
    else:
        console.print(text, markup=False)
