"""What is kept of a schedule beside the journal: all of its state, and only of the fold that made it."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from penstock.schemas.canonical import json_payload
from penstock.schemas.envelope.records import Payload
from penstock.schemas.schedule.records import Plan
from penstock.streams.schedules import packing, state
from penstock.streams.schedules.decision import ScheduleDecider
from penstock.streams.schedules.packing import pack, unpack
from penstock.streams.schedules.state import ScheduleState

PLAN = Plan(
    workflow="statement", input=json_payload({"case": "Ä"}), cron="0 * * * *", catch_up="all", priority=3
)
FULL = ScheduleState(
    tenant="local",
    schedule_id="s",
    name="hourly",
    plan=PLAN,
    revision=4,
    body_sha256="ab",
    paused=True,
    next_due_ms=3_600_000,
    requesters=("olga", "ada"),
    roles=("operator",),
    unreported=frozenset({"b", "a"}),
    time_ms=7,
)
BINARY = Payload(content_type="application/octet-stream", content=b"\xff\x00", sha256="0")

# The hash of the code of each version of the fold.
FOLDS: Final = {1: "ffe91fc716cec1cf"}


@pytest.mark.parametrize(
    "whole",
    [
        FULL,
        ScheduleState("local", "s"),
        replace(FULL, plan=None, next_due_ms=None),
        replace(FULL, plan=replace(PLAN, input=BINARY)),
    ],
    ids=["full", "fresh", "deleted", "binary"],
)
def test_all_of_a_state_comes_back(whole: ScheduleState) -> None:
    assert unpack(pack(whole)) == whole


@pytest.mark.parametrize(
    "other", [b"", b"[]", b"{}", b'{"plan": 3}', b"\xff", pack(FULL).replace(b"paused", b"passed")]
)
def test_other_bytes_are_refused(other: bytes) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        unpack(other)


def test_a_fold_that_has_changed_is_another_version() -> None:
    code = "".join(Path(module.__file__ or "").read_text() for module in (state, packing))
    digest = hashlib.sha256(code.encode()).hexdigest()[:16]
    assert FOLDS[ScheduleDecider.fold_version] == digest, (
        "The fold of schedules, or how its states are packed, has changed. If any history gives another state or other"
        f" bytes than before, raise ScheduleDecider.fold_version. Then say {digest} of it here."
    )
