"""The verdict about faults, from three witnesses: the client's receipts, the target's journal, the log (L16).

None of them is the projector: the views are the accused, and are compared with a fold of the log.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.audit.compare import compare
from penstock.audit.fold import Told
from penstock.audit.folding.run import run_row
from penstock.producers.log import Log
from penstock.schemas.codec import Codec
from penstock.schemas.run.records import ApprovalGranted, ToolCallRequested, ToolCallStarted
from penstock.schemas.topics import ALL_TOPICS, RUN_EVENTS, RUN_INBOX

ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})
# Not ended, but said so to whoever asks, and waiting for somebody or for other code.
OPEN_QUESTION: Final = frozenset({"waiting_approval", "in_doubt", "parked", "stalled", "paused"})


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution in the target's own journal: the key it was called with, and a nonce of its own.

    `time_ms` is the target's clock, ms since the Unix epoch; None if it keeps none.
    """

    call_key: str
    nonce: str
    time_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be. `kind`: lost, unfinished, repeated, unasked, ungranted, unstarted, view."""

    kind: str
    subject: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the witnesses say. `open_questions`: acknowledged runs that wait for a person."""

    findings: tuple[Finding, ...]
    receipts: int
    ended: int
    open_questions: int
    executions: int
    rows_compared: int

    @property
    def agreed(self) -> bool:
        """True if nothing was found."""
        return not self.findings


def verdict(
    connection: Connection[TupleRow],
    kept: Log,
    receipts: Iterable[str],
    executions: Iterable[Execution],
    *,
    clock_skew_ms: int = 0,
    codec: Codec | None = None,
) -> Verdict:
    """Hear all three. `receipts` are the run ids that were acknowledged; `executions` the target's journal.

    `clock_skew_ms`: how far the target's clock may be behind the log's.
    """
    acknowledged, journal = sorted(set(receipts)), list(executions)
    of_the_log = _OfTheLog()
    comparison = compare(connection, kept, codec=codec, hear=of_the_log.hear)
    statuses, calls = of_the_log.statuses, of_the_log.calls
    findings = [
        *_receipts(acknowledged, statuses, _dead_keys(kept)),
        *_repeated(journal),
        *_permitted(journal, calls, clock_skew_ms),
        *(Finding("view", each.view, str(each)) for each in comparison.differences),
    ]
    if comparison.behind:
        findings.append(Finding("view", RUN_EVENTS, f"the views are {comparison.behind} records behind"))
    return Verdict(
        findings=tuple(findings),
        receipts=len(acknowledged),
        ended=sum(statuses.get(run_id) in ENDED for run_id in acknowledged),
        open_questions=sum(statuses.get(run_id) in OPEN_QUESTION for run_id in acknowledged),
        executions=len(journal),
        rows_compared=comparison.rows,
    )


def _receipts(
    receipts: Sequence[str], statuses: Mapping[str, str], dead: frozenset[str]
) -> Iterable[Finding]:
    """Everything acknowledged has its end, an open question, or a dead letter (L13)."""
    for run_id in receipts:
        status = statuses.get(run_id)
        if status is None and run_id not in dead:
            yield Finding("lost", run_id, "was acknowledged; the log has neither event nor dead letter of it")
        elif status is not None and status not in ENDED | OPEN_QUESTION:
            yield Finding("unfinished", run_id, f"was acknowledged, and is still {status}")


def _repeated(journal: Iterable[Execution]) -> Iterable[Finding]:
    nonces: defaultdict[str, list[str]] = defaultdict(list)
    for execution in journal:
        nonces[execution.call_key].append(execution.nonce)
    for call_key, seen in nonces.items():
        if len(seen) > 1:
            yield Finding("repeated", call_key, f"executed {len(seen)} times: {', '.join(seen)}")


@dataclass(slots=True)
class _Call:
    """What the log says of one call, before anything else of it happened."""

    requested: ToolCallRequested | None = None
    granted: bool = False
    started_ms: int | None = None


def _permitted(journal: Iterable[Execution], calls: Mapping[str, _Call], skew_ms: int) -> Iterable[Finding]:
    """Whatever the target executed was requested with a grant and, if unsafe, started before it (L7, L12)."""
    for execution in journal:
        key = execution.call_key
        call = calls.get(key)
        if call is None or call.requested is None:
            yield Finding("unasked", key, "the target executed a call that no run requested")
            continue
        tool, started_ms, at_ms = call.requested.tool, call.started_ms, execution.time_ms
        if not call.granted:
            yield Finding("ungranted", key, f"{tool} was executed without a grant before it in the log")
        if call.requested.effect != "unsafe":
            continue
        if started_ms is None:
            yield Finding("unstarted", key, f"{tool} was executed without a ToolCallStarted")
        elif at_ms is not None and at_ms + skew_ms < started_ms:
            yield Finding("unstarted", key, f"{tool} was executed {started_ms - at_ms} ms before its start")


@dataclass(frozen=True, slots=True)
class _OfTheLog:
    """The status of each run, and what each call was given, out of the same reading as the fold's."""

    statuses: dict[str, str] = field(default_factory=dict)
    calls: dict[str, _Call] = field(default_factory=dict)

    def hear(self, run_id: str, history: Sequence[Told]) -> None:
        self.statuses[run_id] = str(run_row([(told.meta, told.body) for told in history])["status"])
        _note_calls(self.calls, history)


def _note_calls(found: dict[str, _Call], history: Sequence[Told]) -> None:
    grants: dict[str, ApprovalGranted] = {}
    for told in history:
        body = told.body
        if isinstance(body, ApprovalGranted):
            grants[body.grant_id] = body
        elif isinstance(body, ToolCallRequested):
            call = found.setdefault(body.call_id, _Call())
            call.requested = body
            call.granted = call.granted or _covers(grants.get(body.grant_id or ""), body)
        elif isinstance(body, ToolCallStarted):
            call = found.setdefault(body.call_id, _Call())
            if call.started_ms is None:
                call.started_ms = told.record.time_ms


def _covers(grant: ApprovalGranted | None, asked: ToolCallRequested) -> bool:
    """Whether a grant is for these very bytes, of this tool and version."""
    return grant is not None and (grant.tool, grant.tool_version, grant.args_sha256) == (
        asked.tool,
        asked.tool_version,
        asked.arguments.sha256,
    )


def _dead_keys(kept: Log) -> frozenset[str]:
    """Runs of which an input stands on a dead-letter topic."""
    found: set[str] = set()
    for topic in ALL_TOPICS:
        if topic.name.startswith(RUN_INBOX) and topic.name.endswith(".dlq"):
            for partition in range(kept.partitions(topic.name)):
                for record in kept.read(topic.name, partition, *kept.bounds(topic.name, partition)):
                    found.add((record.key or b"").decode("utf-8", "replace"))
    return frozenset(found)
