"""Schedules behind the API: their own decider answers at once."""

from collections.abc import Mapping

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


def tell_of_a_schedule(api: Api) -> Mapping[str, str]:
    """Tenant `local` has a schedule `nightly`."""
    decided(api).client().create("nightly", PLAN)
    api.log.inputs.clear()
    return {}
