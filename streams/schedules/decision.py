"""The schedule decider: `decide(state, input) -> [event]`, `evolve(state, event) -> state`. Pure and total.

It knows no time but log time, and asks of no workflow whether there is one: what becomes of a run is the run's own
history. One table says who may send each input and which function decides it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from penstock.declare.due_times import next_due
from penstock.declare.schedules import InvalidPlan, check_name, check_plan, times_of
from penstock.producers.signing import Authority
from penstock.schemas.codec import EventBody, InputBody
from penstock.schemas.ids import schedule_id, scheduled_run_id, triggered_run_id
from penstock.schemas.log.records import InputAccepted, InputRefused
from penstock.schemas.schedule.records import (
    CreateSchedule,
    DeleteSchedule,
    FireSchedule,
    PauseSchedule,
    Plan,
    ReportRunRequested,
    ResumeSchedule,
    ReviseSchedule,
    ScheduleCreated,
    ScheduleDeleted,
    SchedulePaused,
    ScheduleRearmed,
    ScheduleResumed,
    ScheduleRevised,
    ScheduleRunRequested,
    TriggerSchedule,
)
from penstock.schemas.topics import SCHEDULES_GROUP
from penstock.streams.decider import Happened, Input
from penstock.streams.schedules.catching_up import come_due, overtaken
from penstock.streams.schedules.firings import fired
from penstock.streams.schedules.packing import pack, unpack
from penstock.streams.schedules.state import ScheduleState, evolve

B = TypeVar("B", bound=InputBody)
Events = Sequence[EventBody]
Handler = Callable[[ScheduleState, Input, B], Events]

OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of input is decided, whose signature it takes (law L9), and whether its actor is an operator."""

    handler: Handler[InputBody]
    by: frozenset[Authority]
    of_operators: bool


class ScheduleDecider:
    """Decides schedules."""

    noun: str = "schedule"
    group_id: str = SCHEDULES_GROUP
    fold_version: int = 1

    def initial(self, tenant: str, entity_id: str) -> ScheduleState:
        """A schedule that nothing has happened to."""
        return ScheduleState(tenant, entity_id)

    def decide(self, state: ScheduleState, given: Input) -> Events:
        """What follows from the input, at least one event."""
        rule = _RULES.get(type(given.body))
        if rule is None:
            return _refused(given, "unknown_input", "no rule decides it")
        if given.authority is Authority.NONE:
            return _refused(given, "unsigned", "the signature is missing or wrong")
        if given.authority not in rule.by:
            return _refused(given, "not_authorized", f"a key of {given.authority.value} may not send it")
        if rule.of_operators and OPERATOR not in given.meta.actor.roles:
            return _refused(given, "not_authorized", f"it takes the role {OPERATOR}")
        if state.revision and given.meta.tenant != state.tenant:
            return _refused(given, "other_tenant", "the schedule is another tenant's")
        return rule.handler(state, given, given.body)

    def evolve(self, state: ScheduleState, happened: Happened) -> ScheduleState:
        """The state after one more event."""
        return evolve(state, happened)

    def pack(self, state: ScheduleState) -> bytes:
        """The whole of the state: a schedule that fires each minute has a million events a year."""
        return pack(state)

    def unpack(self, packed: bytes) -> ScheduleState:
        """The state that was packed."""
        return unpack(packed)


def _create(state: ScheduleState, given: Input, body: CreateSchedule) -> Events:
    if state.plan is not None:
        if state.body_sha256 == body.body_sha256:
            return _accepted(given, "already made")
        return _refused(given, "exists", "there is a schedule of this name, with another body")
    try:
        check_name(body.name)
        check_plan(body.plan)
    except InvalidPlan as error:
        return _refused(given, "invalid_plan", str(error))
    if schedule_id(given.meta.tenant, body.name) != state.schedule_id:
        return _refused(given, "misnamed", "its id isn't that of this name in this tenant")
    return [
        ScheduleCreated(
            name=body.name,
            plan=body.plan,
            revision=state.revision + 1,
            paused=body.paused,
            body_sha256=body.body_sha256,
            requester=given.meta.actor.subject,
            requester_roles=given.meta.actor.roles,
            next_due_ms=None if body.paused else next_due(times_of(body.plan), _now_ms(state, given)),
        )
    ]


def _revise(state: ScheduleState, given: Input, body: ReviseSchedule) -> Events:
    if state.plan is None:
        return _unknown(given)
    if body.expected_revision not in (None, state.revision):
        return _refused(given, "moved_on", f"the schedule is at revision {state.revision} now")
    try:
        check_plan(body.plan)
    except InvalidPlan as error:
        return _refused(given, "invalid_plan", str(error))
    due_ms = None if state.paused else next_due(times_of(body.plan), _now_ms(state, given))
    revised = ScheduleRevised(
        plan=body.plan,
        revision=state.revision + 1,
        requester=given.meta.actor.subject,
        requester_roles=given.meta.actor.roles,
        next_due_ms=due_ms,
    )
    return [revised, *_overtaken(state, state.plan, given, due_ms)]


def _pause(state: ScheduleState, given: Input, body: PauseSchedule) -> Events:
    if state.plan is None:
        return _unknown(given)
    if state.paused:
        return _accepted(given, "already paused")
    return [SchedulePaused(reason=body.reason), *_overtaken(state, state.plan, given)]


def _resume(state: ScheduleState, given: Input, body: ResumeSchedule) -> Events:
    if state.plan is None:
        return _unknown(given)
    if not state.paused:
        return _accepted(given, "not paused")
    due_ms = next_due(times_of(state.plan), _now_ms(state, given))
    return [ScheduleResumed(reason=body.reason, next_due_ms=due_ms)]


def _delete(state: ScheduleState, given: Input, body: DeleteSchedule) -> Events:
    if state.plan is None:
        return _unknown(given)
    return [ScheduleDeleted(reason=body.reason), *_overtaken(state, state.plan, given)]


def _trigger(state: ScheduleState, given: Input, body: TriggerSchedule) -> Events:
    if state.plan is None:
        return _unknown(given)
    run_id = triggered_run_id(state.schedule_id, given.meta.id)
    who = given.meta.actor.subject
    due_ms = _now_ms(state, given)
    return [fired(state, state.plan, due_ms, "trigger", run_id, state.next_due_ms, (who,))]


def _fire(state: ScheduleState, given: Input, body: FireSchedule) -> Events:
    if state.plan is None or body.due_ms != state.next_due_ms:
        return _accepted(given, "nothing is due then")
    now_ms = _now_ms(state, given)
    if now_ms < body.due_ms:
        return [ScheduleRearmed(due_ms=body.due_ms)]
    due = come_due(state.plan, body.due_ms, now_ms)
    events: list[EventBody] = []
    if due.missed is not None:
        events.append(due.missed.event(due.next_due_ms if due.fire_ms is None else due.fire_ms))
    if due.fire_ms is not None:
        run_id = scheduled_run_id(state.schedule_id, due.fire_ms)
        events.append(fired(state, state.plan, due.fire_ms, due.fired_by, run_id, due.next_due_ms))
    return events


def _report(state: ScheduleState, given: Input, body: ReportRunRequested) -> Events:
    if body.run_id not in state.unreported:
        return _accepted(given, "nothing was to be reported")
    return [ScheduleRunRequested(run_id=body.run_id)]


def _overtaken(
    state: ScheduleState, plan: Plan, given: Input, next_due_ms: int | None = None
) -> list[EventBody]:
    """After the change itself, so that what is told of an input is first that it was done."""
    missed = overtaken(plan, state.next_due_ms, _now_ms(state, given))
    return [] if missed is None else [missed.event(next_due_ms)]


def _now_ms(state: ScheduleState, given: Input) -> int:
    return max(state.time_ms, given.time_ms)


def _accepted(given: Input, note: str) -> Events:
    return [InputAccepted(input_type=given.meta.type, note=note)]


def _refused(given: Input, reason: str, detail: str) -> Events:
    return [InputRefused(input_type=given.meta.type, reason=reason, detail=detail)]


def _unknown(given: Input) -> Events:
    return _refused(given, "unknown_schedule", "there is no such schedule, or it was deleted")


def _rule(kind: type[B], handler: Handler[B], *by: Authority) -> tuple[type[object], Rule]:
    return kind, Rule(cast("Handler[InputBody]", handler), frozenset(by), Authority.SCHEDULES not in by)


_DOORS: Final = (Authority.API, Authority.OPERATOR)
_RULES: Final = dict(
    (
        _rule(CreateSchedule, _create, *_DOORS),
        _rule(ReviseSchedule, _revise, *_DOORS),
        _rule(PauseSchedule, _pause, *_DOORS),
        _rule(ResumeSchedule, _resume, *_DOORS),
        _rule(TriggerSchedule, _trigger, *_DOORS),
        _rule(DeleteSchedule, _delete, *_DOORS),
        _rule(FireSchedule, _fire, Authority.SCHEDULES),
        _rule(ReportRunRequested, _report, Authority.SCHEDULES),
    )
)
