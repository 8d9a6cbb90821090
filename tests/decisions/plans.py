"""`schedule().when(input).then(events)`: a schedule's decisions, with nothing around them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from penstock.producers.schedules import plan_sha256
from penstock.producers.signing import Authority
from penstock.schemas.canonical import json_payload
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.envelope.records import Actor, InputMeta
from penstock.schemas.ids import derived_id, schedule_id
from penstock.schemas.log.records import InputRefused
from penstock.schemas.schedule.records import CreateSchedule, FireSchedule, Plan, ReportRunRequested
from penstock.streams.decider import Happened, Input
from penstock.streams.schedules.decision import ScheduleDecider
from penstock.streams.schedules.state import ScheduleState

TENANT = "local"
NAME = "nightly"
SCHEDULE = schedule_id(TENANT, NAME)
OLGA = Actor(kind="person", subject="olga", roles=("operator",))
OTTO = Actor(kind="person", subject="otto", roles=("operator", "analyst"))
ANA = Actor(kind="person", subject="ana", roles=("analyst",))
FIRING = Actor(kind="service", subject="penstock.streams.firing")
OF_THE_SERVICE = (FireSchedule, ReportRunRequested)
DECIDER = ScheduleDecider()


def ms(text: str) -> int:
    """An RFC 3339 time as ms since the epoch; UTC unless it says otherwise."""
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


# Every full hour in UTC, by default.
HOURLY = Plan(
    workflow="case-review",
    workflow_version=2,
    input=json_payload({"case_id": "case-1"}),
    priority=7,
    search_attributes='{"desk":"disputes"}',
    cron="0 * * * *",
    catch_up="skip",
)
NOON = ms("2026-03-01T12:00:00")


@dataclass(frozen=True)
class Story:
    """A schedule's history so far; `events` are those of the last input."""

    state: ScheduleState = field(default_factory=lambda: DECIDER.initial(TENANT, SCHEDULE))
    seq: int = 0
    events: tuple[EventBody, ...] = ()

    def when(
        self,
        body: InputBody,
        at: int | str,
        *,
        actor: Actor | None = None,
        authority: Authority | None = None,
        tenant: str = TENANT,
    ) -> "Story":
        """One input at that log time, from whom it is expected unless said otherwise."""
        service = isinstance(body, OF_THE_SERVICE)
        meta = InputMeta(
            id=derived_id(SCHEDULE, f"input:{self.seq}"),
            type=type(body).__name__,
            tenant=tenant,
            entity_id=SCHEDULE,
            time_ms=0,
            actor=actor or (FIRING if service else OLGA),
        )
        signed = authority or (Authority.SCHEDULES if service else Authority.API)
        time_ms = at if isinstance(at, int) else ms(at)
        given = Input(meta, body, signed, time_ms)
        events = tuple(DECIDER.decide(self.state, given))
        assert events
        assert events == tuple(DECIDER.decide(self.state, given)), "deciding twice must agree"
        story = replace(self, events=events)
        for event in events:
            seq = story.seq + 1
            happened = Happened(event, seq, max(story.state.time_ms, time_ms))
            story = replace(story, seq=seq, state=DECIDER.evolve(story.state, happened))
        return story

    def then(self, *expected: type[EventBody]) -> Sequence[EventBody]:
        """The last input's events, which are of these types."""
        assert tuple(map(type, self.events)) == expected
        return self.events

    @property
    def refused(self) -> str:
        """Why the last input was refused."""
        (event,) = self.events
        assert isinstance(event, InputRefused)
        return event.reason


def creates(plan: Plan = HOURLY, *, paused: bool = False) -> CreateSchedule:
    """The command that makes it."""
    return CreateSchedule(name=NAME, plan=plan, paused=paused, body_sha256=plan_sha256(plan, paused))


def made(plan: Plan = HOURLY, at: int | str = NOON + 1, *, paused: bool = False) -> Story:
    """A schedule made a ms after noon, unless said otherwise."""
    return Story().when(creates(plan, paused=paused), at)
