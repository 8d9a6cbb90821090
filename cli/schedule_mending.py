"""`penstock schedules release|discard`: a schedule whose decider failed on an input goes on, or does without it."""

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.completing import ParkedScheduleInputId, ScheduleName
from penstock.cli.schedules import As, AsJson, Key, Reason, Tenant, Wait, schedules_app
from penstock.runtime.settings import Settings

if TYPE_CHECKING:
    from penstock.cli.schedule_speaking import Asked
    from penstock.producers.receipt import Receipt
    from penstock.producers.schedules import ScheduleClient

Input = Annotated[
    str, typer.Argument(metavar="INPUT", help="The parked input's id, from `penstock schedules show`.")
]


@schedules_app.command()
def release(
    name: ScheduleName,
    parked_input_id: Input,
    reason: Reason = "",
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Have a parked input decided again, the oldest first, and then those parked behind it.

    Example: penstock schedules release nightly-review 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --wait 10
    """
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)

    def speak(client: "ScheduleClient", input_id: str) -> "Receipt":
        _record(asked, "release", parked_input_id, reason, input_id)
        return client.release(name, parked_input_id, reason, input_id=input_id)

    asked.say(("release", parked_input_id, reason), speak)


@schedules_app.command()
def discard(
    name: ScheduleName,
    parked_input_id: Input,
    reason: Reason,
    key: Key = "",
    who: As = "olga",
    tenant: Tenant = "local",
    wait: Wait = 5,
    as_json: AsJson = False,
) -> None:
    """Give a parked input up.

    Example: penstock schedules discard nightly-review 8b1d6f0c-52d7-5c1b-9a53-0d7f2c1e4a90 --reason "asked for twice"
    """
    from penstock.cli.schedule_speaking import Asked

    asked = Asked(Settings.load(), tenant, name, who, key, wait, as_json)

    def speak(client: "ScheduleClient", input_id: str) -> "Receipt":
        _record(asked, "discard", parked_input_id, reason, input_id)
        return client.discard(name, parked_input_id, reason, input_id=input_id)

    asked.say(("discard", parked_input_id, reason), speak)


def _record(
    asked: "Asked", verb: str, parked_input_id: ParkedScheduleInputId, reason: str, input_id: str
) -> None:
    """Who does it and why stands on the log before it is said; the same as over HTTP."""
    from penstock.cli.speaking import actor_of, recording_for, told
    from penstock.schemas.ids import derived_id

    actor = actor_of(asked.settings, asked.tenant, asked.who)
    detail = {"schedule": asked.name, "input_id": input_id}
    with recording_for(asked.settings, asked.tenant) as operators:
        action_id = derived_id(input_id, "action")
        action = f"parked-input.{verb}"
        told(operators.record(actor, action, parked_input_id, reason, detail, action_id=action_id))
