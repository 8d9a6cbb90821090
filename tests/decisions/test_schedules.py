"""Schedules: what is due, what is made up for, who may say what; given a history and an input."""

from dataclasses import replace

import pytest

from penstock.producers.signing import Authority
from penstock.schemas.codec import InputBody
from penstock.schemas.ids import scheduled_run_id
from penstock.schemas.log.records import InputAccepted, ReleaseInput
from penstock.schemas.schedule.records import (
    CatchUp,
    DeleteSchedule,
    FireSchedule,
    PauseSchedule,
    ReportRunRequested,
    ResumeSchedule,
    ReviseSchedule,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleRearmed,
    ScheduleResumed,
    ScheduleRevised,
    ScheduleRunRequested,
    TriggerSchedule,
)

from .plans import ANA, HOURLY, NOON, OTTO, SCHEDULE, Story, creates, made

HOUR = 3_600_000
ONE = NOON + HOUR


def test_a_schedule_is_made_with_its_first_due_time() -> None:
    (event,) = made().then(ScheduleCreated)
    assert isinstance(event, ScheduleCreated)
    assert (event.revision, event.next_due_ms, event.requester) == (1, ONE, "olga")


def test_a_due_time_that_is_the_very_moment_of_the_making_is_over() -> None:
    assert made(at=NOON).state.next_due_ms == ONE


def test_a_due_time_fires_once_with_all_that_the_run_takes() -> None:
    story = made().when(FireSchedule(due_ms=ONE), ONE + 5)
    (fired,) = story.then(ScheduleFired)
    assert fired == ScheduleFired(
        name="nightly",
        due_ms=ONE,
        fired_by="time",
        run_id=scheduled_run_id(SCHEDULE, ONE),
        revision=1,
        workflow="case-review",
        workflow_version=2,
        input=HOURLY.input,
        priority=7,
        search_attributes='{"desk":"disputes"}',
        requesters=("olga",),
        requester_roles=("operator",),
        next_due_ms=ONE + HOUR,
    )
    again = story.when(FireSchedule(due_ms=ONE), ONE + 6)
    again.then(InputAccepted)
    assert again.state == replace(story.state, time_ms=ONE + 6)


def test_a_firing_before_its_log_time_is_rearmed() -> None:
    story = made().when(FireSchedule(due_ms=ONE), ONE - 1)
    story.then(ScheduleRearmed)
    assert story.state.next_due_ms == ONE


@pytest.mark.parametrize("due_ms", [ONE - HOUR, ONE + 1, ONE + HOUR])
def test_a_time_that_isnt_the_next_one_fires_nothing(due_ms: int) -> None:
    made().when(FireSchedule(due_ms=due_ms), ONE + 9 * HOUR).then(InputAccepted)


def test_a_paused_schedule_is_not_due_and_makes_up_for_nothing_afterwards() -> None:
    paused = made(replace(HOURLY, catch_up="all")).when(PauseSchedule(reason="closed"), ONE - 9)
    paused.then(SchedulePaused)
    paused.when(PauseSchedule(reason="again"), ONE).then(InputAccepted)
    paused.when(FireSchedule(due_ms=ONE), ONE).then(InputAccepted)
    resumed = paused.when(ResumeSchedule(reason=""), ONE + 2 * HOUR + 1)
    resumed.then(ScheduleResumed)
    assert resumed.state.next_due_ms == ONE + 3 * HOUR
    resumed.when(ResumeSchedule(reason=""), ONE + 3 * HOUR - 1).then(InputAccepted)
    assert made(paused=True).state.next_due_ms is None


@pytest.mark.parametrize("catch_up", ["all", "last", "skip"])
def test_what_had_come_when_somebody_changed_it_and_had_not_fired_is_missed(catch_up: CatchUp) -> None:
    """The matrix: a worker was away, and whoever paused, changed or deleted meanwhile made times vanish unsaid."""
    story, now = made(replace(HOURLY, catch_up=catch_up)), ONE + HOUR + 7
    half_past = replace(HOURLY, cron="30 * * * *")
    for change, kind, next_ms in (
        (PauseSchedule(), SchedulePaused, None),
        (DeleteSchedule(), ScheduleDeleted, None),
        (ReviseSchedule(plan=half_past), ScheduleRevised, ONE + 3 * HOUR // 2),
    ):
        changed = story.when(change, now)
        _, missed = changed.then(kind, ScheduleMissed)
        assert missed == ScheduleMissed(
            from_ms=ONE, until_ms=ONE + 2 * HOUR, count=2, more=False, next_due_ms=next_ms
        )
        assert changed.state.next_due_ms == next_ms
        changed.when(FireSchedule(due_ms=ONE), now + 1).then(InputAccepted)
    story.when(PauseSchedule(), ONE - 1).then(SchedulePaused)


def test_a_trigger_fires_now_and_leaves_the_times_as_they_are() -> None:
    for story in (made(), made(paused=True)):
        after = story.when(TriggerSchedule(reason="now"), NOON + 99, actor=OTTO)
        (fired,) = after.then(ScheduleFired)
        assert isinstance(fired, ScheduleFired)
        assert (fired.fired_by, fired.due_ms) == ("trigger", NOON + 99)
        assert fired.requesters == ("olga", "otto")
        assert after.state.next_due_ms == story.state.next_due_ms
        again = after.when(TriggerSchedule(reason="now"), NOON + 99)
        (other,) = again.then(ScheduleFired)
        assert isinstance(other, ScheduleFired)
        assert other.run_id != fired.run_id


def test_whoever_made_and_whoever_changed_it_last_are_requesters_of_its_runs() -> None:
    plan = replace(HOURLY, cron="30 * * * *")
    story = made().when(ReviseSchedule(plan=plan, expected_revision=1), NOON + 9, actor=OTTO)
    (revised,) = story.then(ScheduleRevised)
    assert isinstance(revised, ScheduleRevised)
    assert (revised.revision, revised.next_due_ms) == (2, NOON + HOUR // 2)
    (fired,) = story.when(FireSchedule(due_ms=NOON + HOUR // 2), NOON + HOUR // 2).then(ScheduleFired)
    assert isinstance(fired, ScheduleFired)
    assert (fired.requesters, fired.requester_roles) == (("olga", "otto"), OTTO.roles)


def test_a_change_of_what_is_no_more_so_is_refused() -> None:
    story = made().when(ReviseSchedule(plan=HOURLY, expected_revision=2), NOON + 9)
    assert story.refused == "moved_on"
    paused = made(paused=True).when(ReviseSchedule(plan=HOURLY), NOON + 9)
    paused.then(ScheduleRevised)
    assert paused.state.next_due_ms is None


def test_the_same_name_again_is_the_same_schedule_or_a_conflict() -> None:
    made().when(creates(), NOON + 9).then(InputAccepted)
    assert made().when(creates(replace(HOURLY, priority=1)), NOON + 9).refused == "exists"


def test_a_deleted_schedule_is_gone_and_its_name_free_again() -> None:
    gone = made().when(DeleteSchedule(reason="done"), NOON + 9)
    gone.then(ScheduleDeleted)
    gone.when(FireSchedule(due_ms=ONE), ONE).then(InputAccepted)
    for body in (
        DeleteSchedule(),
        PauseSchedule(),
        ResumeSchedule(),
        TriggerSchedule(),
        ReviseSchedule(plan=HOURLY),
    ):
        assert gone.when(body, ONE).refused == "unknown_schedule"
    (again,) = gone.when(creates(replace(HOURLY, priority=1)), ONE).then(ScheduleCreated)
    assert isinstance(again, ScheduleCreated)
    # The time that may have fired before isn't due again.
    assert (again.revision, again.next_due_ms) == (2, ONE + HOUR)


def test_what_was_fired_is_reported_once() -> None:
    fired = made().when(FireSchedule(due_ms=ONE), ONE)
    report = ReportRunRequested(run_id=scheduled_run_id(SCHEDULE, ONE))
    reported = fired.when(report, ONE + 1)
    reported.then(ScheduleRunRequested)
    reported.when(report, ONE + 2).then(InputAccepted)
    made().when(report, ONE).then(InputAccepted)


@pytest.mark.parametrize(
    "changes",
    [
        {"cron": "0 * * *"},
        {"cron": None},
        {"every_ms": 5_000},
        {"cron": None, "every_ms": 999},
        {"time_zone": "Mars/Olympus"},
        {"cron": "0 0 31 2 *"},
        {"priority": 101},
        {"search_attributes": "[]"},
        {"catch_up": "unknown"},
        {"catch_up_window_ms": 59_999},
        {"catch_up_max": 0},
        {"catch_up_max": 1_001},
        {"ends_at_ms": -1},
        {"starts_at_ms": ONE, "ends_at_ms": ONE - 1},
    ],
)
def test_a_plan_that_cant_be_is_refused(changes: dict[str, object]) -> None:
    plan = replace(HOURLY, **changes)  # type: ignore[arg-type]
    assert Story().when(creates(plan), NOON).refused == "invalid_plan"
    assert made().when(ReviseSchedule(plan=plan), NOON + 9).refused == "invalid_plan"


def test_a_name_under_anothers_id_is_refused() -> None:
    assert Story().when(replace(creates(), name="other"), NOON).refused == "misnamed"
    assert Story().when(creates(), NOON, tenant="elsewhere").refused == "misnamed"
    assert Story().when(replace(creates(), name="a b"), NOON).refused == "invalid_plan"


SAID: list[InputBody] = [
    creates(),
    ReviseSchedule(plan=HOURLY),
    PauseSchedule(),
    ResumeSchedule(),
    TriggerSchedule(),
    DeleteSchedule(),
    FireSchedule(due_ms=ONE),
    ReportRunRequested(run_id="none"),
]


@pytest.mark.parametrize("authority", list(Authority))
@pytest.mark.parametrize("body", SAID, ids=lambda body: type(body).__name__)
def test_each_input_takes_the_signatures_of_its_own_doors_only(body: InputBody, authority: Authority) -> None:
    own = isinstance(body, FireSchedule | ReportRunRequested)
    allowed = {Authority.SCHEDULES} if own else {Authority.API, Authority.OPERATOR}
    before = made()
    after = before.when(body, ONE, authority=authority)
    if authority in allowed:
        assert not any(
            getattr(event, "reason", "") in ("unsigned", "not_authorized") for event in after.events
        )
    else:
        assert after.refused == ("unsigned" if authority is Authority.NONE else "not_authorized")
        assert after.state == replace(before.state, time_ms=ONE)


@pytest.mark.parametrize("body", SAID[:6], ids=lambda body: type(body).__name__)
def test_only_an_operator_of_the_tenant_has_a_say(body: InputBody) -> None:
    assert made().when(body, ONE, actor=ANA).refused == "not_authorized"
    assert made().when(body, ONE, tenant="elsewhere").refused == "other_tenant"


def test_an_input_that_belongs_to_the_runner_is_refused_if_it_comes_here() -> None:
    assert made().when(ReleaseInput(parked_input_id="x"), ONE).refused == "unknown_input"
