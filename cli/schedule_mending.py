"""`penstock schedules release|discard`: a schedule whose decider failed on an input goes on, or does without it."""

from typing import Annotated

import typer

from penstock.cli.schedules import As, AsJson, Key, Reason, Tenant, Wait, schedules_app
from penstock.runtime.settings import Settings

Input = Annotated[
    str, typer.Argument(metavar="INPUT", help="The parked input's id, from `penstock schedules show`.")
]


@schedules_app.command()
def release(
    name: str,
    parked_input_id: Input,
    reason: Reason = "",
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Have a parked input decided again, the oldest first, and then those parked behind it."""
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)
    asked.say(
        ("release", parked_input_id, reason),
        lambda client, input_id: client.release(name, parked_input_id, reason, input_id=input_id),
    )


@schedules_app.command()
def discard(
    name: str,
    parked_input_id: Input,
    reason: Reason,
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Give a parked input up."""
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)
    asked.say(
        ("discard", parked_input_id, reason),
        lambda client, input_id: client.discard(name, parked_input_id, reason, input_id=input_id),
    )
