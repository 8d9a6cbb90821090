"""The verdict of a round can be BROKEN: one planted damage for each thing that a witness swears to."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import psycopg
import pytest
from psycopg.rows import TupleRow

from penstock.audit.applier import Applier, catch_up
from penstock.producers.log import Outgoing
from penstock.producers.memory import MemoryLog
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.codec import EventBody, pinned_codec
from penstock.schemas.envelope.records import Failure, InputMeta
from penstock.schemas.headers import dead_letter_headers, input_headers
from penstock.schemas.run.records import ApprovalGranted, FireTimer, RunFailed, ToolCallRequested
from penstock.schemas.topics import ALL_TOPICS, RUN_EVENTS, RUN_INBOX, RUNS_GROUP, dead_letter_topic
from tests.chaos.matrix.target import Line
from tests.chaos.matrix.verdict import Heard, Judgement, judge
from tests.views.histories import PERSON, Historian, call_of, case_review, new_run

pytestmark = [pytest.mark.broker, pytest.mark.chaos]

LONG_AFTER_MS = 4_000_000_000_000
STEP_OF_THE_WRITE = 5


@pytest.fixture
def views(database_url: str) -> Iterator[psycopg.Connection[TupleRow]]:
    migrate(database_url)
    with connect(database_url) as connection:
        yield connection


@dataclass
class Story:
    """One good run, of which everybody says the same, until a test makes somebody lie."""

    views: psycopg.Connection[TupleRow]
    log: MemoryLog = field(default_factory=lambda: MemoryLog(ALL_TOPICS))
    run_id: str = field(default_factory=new_run)
    journal: list[Line] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)
    votes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.historian = Historian(self.log)
        self.receipts.append(self.run_id)
        self.votes[self.run_id] = "grant"
        self.journal.append(self.line())

    def line(self, nonce: str = "n1") -> Line:
        return Line(call_of(self.run_id, STEP_OF_THE_WRITE), 1, self.run_id, "pay", nonce, LONG_AFTER_MS)

    def tell(self, *bodies: EventBody) -> "Story":
        """Write the run's history; without bodies the good one."""
        self.historian.write(self.run_id, *(bodies or case_review(self.run_id)))
        return self

    def say(self, ident: str) -> Outgoing:
        """An input on the inbox."""
        meta = InputMeta(
            id=ident, type="FireTimer", tenant="local", entity_id=self.run_id, time_ms=0, actor=PERSON
        )
        value = pinned_codec().encode(meta, FireTimer(timer_id=new_run()))
        return Outgoing(RUN_INBOX, self.run_id.encode(), value, input_headers(meta, "test", ""))

    def judged(self, unacknowledged: int = 0) -> Judgement:
        catch_up(Applier(self.views, pinned_codec()), self.log, [RUN_EVENTS])
        return self.judged_as_the_views_are(unacknowledged)

    def judged_as_the_views_are(self, unacknowledged: int = 0) -> Judgement:
        heard = Heard(self.receipts, self.votes, unacknowledged)
        return judge(self.views, self.log, heard, self.journal)


@pytest.fixture
def story(views: psycopg.Connection[TupleRow]) -> Story:
    return Story(views)


def kinds(judgement: Judgement) -> set[str]:
    assert not judgement.agreed
    return {finding.kind for finding in judgement.findings}


def test_a_round_in_which_nothing_broke_is_ok(story: Story) -> None:
    judgement = story.tell().judged()
    assert judgement.agreed, judgement.findings
    assert (judgement.ended, judgement.executions) == (1, 1)


def test_an_effect_that_the_target_saw_twice(story: Story) -> None:
    story.journal.append(story.line("n2"))
    assert kinds(story.tell().judged()) == {"repeated"}


def test_an_acknowledged_run_that_the_log_lost(story: Story) -> None:
    story.receipts.append(new_run())
    assert kinds(story.tell().judged()) == {"lost", "unended"}


def test_a_start_that_nobody_ever_acknowledged(story: Story) -> None:
    assert kinds(story.tell().judged(unacknowledged=1)) == {"unheard"}


def test_a_history_with_a_gap(story: Story) -> None:
    story.historian.seqs[story.run_id] = 1
    story.tell()
    assert "gap" in kinds(story.judged())


def test_a_history_that_forks(story: Story) -> None:
    story.tell()
    other = story.historian.outgoing(story.run_id, case_review(story.run_id)[1], seq=2)
    story.log.append([other])
    assert "fork" in kinds(story.judged())


def test_the_same_record_twice_is_no_fork(story: Story) -> None:
    told = story.historian.write(story.run_id, *case_review(story.run_id))[-1]
    assert told.key is not None
    story.log.append([Outgoing(told.topic, told.key, told.value, told.headers)])
    assert story.judged().agreed


def test_a_cause_whose_events_are_not_all_there(story: Story) -> None:
    bodies = case_review(story.run_id)
    story.tell()
    story.log.append([story.historian.outgoing(story.run_id, bodies[1], index=0, count=2)])
    assert "torn" in kinds(story.judged())


def test_an_event_of_an_owner_whom_another_had_followed_is_not_there(story: Story) -> None:
    story.tell()
    partition = story.log.append([story.historian.outgoing(new_run(), case_review(story.run_id)[0])])[
        0
    ].partition
    story.historian.take(partition, epoch=9)
    late = Historian(story.log, epoch=1)
    stray = new_run()
    while story.log.append([late.outgoing(stray, case_review(stray)[3], seq=4)])[0].partition != partition:
        stray = new_run()
    assert stray not in {finding.subject for finding in story.judged().findings}


def test_an_input_without_an_answer(story: Story) -> None:
    story.log.append([story.say(new_run())])
    assert kinds(story.tell().judged()) == {"unanswered"}


def test_bytes_on_the_inbox_without_a_dead_letter(story: Story) -> None:
    story.log.append([Outgoing(RUN_INBOX, b"key", b"bytes", ())])
    assert kinds(story.tell().judged()) == {"unanswered"}


def test_a_dead_letter_is_an_answer(story: Story) -> None:
    (stands,) = story.log.append([Outgoing(RUN_INBOX, b"key", b"bytes", ())])
    headers = dead_letter_headers(
        (),
        dead_letter_id=new_run(),
        topic=RUN_INBOX,
        partition=stands.partition,
        offset=stands.offset,
        time_ms=0,
        group=RUNS_GROUP,
        error_class="Undecodable",
        message="no",
        stage="decode",
    )
    story.log.append([Outgoing(dead_letter_topic(RUN_INBOX, RUNS_GROUP), b"key", b"bytes", headers)])
    assert story.tell().judged().agreed


def test_a_write_without_a_grant(story: Story) -> None:
    bodies = [
        replace(body, grant_id=None)
        if isinstance(body, ToolCallRequested) and body.step == STEP_OF_THE_WRITE
        else body
        for body in case_review(story.run_id)
    ]
    assert kinds(story.tell(*bodies).judged()) == {"ungranted"}


def test_a_grant_on_the_log_that_nobody_gave(story: Story) -> None:
    assert any(isinstance(body, ApprovalGranted) for body in case_review(story.run_id))
    story.votes.clear()
    assert kinds(story.tell().judged()) == {"unvoted"}


def test_an_effect_that_was_refused(story: Story) -> None:
    story.votes[story.run_id] = "refuse"
    assert kinds(story.tell().judged()) == {"unvoted"}


def test_a_run_that_completed_without_its_effect(story: Story) -> None:
    story.journal.clear()
    assert kinds(story.tell().judged()) == {"unexecuted"}


def test_a_run_that_failed_without_a_reason(story: Story) -> None:
    failed = RunFailed(error=Failure(kind="exception", message="why", retryable=False))
    bodies = (*case_review(story.run_id)[:-1], failed)
    assert "failed" in kinds(story.tell(*bodies).judged())


def test_a_view_with_a_row_that_is_off(story: Story) -> None:
    story.tell().judged()
    story.views.execute("UPDATE views.run SET status = 'cancelled'")
    assert kinds(story.judged_as_the_views_are()) == {"view"}
