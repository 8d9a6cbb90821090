"""Which open runs hold a version, and what they wait for."""

from typing import Any

from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Failure
from penstock.schemas.ids import derived_id
from penstock.schemas.log.records import InputParked
from penstock.schemas.run.records import (
    RunCompleted,
    RunPaused,
    RunStalled,
    TimerArmed,
    TimerFired,
    ToolCallDeferred,
    ToolCallInDoubt,
)
from tests.api.conftest import Api
from tests.views.histories import (
    START_MS,
    asked,
    call_of,
    completed,
    lease_started,
    new_run,
    requested,
    started,
)

DRAIN = "/v1/workflows/case-review/versions/{}/drain"


def report(api: Api, version: int = 1, who: str = "ana") -> dict[str, Any]:
    answer = api.client.get(DRAIN.format(version), headers=api.as_(who))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_version_that_nobody_holds_is_drained(api: Api) -> None:
    api.tell(new_run(), started(), RunCompleted(result=json_payload("done")))
    api.tell(new_run(), started(workflow_version=2))
    found = report(api)
    assert (found["drained"], found["open_runs"], found["oldest_started_at"]) == (True, 0, None)
    assert (found["statuses"], found["waits_for"]) == ([], [])
    assert (found["registered"], found["new_runs_begin_on_it"]) == (True, True)
    held = report(api, 2)
    assert (held["drained"], held["registered"], held["new_runs_begin_on_it"]) == (False, False, False)
    assert report(api, who="mallory")["drained"]


def tell_of_every_kind(api: Api) -> dict[str, str]:
    """A run that waits for each kind of thing there is, by what it is called here."""
    runs = {name: new_run() for name in ("first", "second", "chief", "slept", "doubt", "paused", "stalled",
                                         "parked", "idle", "called")}  # fmt: skip
    long, short, over = (derived_id(runs["slept"], f"timer:{step}") for step in (1, 2, 3))
    api.tell(runs["first"], started(), asked(runs["first"], 1))
    api.tell(runs["second"], started(), asked(runs["second"], 1), requested(runs["second"], 2))
    api.tell(runs["chief"], started(), asked(runs["chief"], 1, role="chief"))
    api.tell(
        runs["slept"],
        started(),
        TimerArmed(timer_id=long, step=1, purpose="sleep", due_ms=START_MS + 9_000_000),
        TimerArmed(timer_id=short, step=2, purpose="sleep", due_ms=START_MS + 5_000_000),
        TimerArmed(timer_id=over, step=3, purpose="sleep", due_ms=START_MS + 1),
        TimerFired(timer_id=over),
    )
    doubt = ToolCallInDoubt(call_id=call_of(runs["doubt"], 1), attempt=1, lease_id="l", reason="it died")
    unsafe = requested(runs["doubt"], 1, tool="update_case_status", effect="unsafe")
    api.tell(runs["doubt"], started(), unsafe, lease_started(runs["doubt"], 1), doubt)
    api.tell(runs["paused"], started(), asked(runs["paused"], 1), RunPaused(paused_by="sam", reason="wait"))
    stall = RunStalled(
        kind="nondeterminism", detail="Step 2 isn't what\n- history: a\n+ code: b", code_hash=""
    )
    api.tell(runs["stalled"], started(), requested(runs["stalled"], 1), completed(runs["stalled"], 1), stall)
    error = Failure(kind="LookupError", message="no such case")
    parked = InputParked(input_id=new_run(), input_type="CastVote", input_value=b"", error=error)
    api.tell(runs["parked"], started(), parked)
    api.tell(runs["idle"], started())
    deferred = ToolCallDeferred(
        call_id=call_of(runs["called"], 1), attempt=1, lease_id="l", expires_at_ms=START_MS + 9_000_000
    )
    transfer = requested(runs["called"], 1, tool="transfer")
    api.tell(runs["called"], started(), transfer, lease_started(runs["called"], 1), deferred)
    return runs


def test_the_report_says_what_each_run_waits_for_with_the_oldest_first(api: Api) -> None:
    runs = tell_of_every_kind(api)
    found = report(api)
    assert (found["open_runs"], found["drained"], found["waits_for_is_whole"]) == (10, False, True)
    assert {each["status"]: each["runs"] for each in found["statuses"]} == {
        "waiting_approval": 3, "running": 3, "in_doubt": 1, "paused": 1, "stalled": 1, "parked": 1,
    }  # fmt: skip
    first = next(each for each in found["statuses"] if each["status"] == "waiting_approval")
    assert first["run_ids"] == [runs["first"], runs["second"], runs["chief"]]
    waits = {(each["kind"], each.get("role") or each.get("tool")): each for each in found["waits_for"]}
    by = {key: each["run_ids"] for key, each in waits.items()}
    assert by == {
        ("approval", "supervisor"): [runs["first"], runs["second"], runs["paused"]],
        ("approval", "chief"): [runs["chief"]],
        ("call", "read_case"): [runs["second"]],
        ("call", "update_case_status"): [runs["doubt"]],
        ("call", "transfer"): [runs["called"]],
        ("timer", None): [runs["slept"], runs["slept"]],
        ("continue", None): [runs["paused"]],
        ("code", None): [runs["stalled"]],
        ("parked_input", None): [runs["parked"]],
        ("signal", None): [runs["idle"]],
    }
    assert waits["call", "update_case_status"]["status"] == "in_doubt"
    timer = waits["timer", None]
    assert (timer["runs"], timer["first_due_at"] < timer["last_due_at"]) == (1, True)
    assert timer["last_due_at"] == "2025-10-09T11:23:20.000Z"
    assert waits["continue", None]["paused_by"] == "sam"
    assert (waits["code", None]["error"], waits["code", None]["says"]) == (
        "nondeterminism",
        "Step 2 isn't what",
    )
    assert (waits["parked_input", None]["error"], waits["parked_input", None]["says"]) == (
        "LookupError",
        "no such case",
    )
    assert waits["signal", None]["signals"] == ["more"]


def test_the_runs_of_a_version_wait_for_what_each_says_of_itself(api: Api) -> None:
    tell_of_every_kind(api)
    listed = api.client.get(f"{DRAIN.format(1).removesuffix('/drain')}/runs", headers=api.as_("ana")).json()
    assert len(listed["runs"]) == 10
    for run in listed["runs"]:
        own = api.client.get(f"/v1/runs/{run['run_id']}", headers=api.as_("ana")).json()
        assert run["waits_for"] == own["waits_for"]


def test_versions_that_nobody_registers_stand_in_their_order(api: Api) -> None:
    for version in (10, 2, 3):
        api.tell(new_run(), started(workflow_version=version))
    known = api.client.get("/v1/workflows/case-review", headers=api.as_("ana")).json()
    assert [each["version"] for each in known["versions_missing"]] == [2, 3, 10]
