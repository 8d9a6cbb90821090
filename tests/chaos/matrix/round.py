"""One round on a site: load, faults at their times, healing, waiting for all ends, the verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.audit.compare import behind
from penstock.audit.witnesses import Finding
from penstock.producers.errors import LogError
from penstock.producers.log import Log
from penstock.schemas.run.records import VoteDecision
from penstock.schemas.topics import SCHEDULE_EVENTS
from tests.chaos.matrix.beats import Beats, Change
from tests.chaos.matrix.faults import FAULTS
from tests.chaos.matrix.harm import NEVER_FIRED
from tests.chaos.matrix.injection import inject
from tests.chaos.matrix.load import Load
from tests.chaos.matrix.schedule import Schedule
from tests.chaos.matrix.site import Site
from tests.chaos.matrix.verdict import Heard, Judgement, judge

ENDS_S: Final[dict[bool, float]] = {True: 60.0, False: 150.0}
AGREE_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round came to. `faults` tells of each what came of it; `deaths` of workers that ended by themselves.
    `scheduled` runs were fired by schedules, `told` posts came to who had subscribed."""

    schedule: Schedule
    findings: tuple[Finding, ...]
    faults: tuple[str, ...]
    runs: int
    ended: int
    executions: int
    doubts: int
    deaths: tuple[str, ...]
    seconds: float
    recovered_s: float
    scheduled: int = 0
    told: int = 0

    @property
    def verdict(self) -> str:
        """`ok` or `BROKEN`."""
        return "BROKEN" if self.findings else "ok"

    @property
    def armed(self) -> int:
        """How many kills were to happen at a named point."""
        return sum(fault.kind == "kill-at" for fault in self.schedule.faults)

    @property
    def unfired(self) -> tuple[str, ...]:
        """Those of them that never happened: of these points the round says nothing."""
        return tuple(note.split()[0] for note in self.faults if note.endswith(NEVER_FIRED))


@dataclass(slots=True)
class History:
    """What the clients of a site have heard in all its rounds so far."""

    receipts: list[str] = field(default_factory=list)
    votes: dict[str, VoteDecision] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    executions: int = 0
    scheduled: int = 0
    told: int = 0


def play(site: Site, schedule: Schedule, history: History, tell: Callable[[str], None]) -> Outcome:
    """Play a schedule. Raises HarmFailed, OSError and the like when a fault couldn't be done."""
    began = time.monotonic()
    site.workers.calm()
    name = f"seed-{schedule.seed}-{len(history.receipts)}"
    load = Load(site, schedule.workload, name, dict(history.votes)).begin()
    beats = Beats(site, name).begin()
    try:
        notes = inject(site, schedule.faults, FAULTS, tell)
        healed = time.monotonic()
        beats.healed()
        unacknowledged = load.acknowledge(ENDS_S[schedule.quick])
        _wait_for_ends(site, load, beats, ENDS_S[schedule.quick], tell)
        recovered_s = time.monotonic() - healed
    finally:
        load.end()
        beats.end()
    history.receipts += load.receipts
    history.votes.update(load.votes)
    history.changes += beats.changes
    judgement = _agreed(site, history, unacknowledged, tell)
    findings = [*judgement.findings, *_of_the_workers(site)]
    for failure in filter(None, (load.failure, beats.failure)):
        findings.append(Finding("client", "load", repr(failure)))
    executions, history.executions = judgement.executions - history.executions, judgement.executions
    scheduled, history.scheduled = judgement.scheduled - history.scheduled, judgement.scheduled
    posts = len(site.hooks.posts())
    told, history.told = posts - history.told, posts
    deaths = tuple(f"{death.name}:{death.code}" for death in site.workers.deaths)
    for step in site.afterwards:
        step()
    site.afterwards.clear()
    return Outcome(
        schedule=schedule,
        findings=tuple(findings),
        faults=notes,
        runs=len(load.receipts),
        ended=len(load.receipts) - len(load.unended()),
        executions=executions,
        doubts=len(load.doubts),
        deaths=deaths,
        seconds=round(time.monotonic() - began, 1),
        recovered_s=round(recovered_s, 1),
        scheduled=scheduled,
        told=told,
    )


def _wait_for_ends(site: Site, load: Load, beats: Beats, seconds: float, tell: Callable[[str], None]) -> None:
    """Until all runs have ended, and all schedules, and everybody has been told; says which of them was when."""
    began, left = time.monotonic(), {"runs": 1, "schedules": 1, "posts": 1}
    # Those of posts ask for haste as well, so they aren't left to the end.
    ask = {
        "runs": lambda: len(load.unended()),
        "schedules": lambda: len(beats.open()),
        "posts": lambda: _untold(site),
    }
    while (took_s := time.monotonic() - began) < seconds:
        for name in [name for name, count in left.items() if count]:
            left[name] = ask[name]()
            if not left[name]:
                tell(f"{took_s:5.1f} s  after the healing no {name} are open")
        # What ends may give more to tell, so that is asked last, once more.
        if not (left["runs"] or left["schedules"]) and not ask["posts"]():
            return
        time.sleep(0.2)
    tell(f"{took_s:5.1f} s  after the healing there are still {left}")


def _untold(site: Site) -> int:
    """How many deliveries wait; one, while nobody knows."""
    try:
        with site.connect() as connection:
            return site.hooks.waiting(connection)
    except psycopg.Error:
        return 1


def _agreed(site: Site, history: History, unacknowledged: int, tell: Callable[[str], None]) -> Judgement:
    """The verdict, once the views have had time to catch up and what still starts has started."""
    began = time.monotonic()
    while True:
        heard = Heard(
            *(history.receipts, history.votes, unacknowledged, history.changes),
            *(site.hooks.subscriptions, site.hooks.posts()),
        )
        try:
            with site.connect() as connection:
                # A judgement reads the whole log several times: it isn't what to poll with.
                while _lag(connection, site.clients.log) and time.monotonic() - began < AGREE_S:
                    time.sleep(0.1)
                found = judge(connection, site.clients.log, heard, site.target.lines())
        except (psycopg.Error, LogError) as error:
            found = Judgement((Finding("unheard", "witness", repr(error)),), 0, 0, 0, 0)
        took_s = time.monotonic() - began
        if found.agreed or took_s > AGREE_S:
            return found
        tell(f"{took_s:5.1f} s  after the end {found.findings[0]}")
        time.sleep(0.5)


def _lag(connection: Connection[TupleRow], kept: Log) -> int:
    return behind(connection, kept) + behind(connection, kept, SCHEDULE_EVENTS)


def _of_the_workers(site: Site) -> list[Finding]:
    """Nobody hung, nobody stopped for good, and all are there again."""
    workers = site.workers
    found = [Finding("hung", name, "didn't stop on SIGTERM") for name in workers.hung]
    found += [
        Finding("stayed down", name, "ended with 78, as if a person had to act")
        for name in workers.stayed_down
    ]
    found += [Finding("not refused", "worker", detail) for detail in workers.went_on]
    if not site.quiet():
        found.append(Finding("down", "api", "doesn't answer"))
    return found
