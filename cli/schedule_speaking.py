"""What the commands about schedules say to them, and how they tell what came of it.

Signed with the operator's key of this home directory: who may read that file vouches for the person it names.
"""

import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import typer

from penstock.cli import schedule_shown
from penstock.cli.outcomes import leave, until
from penstock.cli.run_asking import attributes_of, value_of
from penstock.cli.run_reading import Ask, views
from penstock.cli.speaking import ACKNOWLEDGED_S, scheduling_as
from penstock.declare.due_times import Times, next_due
from penstock.declare.schedules import InvalidPlan, check_name, check_plan, times_of
from penstock.producers.receipt import Receipt
from penstock.producers.schedules import ScheduleClient
from penstock.runtime.effects import effect_of, word
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings
from penstock.schemas.attributes import InvalidAttributes, encode_attributes
from penstock.schemas.canonical import NotCanonical, PayloadTooLarge, canonical_json, payload_of
from penstock.schemas.ids import derived_id, schedule_id
from penstock.schemas.schedule.records import CatchUp, Plan

_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_CAUSED: Final = """
SELECT seq, type, event FROM views.schedule_event
WHERE schedule_id = %(schedule_id)s AND cause_id = %(input_id)s ORDER BY seq"""


def times_given(
    cron: str | None, zone: str, every: str | None, starts: str | None, ends: str | None
) -> Times:
    """What the options say. Raises SetupError for what can't be read."""
    return Times(cron, zone, duration_ms("--every", every) if every else None, _ms(starts), _ms(ends))


def plan_of(
    workflow: str,
    input: str,
    version: int | None,
    priority: int | None,
    attributes: Sequence[str],
    times: Times,
    catching_up: tuple[str, str, int],
) -> Plan:
    """The plan that the options mean; `catching_up`: what to make up for, window and maximum. Raises SetupError."""
    catch_up, window, at_most = catching_up
    value, searched = value_of("--input", input), attributes_of(attributes)
    try:
        plan = Plan(
            workflow=workflow,
            workflow_version=version,
            input=payload_of(canonical_json(value)),
            priority=priority,
            search_attributes=encode_attributes(searched),
            cron=times.cron,
            time_zone=times.time_zone,
            every_ms=times.every_ms,
            starts_at_ms=times.starts_at_ms,
            ends_at_ms=times.ends_at_ms,
            catch_up=cast("CatchUp", catch_up),
            catch_up_window_ms=duration_ms("--window", window),
            catch_up_max=at_most,
        )
        check_plan(plan)
    except (InvalidPlan, InvalidAttributes, NotCanonical, PayloadTooLarge) as error:
        raise SetupError(f"nothing was made; correct this: {error}") from error
    if next_due(times_of(plan), round(time.time() * 1000)) is None:
        raise SetupError("nothing would be due any more: give a later --ends")
    return plan


def duration_ms(option: str, text: str) -> int:
    """A number with a unit, as 90s, 15m, 2h, 1d. Raises SetupError."""
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if found is None:
        raise SetupError(
            f"{option} {text!r} can't be read: write a number with its unit, as 90s, 15m, 2h or 1d"
        )
    return int(found[1]) * _UNITS_MS[found[2]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One command: about which schedule, as whom, and how long it waits for what comes of it."""

    settings: Settings
    tenant: str
    name: str
    who: str
    key: str
    wait_s: float
    as_json: bool

    def say(self, words: tuple[object, ...], speak: Callable[[ScheduleClient, str], Receipt]) -> None:
        """Say it and tell what came of it. typer.Exit with 1 if it is refused, with 3 if that takes longer."""
        try:
            check_name(self.name)
        except InvalidPlan as error:
            raise SetupError(f"nothing was said; correct this: {error}") from error
        own = schedule_id(self.tenant, self.name)
        said = "\x1f".join(map(str, ("cli", self.who, self.key or uuid.uuid4(), *words)))
        input_id = derived_id(own, said)
        with views(self.settings) as ask:
            if words[0] != "create":
                schedule_shown.known(ask, self.tenant, self.name)
            with scheduling_as(self.settings, self.tenant, self.who) as client:
                speak(client, input_id).wait(ACKNOWLEDGED_S)
            effect = self._effect(ask, own, input_id)
            self._tell(ask, input_id, effect)

    def _effect(self, ask: Ask, own: str, input_id: str) -> dict[str, Any] | None:
        asked = {"schedule_id": own, "input_id": input_id}
        return until(lambda: effect_of(ask(_CAUSED, asked)), self.wait_s)

    def _tell(self, ask: Ask, input_id: str, effect: dict[str, Any] | None) -> None:
        outcome = word(effect, {"InputAccepted": "as it was"})
        if self.as_json:
            schedule_shown.program(
                {"name": self.name, "input_id": input_id, "outcome": outcome, "effect": effect}
            )
        else:
            self._tell_people(ask, outcome, {} if effect is None else effect["event"])
        leave(outcome)

    def _tell_people(self, ask: Ask, outcome: str, event: dict[str, Any]) -> None:
        about = event.get("detail") or event.get("note") or ""
        typer.echo(f"{outcome}: {about}" if about else outcome)
        if "run_id" in event:
            typer.echo(
                f"run {event['run_id']}: `penstock run result {event['run_id']} --wait 60` waits for its end"
            )
        if outcome == "pending":
            typer.echo(
                f"nobody has decided it yet: `penstock schedules show {self.name}` will tell, or `penstock"
                " status` who is behind"
            )
        elif outcome != "refused":
            schedule_shown.shown(schedule_shown.known(ask, self.tenant, self.name, deleted=True))


def _ms(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise SetupError(f"{error}: write a time as 2026-11-28T09:00:00Z") from error
