"""The verdict on a round: the receipts, the target's journal and the log must tell one story (L16).

`penstock.audit.witnesses` hears the three, and compares the views with the fold. Here is what it takes for
granted: that histories have neither gap nor fork, that each input on the log has its answer, and that what was
executed is what a person was heard to grant. Nothing here shares code with the runner, the projector or the fold.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.audit import witnesses
from penstock.audit.compare import compare
from penstock.audit.witnesses import Execution, Finding
from penstock.producers.log import Log
from penstock.schemas.codec import Codec, pinned_codec
from penstock.schemas.topics import SCHEDULE_EVENTS, SCHEDULE_INBOX
from tests.chaos.matrix.beats import Change
from tests.chaos.matrix.hooks import Post, Subscription
from tests.chaos.matrix.reading import Event, Given, Reading, dead_places
from tests.chaos.matrix.target import STAMP, Line
from tests.chaos.matrix.verdict_beats import broken_schedules
from tests.chaos.matrix.verdict_hooks import broken_promises

# The target and the broker are on one machine; what is between them is rounding.
CLOCKS_APART_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What the clients say of the whole site so far: acknowledged runs, what was voted, what wasn't acknowledged,
    what was said to schedules, who subscribed, and what they were told."""

    receipts: Collection[str]
    votes: Mapping[str, str]
    unacknowledged: int = 0
    changes: Sequence[Change] = ()
    subscriptions: Sequence[Subscription] = ()
    posts: Sequence[Post] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`findings`: what must not be. The counts are of the whole site."""

    findings: tuple[Finding, ...]
    ended: int
    executions: int
    events: int
    rows: int
    scheduled: int = 0

    @property
    def agreed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def judge(
    connection: Connection[TupleRow],
    kept: Log,
    heard: Heard,
    journal: Sequence[Line],
    codec: Codec | None = None,
) -> Judgement:
    """Hear everybody."""
    executions = [Execution(line.key, line.nonce, line.time_ms) for line in journal]
    said = witnesses.verdict(
        connection, kept, heard.receipts, executions, clock_skew_ms=CLOCKS_APART_MS, codec=codec
    )
    read = Reading(codec or pinned_codec())
    events, told = read.events(kept), read.events(kept, SCHEDULE_EVENTS)
    schedules = compare(connection, kept, SCHEDULE_EVENTS, codec)
    findings = [
        *said.findings,
        *(Finding("view", each.view, str(each)) for each in schedules.differences),
        *broken_histories(events),
        *broken_histories(told),
        *unanswered(read.inputs(kept), events, dead_places(kept)),
        *unanswered(read.inputs(kept, SCHEDULE_INBOX), told, dead_places(kept, SCHEDULE_INBOX)),
        *against_the_votes(journal, heard.votes),
        *without_effect(events, journal, heard.votes),
        *broken_schedules(told, events, heard.changes, journal),
        *broken_promises(events, heard.subscriptions, heard.posts),
    ]
    if schedules.behind:
        findings.append(Finding("view", SCHEDULE_EVENTS, f"the views are {schedules.behind} records behind"))
    if said.ended < said.receipts:
        findings.append(
            Finding("unended", "runs", f"{said.receipts - said.ended} acknowledged runs are open")
        )
    if heard.unacknowledged:
        findings.append(Finding("unheard", "starts", f"{heard.unacknowledged} were never acknowledged"))
    scheduled = sum(event.meta.type == "ScheduleFired" for event in told)
    rows = said.rows_compared + schedules.rows
    return Judgement(tuple(findings), said.ended, said.executions, len(events), rows, scheduled)


@dataclass(slots=True)
class _History:
    seqs: dict[int, Event] = field(default_factory=dict)
    causes: defaultdict[str, dict[int, Event]] = field(default_factory=lambda: defaultdict(dict))


def broken_histories(events: Iterable[Event]) -> Iterator[Finding]:
    """Each history is 1, 2, 3 … without a gap and without a fork, and each cause has all of its events, once."""
    found: defaultdict[str, _History] = defaultdict(_History)
    for event in events:
        meta, history = event.meta, found[event.meta.entity_id]
        before = history.seqs.setdefault(meta.entity_seq, event)
        if before.record.value != event.record.value:
            detail = f"seq {meta.entity_seq} is {before.place} and {event.place}"
            yield Finding("fork", meta.entity_id, detail)
            continue
        same = history.causes[meta.cause.id].setdefault(meta.cause.index, event)
        if same.meta.entity_seq != meta.entity_seq:
            detail = f"{meta.cause.id} index {meta.cause.index} is {same.place} and {event.place}"
            yield Finding("fork", meta.entity_id, detail)
    for entity_id, history in found.items():
        missing = sorted(set(range(1, max(history.seqs) + 1)) - history.seqs.keys())
        if missing:
            yield Finding("gap", entity_id, f"of {max(history.seqs)} events {missing} aren't there")
        for cause_id, caused in history.causes.items():
            count = max(event.meta.cause.count for event in caused.values())
            if caused.keys() != set(range(count)):
                yield Finding("torn", entity_id, f"cause {cause_id} has {sorted(caused)} of {count} events")


def unanswered(
    inputs: Iterable[Given], events: Iterable[Event], dead: Collection[tuple[int, int]]
) -> Iterator[Finding]:
    """Each record of the inbox caused an event, or is a dead letter (L1, L5)."""
    causes = {event.meta.cause.id for event in events}
    for given in inputs:
        place = (given.record.partition, given.record.offset)
        if place not in dead and given.input_id not in causes:
            yield Finding(
                "unanswered",
                f"{given.record.topic} {place}",
                f"{given.input_id or 'what nobody can read'} had no answer",
            )


def against_the_votes(journal: Iterable[Line], votes: Mapping[str, str]) -> Iterator[Finding]:
    """What people are asked about was granted by the only person who votes, for that very run (L12)."""
    for line in journal:
        if line.tool == STAMP:
            continue
        vote = votes.get(line.run_id)
        if vote != "grant":
            said = "was refused" if vote == "refuse" else "nobody had voted on"
            yield Finding("unvoted", line.key, f"{line.tool} of {line.run_id} was executed, which {said}")


def without_effect(
    events: Iterable[Event], journal: Iterable[Line], votes: Mapping[str, str]
) -> Iterator[Finding]:
    """What was granted and completed was executed; and nothing in this workload has a reason to fail."""
    paid = {line.run_id for line in journal}
    for event in events:
        run_id, type_ = event.meta.entity_id, event.meta.type
        if type_ == "RunCompleted" and votes.get(run_id) == "grant" and run_id not in paid:
            yield Finding("unexecuted", run_id, "completed, and the target knows nothing of it")
        if type_ == "RunFailed":
            yield Finding("failed", run_id, f"failed at {event.place}")
