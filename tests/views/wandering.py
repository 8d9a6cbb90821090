"""Random histories that a decider could have written, to compare two readers. Same seed, same log."""

import random
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from penstock.producers.log import Outgoing
from penstock.schemas.bodies import EventBody
from penstock.schemas.canonical import json_payload, payload_of
from penstock.schemas.envelope.records import Failure
from penstock.schemas.ids import derived_id
from penstock.schemas.log.records import (
    InputAccepted,
    InputDiscarded,
    InputParked,
    InputRefused,
    InputReleased,
)
from penstock.schemas.run import records as runs
from tests.views.histories import (
    Historian,
    approval_of,
    asked,
    call_of,
    grant_of,
    granted,
    migrated,
    requested,
    started,
)

TEXTS = ("fine", "", "na\x00ul", "ünïcode ✓", 'quote " \\u0000 and \\', "line\nbreak")


class Wanderer:
    """One run, going somewhere at random."""

    def __init__(self, rng: random.Random, run_id: str) -> None:
        self.rng = rng
        self.run_id = run_id
        self.step = 0
        self.begun = self.ending = self.ended = self.stalled = self.paused = False
        self.sleeps: list[str] = []
        self.calls: dict[int, str] = {}
        self.attempts: dict[int, int] = {}
        self.questions: list[int] = []
        self.grants: list[int] = []
        self.parked: list[str] = []

    def next(self) -> EventBody:
        """One more event that could follow."""
        moves: list[Callable[[], EventBody]] = [self.refuse, self.accept, self.park, self.think]
        if self.parked:
            moves += [self.unpark, self.unpark]
        if not self.begun:
            moves += [self.begin] * 4
        elif not self.ended:
            moves += [self.question, self.vote_refused, self.end_soon, self.stall, self.pause, self.sleep]
            moves += [self.request] * (0 if self.ending else 4)
            moves += [self.answer] * (4 if self.calls else 0)
            moves += [self.decide] * (3 if self.questions else 0)
            moves += [self.end] * (1 if self.ending else 0)
        elif self.attempts:
            moves += [self.late]
        return self.rng.choice(moves)()

    def text(self) -> str:
        return self.rng.choice(TEXTS)

    def begin(self) -> EventBody:
        self.begun = True
        contents = [json_payload({"note": self.text(), "n": 1e23}), payload_of(b"\xff\x00", "x/y")]
        priority = self.rng.randrange(-100, 101)
        attributes = self.rng.choice([None, '{"desk":"ünïcode ✓","n":7,"urgent":true}', '{"desk":"b"}'])
        again: dict[str, object] = {"retry_of": self.text(), "requesters_before": (self.text(), "ben")}
        return started(
            **(again if self.rng.random() < 0.3 else {}),
            requester=self.text() or "ana",
            input=self.rng.choice(contents),
            priority=priority,
            search_attributes=attributes,
        )

    def refuse(self) -> EventBody:
        return InputRefused(input_type="CancelRun", reason="unknown_run", detail=self.text())

    def accept(self) -> EventBody:
        if self.begun and self.rng.random() < 0.5:
            said = json_payload([self.text()])
            return runs.SignalReceived(name="more", signal_id=self.text() or "s", payload=said)
        return InputAccepted(input_type="ResumeRun", note=self.text())

    def think(self) -> EventBody:
        said, about = self.rng.choice([(None, call_of(self.run_id, 1)), (json_payload(self.text()), None)])
        return runs.FeedbackGiven(call_id=about, label=self.text(), tags=(self.text(),), comment=said)

    def park(self) -> EventBody:
        input_id = derived_id(self.run_id, f"parked:{self.rng.random()}")
        self.parked.append(input_id)
        error = Failure(kind="KeyError", message=self.text())
        return InputParked(input_id=input_id, input_type="CastVote", input_value=b"\x00\x01", error=error)

    def unpark(self) -> EventBody:
        input_id = self.parked.pop(0)
        if self.rng.random() < 0.5:
            return InputReleased(parked_input_id=input_id)
        return InputDiscarded(parked_input_id=input_id, reason=self.text())

    def request(self) -> EventBody:
        self.step += 1
        self.calls[self.step] = "requested"
        self.attempts[self.step] = 1
        grant = grant_of(self.run_id, self.grants.pop()) if self.grants and self.rng.random() < 0.7 else None
        return requested(self.run_id, self.step, effect=self.rng.choice(["read", "unsafe"]), grant_id=grant)

    def answer(self) -> EventBody:
        step = self.rng.choice(list(self.calls))
        call_id, attempt = call_of(self.run_id, step), self.attempts[step]
        kind = self.rng.choice(["start", "complete", "retry", "fail", "refuse", "doubt", "hold", "defer"])
        if kind == "start":
            return runs.ToolCallStarted(call_id=call_id, attempt=attempt, lease_id="l", worker=self.text())
        if kind == "doubt":
            return runs.ToolCallInDoubt(call_id=call_id, attempt=attempt, lease_id="l", reason=self.text())
        if kind == "hold":
            return runs.ToolCallHeld(call_id=call_id, attempt=attempt, began=self.rng.random() < 0.5)
        if kind == "defer":
            return runs.ToolCallDeferred(call_id=call_id, attempt=attempt, lease_id="l", expires_at_ms=9)
        if kind == "retry":
            self.attempts[step] += 1
            return requested(self.run_id, step, attempt=attempt + 1)
        del self.calls[step]
        if kind == "complete":
            results = [json_payload([self.text(), None, 0.1]), payload_of(b"{", "application/json")]
            by, result = self.rng.choice(["worker", "person"]), self.rng.choice(results)
            return runs.ToolCallCompleted(call_id=call_id, attempt=attempt, result=result, settled_by=by)
        if kind == "fail":
            error = Failure(kind="timeout", message=self.text())
            return runs.ToolCallFailed(call_id=call_id, attempt=attempt, error=error, final=True)
        return runs.ToolCallRefused(
            call_id=call_id, step=step, tool="t", tool_version=1, args_sha256="a", reason="grant_spent",
            detail=self.text(),
        )  # fmt: skip

    def late(self) -> EventBody:
        step = self.rng.choice(list(self.attempts))
        return runs.LateAnswer(call_id=call_of(self.run_id, step), attempt=1, input_type="CompleteToolCall")

    def question(self) -> EventBody:
        self.step += 1
        if self.rng.random() < 0.3:
            self.grants.append(self.step)
            return granted(self.run_id, self.step, by="rule", rule="notices")
        if not self.ending:
            self.questions.append(self.step)
            return asked(self.run_id, self.step, role=self.text())
        return self.accept()

    def decide(self) -> EventBody:
        step = self.questions.pop(self.rng.randrange(len(self.questions)))
        approval_id = approval_of(self.run_id, step)
        kind = self.rng.choice(
            ["grant", "refuse", "expire", "count", "count", "hand on", "hand on", "escalate"]
        )
        if kind in ("count", "hand on", "escalate"):
            self.questions.append(step)
        if kind == "hand on":
            by, to = self.text(), self.text()
            return runs.ApprovalDelegated(approval_id=approval_id, delegated_by=by, delegate=to)
        if kind == "escalate":
            return runs.ApprovalEscalated(
                approval_id=approval_id,
                from_role="",
                role=self.text(),
                escalated_by=self.text(),
                by_time=False,
            )
        if kind == "count":
            return runs.VoteCounted(approval_id=approval_id, voter=self.text(), votes=1, quorum=2)
        if kind == "grant":
            self.grants.append(step)
            return granted(self.run_id, step, by=self.text())
        if kind == "refuse":
            return runs.ApprovalRefused(approval_id=approval_id, refused_by="sam", reason=self.text())
        return runs.ApprovalExpired(approval_id=approval_id)

    def vote_refused(self) -> EventBody:
        return runs.VoteRefused(
            approval_id=approval_of(self.run_id, 1), voter=self.text(), reason="wrong_role"
        )

    def stall(self) -> EventBody:
        if self.ending:
            return self.accept()
        self.stalled = not self.stalled
        if self.stalled:
            return runs.RunStalled(kind="exception", detail=self.text(), code_hash="1")
        return self.rng.choice((runs.RunResumed(code_hash=self.text()), migrated(self.rng.randrange(1, 5))))

    def pause(self) -> EventBody:
        if self.ending:
            return self.accept()
        self.paused = not self.paused
        if self.paused:
            return runs.RunPaused(paused_by=self.text(), reason=self.text())
        return runs.RunContinued(continued_by=self.text(), reason=self.text())

    def sleep(self) -> EventBody:
        if self.sleeps and self.rng.random() < 0.5:
            return runs.TimerFired(timer_id=self.sleeps.pop(0))
        self.step += 1
        timer_id = derived_id(self.run_id, f"timer:{self.step}")
        self.sleeps.append(timer_id)
        purpose: Literal["sleep", "deadline"] = self.rng.choice(("sleep", "deadline"))
        return runs.TimerArmed(timer_id=timer_id, step=self.step, purpose=purpose, due_ms=7)

    def end_soon(self) -> EventBody:
        if self.rng.random() < 0.8:
            return self.accept()
        self.ending = True
        return runs.RunEnding(outcome="cancelled", reason="requested", detail=self.text())

    def end(self) -> EventBody:
        self.ended = True
        ends: list[EventBody] = [
            runs.RunCompleted(result=json_payload({"decision": self.text()})),
            runs.RunFailed(error=Failure(kind="CaseClosed", message=self.text())),
            runs.RunCancelled(reason=self.text()),
        ]
        return self.rng.choice(ends)


def wander(rng: random.Random, historian: Historian, runs: int, events: int) -> None:
    """Write that many events of that many runs, interleaved, some twice, with owners that come and go."""
    wanderers = [Wanderer(rng, derived_id(str(UUID(int=rng.getrandbits(128))), "run")) for _ in range(runs)]
    written: list[Outgoing] = []
    for _ in range(events):
        wanderer = rng.choice(wanderers)
        outgoing = historian.outgoing(wanderer.run_id, wanderer.next())
        historian.log.append([outgoing])
        written.append(outgoing)
        luck = rng.random()
        if luck < 0.05:
            # An owner that lost its answer wrote it again.
            historian.log.append([rng.choice(written)])
        elif luck < 0.08:
            for partition in range(historian.log.partitions(historian.topic)):
                historian.take(partition, historian.epoch + (partition == 0))
