"""What is shown of a dead letter's input can be given back as its mend, plans of schedules included."""

import json
from dataclasses import replace

import pytest

from penstock.producers.schedules import plan_sha256
from penstock.runtime.dead_letter_documents import readable
from penstock.runtime.mends import BadMend, mend_of_fields
from penstock.schemas.canonical import json_payload
from penstock.schemas.ids import schedule_id
from penstock.schemas.schedule.records import CreateSchedule, FireSchedule, Plan, ReviseSchedule

SCHEDULE = schedule_id("local", "nightly")
PLAN = Plan(workflow="case-review", input=json_payload({"case_id": "c"}), cron="0 0 * * *", catch_up="last")
MADE = CreateSchedule(name="nightly", plan=PLAN, body_sha256=plan_sha256(PLAN))


@pytest.mark.parametrize("body", [MADE, ReviseSchedule(plan=replace(PLAN, priority=3), expected_revision=2)])
def test_a_schedules_input_as_it_is_shown_is_its_mend(body: CreateSchedule | ReviseSchedule) -> None:
    shown = json.loads(json.dumps(readable(body)))
    assert mend_of_fields(type(body).__name__, SCHEDULE, shown).body == body


def test_the_hash_of_a_schedule_is_made_up_for() -> None:
    shown = readable(MADE)
    del shown["body_sha256"]
    assert mend_of_fields("CreateSchedule", SCHEDULE, shown).body == MADE


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "nightly"},
        {"name": "nightly", "plan": None},
        {"name": "nightly", "plan": "daily"},
        {"name": "nightly", "plan": {"workflow": "w"}},
        {"name": "nightly", "plan": {**readable(PLAN), "colour": "red"}},
    ],
)
def test_what_makes_no_schedule_is_said(fields: dict[str, object]) -> None:
    with pytest.raises(BadMend, match="don't make a CreateSchedule"):
        mend_of_fields("CreateSchedule", SCHEDULE, fields)


def test_what_only_services_say_is_no_mend() -> None:
    with pytest.raises(BadMend, match="only services say FireSchedule"):
        mend_of_fields("FireSchedule", SCHEDULE, readable(FireSchedule(due_ms=1)))
