"""The verdict on schedules: each time that was due has one run, or is missed where its policy lets it be.

A schedule's history is gone through once more here, with arithmetic that is only good for intervals, and held
against what was said to it, the runs' histories and the target's journal.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from penstock.audit.witnesses import Finding
from penstock.schemas.ids import scheduled_run_id
from penstock.schemas.run.records import RunStarted
from penstock.schemas.schedule.records import (
    Plan,
    ScheduleCreated,
    ScheduleDeleted,
    ScheduleFired,
    ScheduleMissed,
    SchedulePaused,
    ScheduleResumed,
    ScheduleRevised,
    ScheduleRunRequested,
)
from tests.chaos.matrix.beats import Change
from tests.chaos.matrix.impatient import ON_TIME_MS
from tests.chaos.matrix.reading import Event
from tests.chaos.matrix.target import STAMP, Line

ENDS = frozenset({"RunCompleted", "RunFailed", "RunCancelled"})


def broken_schedules(
    told: Sequence[Event], runs: Iterable[Event], changes: Iterable[Change], journal: Iterable[Line]
) -> Iterator[Finding]:
    """`told` are the events of schedules, `runs` those of runs, each in the order of the log."""
    fired: dict[str, Event] = {}
    for account, history in histories_of(told):
        yield from account.audit(history)
        fired |= account.fired
    yield from _unheard(told, changes)
    yield from _unbegun(fired, told, runs)
    yield from _unstamped(fired, journal)


@dataclass(slots=True)
class Account:
    """One schedule's. `due_ms` is the first time that nothing is known of; None: nothing is to come."""

    schedule_id: str
    plan: Plan | None = None
    paused: bool = False
    due_ms: int | None = None
    fired: dict[str, Event] = field(default_factory=dict)

    def audit(self, history: Sequence[Event]) -> Iterator[Finding]:
        """The whole history; what one input caused is one step."""
        for _, caused in groupby(history, lambda event: event.meta.cause.id):
            yield from self._step(list(caused))

    def _step(self, caused: Sequence[Event]) -> Iterator[Finding]:
        now_ms = caused[-1].meta.time_ms
        fires = any(isinstance(event.body, ScheduleFired) for event in caused)
        changes = any(
            isinstance(event.body, SchedulePaused | ScheduleRevised | ScheduleDeleted) for event in caused
        )
        # What a change has overtaken is told after it, and was missed before.
        for event in sorted(caused, key=lambda event: not isinstance(event.body, ScheduleMissed)):
            body = event.body
            if isinstance(body, ScheduleMissed):
                yield from self._missed(body, now_ms, fires, changes)
            elif isinstance(body, ScheduleFired) and body.fired_by != "trigger":
                yield from self._fired(event, body, now_ms)
            elif isinstance(body, ScheduleCreated | ScheduleRevised | ScheduleResumed):
                yield from self._forgotten(now_ms, event)
                self.plan = self.plan if isinstance(body, ScheduleResumed) else body.plan
                if not isinstance(body, ScheduleRevised):
                    self.paused = isinstance(body, ScheduleCreated) and body.paused
                self.due_ms = None if self.paused else self._after(now_ms)
            elif isinstance(body, SchedulePaused | ScheduleDeleted):
                yield from self._forgotten(now_ms, event)
                self.due_ms, self.paused = None, isinstance(body, SchedulePaused)

    def _missed(self, body: ScheduleMissed, now_ms: int, fires: bool, changes: bool) -> Iterator[Finding]:
        if body.from_ms != self.due_ms:
            yield self._found("miscounted", f"{body.from_ms} is missed, and {self.due_ms} was next")
            return
        last_ms = body.from_ms + (body.count - 1) * self._every_ms()
        self.due_ms = last_ms + self._every_ms()
        if last_ms > now_ms or body.until_ms != self.due_ms:
            yield self._found(
                "miscounted", f"{body.count} from {body.from_ms} until {body.until_ms} are missed"
            )
        policy = self.plan.catch_up if self.plan else "unknown"
        # What had come when somebody changed the schedule, and hadn't been fired, is missed whatever its policy.
        if not changes and (
            policy == "all" or now_ms - last_ms <= ON_TIME_MS or (policy == "last" and not fires)
        ):
            yield self._found("skipped", f"{body.count} times from {body.from_ms}, whose policy is {policy}")

    def _fired(self, event: Event, body: ScheduleFired, now_ms: int) -> Iterator[Finding]:
        due_ms = body.due_ms
        if body.run_id in self.fired:
            yield self._found("twice", f"{due_ms} has fired, and fires again: {event.place}")
        if body.run_id != scheduled_run_id(self.schedule_id, due_ms):
            yield self._found("misnamed", f"the run of {due_ms} is {body.run_id}")
        if due_ms > now_ms:
            yield self._found("early", f"{due_ms} fires at {now_ms}")
        if due_ms != self.due_ms:
            yield self._found("forgotten", f"{due_ms} fires, and {self.due_ms} was next: {event.place}")
        late = now_ms - due_ms > ON_TIME_MS
        policy = self.plan.catch_up if self.plan else "unknown"
        newest = due_ms + self._every_ms() > now_ms
        if late and (policy == "skip" or (policy == "last" and not newest)):
            yield self._found("made up", f"{due_ms} fires at {now_ms}, whose policy is {policy}")
        self.fired[body.run_id] = event
        self.due_ms = due_ms + self._every_ms()
        if body.next_due_ms != self.due_ms:
            yield self._found("miscounted", f"{body.next_due_ms} is next after {due_ms}")

    def _forgotten(self, now_ms: int, event: Event) -> Iterator[Finding]:
        if self.due_ms is not None and self.due_ms <= now_ms:
            yield self._found("forgotten", f"{self.due_ms} had come at {now_ms}: {event.place}")

    def _every_ms(self) -> int:
        return (self.plan.every_ms if self.plan else None) or 1

    def _after(self, time_ms: int) -> int:
        from_ms = (self.plan.starts_at_ms if self.plan else None) or 0
        return from_ms + ((time_ms - from_ms) // self._every_ms() + 1) * self._every_ms()

    def _found(self, kind: str, detail: str) -> Finding:
        return Finding(kind, f"schedule {self.schedule_id}", detail)


def histories_of(told: Iterable[Event]) -> Iterator[tuple[Account, list[Event]]]:
    """An account for each schedule, and its history in order."""
    histories: defaultdict[str, dict[int, Event]] = defaultdict(dict)
    for event in told:
        histories[event.meta.entity_id].setdefault(event.meta.entity_seq, event)
    for schedule_id, history in histories.items():
        yield Account(schedule_id), [history[seq] for seq in sorted(history)]


def _unheard(told: Iterable[Event], changes: Iterable[Change]) -> Iterator[Finding]:
    """Each acknowledged change has its event."""
    caused: defaultdict[str, set[str]] = defaultdict(set)
    for event in told:
        caused[event.meta.cause.id].add(event.meta.type)
    for change in changes:
        came = caused.get(change.input_id, set())
        if change.event not in came:
            said = ", ".join(sorted(came)) or "nothing"
            yield Finding("lost", f"schedule {change.schedule_id}", f"of {change.event} there came {said}")


def _unbegun(fired: dict[str, Event], told: Iterable[Event], runs: Iterable[Event]) -> Iterator[Finding]:
    """Each firing has its run, in its name, not before its time, which has ended; and no other run is a schedule's."""
    requested = {event.body.run_id for event in told if isinstance(event.body, ScheduleRunRequested)}
    begun, ended = dict[str, Event](), set[str]()
    for event in runs:
        run_id, body = event.meta.entity_id, event.body
        if event.meta.type in ENDS:
            ended.add(run_id)
        if isinstance(body, RunStarted) and body.requester.startswith("schedule:"):
            begun[run_id] = event
    for run_id, event in begun.items():
        if run_id not in fired:
            yield Finding(
                "unasked", run_id, f"began for {event.meta.actor.subject}, and no schedule fired it"
            )
    for run_id, event in fired.items():
        body = event.body
        assert isinstance(body, ScheduleFired)
        run = begun.get(run_id)
        if run is None:
            yield Finding("unbegun", run_id, f"was fired for {body.due_ms} by {event.place} and never began")
            continue
        if run.meta.time_ms < body.due_ms:
            yield Finding("early", run_id, f"began at {run.meta.time_ms}, due at {body.due_ms}")
        whose = (run.meta.tenant, run.meta.actor.subject)
        if whose != (event.meta.tenant, f"schedule:{body.name}"):
            yield Finding("misnamed", run_id, f"is {whose}, of {event.meta.tenant} and {body.name}")
        if run_id not in requested:
            yield Finding("unreported", run_id, "began, and its schedule doesn't know")
        if run_id not in ended:
            yield Finding("unended", run_id, f"was fired for {body.due_ms} and is open")


def _unstamped(fired: Iterable[str], journal: Iterable[Line]) -> Iterator[Finding]:
    """The target saw each scheduled run once, and none that no schedule fired."""
    stamps = Counter(line.run_id for line in journal if line.tool == STAMP)
    for run_id in fired:
        if stamps[run_id] != 1:
            yield Finding(
                "repeated" if stamps[run_id] else "unexecuted", run_id, f"stamped {stamps[run_id]} times"
            )
    for run_id in stamps.keys() - set(fired):
        yield Finding("unasked", run_id, "stamped, and no schedule fired it")
