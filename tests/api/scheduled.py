"""Schedules behind the API: their own decider answers at once."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from unittest.mock import patch

from penstock.producers.signing import Keyring
from tests.api.conftest import Api
from tests.views.schedules import PLAN, Schedules


def decided(api: Api) -> Schedules:
    """Have whatever is said to schedules decided at once, and the views show it."""
    schedules = Schedules(api.log, keyring=Keyring.load(api.settings.keys_file))

    def decide() -> None:
        schedules.decide()
        api.log.project()

    api.log.decide_schedules = decide
    return schedules


def failing() -> AbstractContextManager[object]:
    """The decider fails on triggers."""
    where = "penstock.streams.schedules.decision.triggered_run_id"
    return patch(where, side_effect=LookupError("a bad deploy"))


def tell_of_a_parked_input(api: Api) -> Mapping[str, str]:
    """The decider of `nightly` has failed on one input, and another one waits behind that."""
    schedules = decided(api)
    client = schedules.client()
    client.create("nightly", PLAN)
    with failing():
        first, second = (client.trigger("nightly", reason).meta.id for reason in ("one", "two"))
        schedules.decide()
    api.log.project()
    api.log.inputs.clear()
    return {"parked": first, "behind": second}


def tell_of_a_schedule(api: Api) -> Mapping[str, str]:
    """Tenant `local` has a schedule `nightly`."""
    decided(api).client().create("nightly", PLAN)
    api.log.inputs.clear()
    return {}
