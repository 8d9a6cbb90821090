"""Hostile records about schedules: plans that can't be, times beyond time, one noun's records on another's topics."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from penstock.producers.signing import Authority
from penstock.schemas.canonical import JSON, json_payload, payload_of
from penstock.schemas.envelope.records import Payload
from penstock.schemas.run.records import CancelRun, RunCompleted, StartRun
from penstock.schemas.schedule.records import (
    CreateSchedule,
    FireSchedule,
    PauseSchedule,
    ReportRunRequested,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
)
from tests.integration.strangers.case import Case, Told, of_the_inbox, of_the_schedules
from tests.integration.strangers.good import LATER_MS, Good
from tests.integration.strangers.sending import Hostile

LONG: Final = 2**63 - 1
INT: Final = 2**31 - 1
Make = Callable[[Good], Hostile]


def _planned(**changes: Any) -> Make:
    """The making of a schedule, or that it was made, with that in its plan."""

    def make(g: Good) -> Hostile:
        assert isinstance(g.body, CreateSchedule | ScheduleCreated)
        return g.but(body=replace(g.body, plan=replace(g.body.plan, **changes))).sent()

    return make


def _body(**changes: Any) -> Make:
    def make(g: Good) -> Hostile:
        assert isinstance(g.body, CreateSchedule | ScheduleCreated)
        return g.but(body=replace(g.body, **changes)).sent()

    return make


def _by_cron_at_the_end(g: Good) -> Hostile:
    assert isinstance(g.body, ScheduleCreated)
    plan = replace(g.body.plan, every_ms=None, cron="* * * * *", starts_at_ms=None)
    return g.but(body=replace(g.body, plan=plan, next_due_ms=LONG)).sent()


def _of_firing(body: FireSchedule | ReportRunRequested, by: Authority = Authority.SCHEDULES) -> Make:
    return lambda g: g.but(body=body).by(by).sent()


def _fired(g: Good) -> Hostile:
    """Its run is asked for, since who may write the topic speaks for the decider; the runs refuse its workflow."""
    fired = ScheduleFired(
        name="x",
        due_ms=LONG,
        fired_by="time",
        run_id=g.meta.id,
        revision=1,
        workflow="unheard-of",
        input=json_payload({"number": 1}),
        next_due_ms=None,
        requesters=("stranger",),
    )
    return g.but(body=fired).sent()


def _believed(name: str, make: Make, firing: Told = Told.TAKEN) -> Case:
    """An event of the right form: who may write the topic speaks for the decider. It must only break nothing."""
    return Case(
        name,
        make,
        *(Told.ABSENT, Told.ABSENT, Told.TAKEN, Told.ABSENT, Told.ABSENT),
        schedules=Told.ABSENT,
        firing=firing,
    )


_WRONG_PLANS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("neither cron nor interval", {"every_ms": None}),
    ("both cron and interval", {"cron": "* * * * *"}),
    ("a cron expression that is none", {"every_ms": None, "cron": "99 * * * * * @"}),
    ("a cron expression a hundred thousand long", {"every_ms": None, "cron": "1," * 50_000}),
    ("a day that never comes", {"every_ms": None, "cron": "0 0 30 2 *"}),
    ("a zone that is a path", {"every_ms": None, "cron": "* * * * *", "time_zone": "../../etc/passwd"}),
    ("an interval of zero", {"every_ms": 0}),
    ("a negative interval", {"every_ms": -(2**63)}),
    ("a beginning after the end of time", {"starts_at_ms": LONG}),
    ("an end before time began", {"ends_at_ms": -(2**63)}),
    ("search attributes that are no JSON", {"search_attributes": "{" * 10_000}),
    ("a priority beyond its bounds", {"priority": INT}),
    ("a way of catching up that nobody knows", {"catch_up": "unknown"}),
    ("numbers of catching up below their ends", {"catch_up_window_ms": -(2**63), "catch_up_max": -INT}),
    ("an input that is no JSON", {"input": payload_of(b"\xff{")}),
    ("an input that is elsewhere", {"input": Payload(content_type=JSON, sha256="0" * 64)}),
)
# What its run's workflow makes of its input is the run's to say.
_TAKEN: Final = frozenset({"an input that is no JSON"})
PLANS: Final = tuple(
    of_the_schedules(
        f"a plan with {what}", _planned(**changes), Told.TAKEN if what in _TAKEN else Told.REFUSED
    )
    for what, changes in _WRONG_PLANS
)
INPUTS: Final = (
    of_the_schedules("a schedule without a name", _body(name="")),
    of_the_schedules("a schedule whose name is a path", _body(name="../../etc/passwd")),
    of_the_schedules("a schedule whose name isn't the one of its id", _body(name="another")),
    of_the_schedules(
        "the firing of a schedule that isn't there", _of_firing(FireSchedule(due_ms=LATER_MS)), Told.TAKEN
    ),
    of_the_schedules("a firing, signed by the API", _of_firing(FireSchedule(due_ms=1), Authority.API)),
    of_the_schedules(
        "the report of a run that nobody fired", _of_firing(ReportRunRequested(run_id="x")), Told.TAKEN
    ),
    of_the_schedules(
        "the pause of a schedule that isn't there", lambda g: g.but(body=PauseSchedule(reason="")).sent()
    ),
)
NOUNS: Final = (
    of_the_schedules(
        "a run's input among the schedules'",
        lambda g: g.but(body=StartRun(workflow="order", input=json_payload(1), body_sha256="x")).sent(),
    ),
    of_the_schedules(
        "a run's cancellation among the schedules' inputs", lambda g: g.but(body=CancelRun(reason="")).sent()
    ),
    of_the_inbox(
        "a schedule's input among the runs'",
        lambda g: g.but(body=PauseSchedule(reason="")).by(Authority.API).sent(),
    ),
    Case(
        "an event of another noun",
        lambda g: g.but(
            body=ScheduleDeleted() if g.kind == "events" else RunCompleted(result=json_payload(1))
        ).sent(),
        *(Told.ABSENT, Told.UNSEEN, Told.LETTER, Told.ABSENT, Told.ABSENT),
        schedules=Told.ABSENT,
    ),
)
EVENTS: Final = (
    *(_believed(f"a schedule made with {what}", _planned(**changes)) for what, changes in _WRONG_PLANS),
    _believed("a schedule made without a name", _body(name="")),
    _believed("a schedule that is due when no clock gets", _body(next_due_ms=LONG)),
    _believed("a schedule by cron that is due when no clock gets", _by_cron_at_the_end),
    _believed("a schedule that was due before time began", _body(next_due_ms=-(2**63))),
    _believed("a schedule of a negative revision", _body(revision=-INT)),
    _believed("the end of a schedule that never began", lambda g: g.but(body=ScheduleDeleted()).sent()),
    _believed("the firing of a schedule that never began", _fired),
)
CASES: Final = (*PLANS, *INPUTS, *NOUNS, *EVENTS)
