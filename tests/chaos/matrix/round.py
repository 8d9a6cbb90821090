"""One round on a site: load, faults at their times, healing, waiting for all ends, the verdict."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psycopg

from penstock.audit.witnesses import Finding
from penstock.producers.errors import LogError
from penstock.schemas.run.records import VoteDecision
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
    """What a round came to. `faults` tells of each what came of it; `deaths` of workers that ended by themselves."""

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
    executions: int = 0


def play(site: Site, schedule: Schedule, history: History, tell: Callable[[str], None]) -> Outcome:
    """Play a schedule. Raises HarmFailed, OSError and the like when a fault couldn't be done."""
    began = time.monotonic()
    site.workers.calm()
    name = f"seed-{schedule.seed}-{len(history.receipts)}"
    load = Load(site, schedule.workload, name, dict(history.votes)).begin()
    try:
        notes = inject(site, schedule.faults, FAULTS, tell)
        healed = time.monotonic()
        unacknowledged = load.acknowledge(ENDS_S[schedule.quick])
        until = time.monotonic() + ENDS_S[schedule.quick]
        while load.unended() and time.monotonic() < until:
            time.sleep(0.2)
        recovered_s = time.monotonic() - healed
    finally:
        load.end()
    history.receipts += load.receipts
    history.votes.update(load.votes)
    heard = Heard(history.receipts, history.votes, unacknowledged)
    judgement = _agreed(site, heard, tell)
    findings = [*judgement.findings, *_of_the_workers(site)]
    if load.failure is not None:
        findings.append(Finding("client", "load", repr(load.failure)))
    executions, history.executions = judgement.executions - history.executions, judgement.executions
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
    )


def _agreed(site: Site, heard: Heard, tell: Callable[[str], None]) -> Judgement:
    """The verdict, once the views have had time to catch up and what still starts has started."""
    began = time.monotonic()
    while True:
        try:
            with site.connect() as connection:
                found = judge(connection, site.clients.log, heard, site.target.lines())
        except (psycopg.Error, LogError) as error:
            found = Judgement((Finding("unheard", "witness", repr(error)),), 0, 0, 0, 0)
        took_s = time.monotonic() - began
        if found.agreed or took_s > AGREE_S:
            return found
        tell(f"{took_s:5.1f} s  after the end {found.findings[0]}")
        time.sleep(1)


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
