"""Which events are noticed, and what is said of them: a fold of run events. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from penstock.runtime import webhooks as words
from penstock.runtime.webhook_bodies import moment
from penstock.schemas.ids import derived_id
from penstock.schemas.run.records import (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
    RunCancelled,
    RunCompleted,
    RunEnding,
    RunFailed,
    RunStalled,
    RunStarted,
    ToolCallInDoubt,
)
from penstock.streams.open_work import OpenWork, Seen
from penstock.streams.webhooks.ports import Known, KnownRun, Notice, Question

_QUESTIONS: Final = (
    ApprovalDelegated,
    ApprovalEscalated,
    ApprovalExpired,
    ApprovalGranted,
    ApprovalRefused,
    ApprovalRequested,
)
_ENDS: Final[Mapping[type, str]] = {
    RunCompleted: "completed",
    RunFailed: "failed",
    RunCancelled: "cancelled",
    ApprovalGranted: "granted",
    ApprovalRefused: "refused",
    ApprovalExpired: "expired",
}
# What becomes of a question whose run ends without an answer to it.
WITHDRAWN: Final = "withdrawn"
_STOPS: Final = (RunCancelled, RunCompleted, RunEnding, RunFailed)
_TYPES: Final = (*_QUESTIONS, *_STOPS, RunStalled, RunStarted, ToolCallInDoubt)


class Noticing:
    """Runs are known from their start to their end; a notice is put beside them and goes when it is saved."""

    types: frozenset[str] = frozenset(each.__name__ for each in _TYPES)

    def evolve(self, open_work: OpenWork[Known], seen: Seen) -> None:
        """One event: what is known of its run, and what is to be told."""
        body, run_id = seen.body, seen.meta.entity_id
        if isinstance(body, RunStarted):
            open_work.put(KnownRun(run_id, body.workflow, body.workflow_version))
            return
        known = open_work.get(run_id)
        run = known if isinstance(known, KnownRun) else None
        for notice in _notices(seen, run):
            open_work.put(notice)
        if isinstance(body, RunCompleted | RunFailed | RunCancelled):
            open_work.remove(run_id)
        elif run is not None and isinstance(body, (*_QUESTIONS, RunEnding)):
            open_work.put(replace(run, questions=_questions(run, seen)))


def _notices(seen: Seen, run: KnownRun | None) -> Iterator[Notice]:
    body = seen.body
    if isinstance(body, _QUESTIONS):
        yield from _of_a_question(seen, run)
    elif isinstance(body, _STOPS):
        for question in run.questions if run else ():
            about = _about_question(question.approval_id, question) | {"outcome": WITHDRAWN}
            yield _notice(
                seen, run, words.APPROVAL_ENDED, about, derived_id(seen.meta.id, question.approval_id)
            )
        if not isinstance(body, RunEnding):
            yield _notice(seen, run, words.RUN_ENDED, {"outcome": _ENDS[type(body)]})
    elif isinstance(body, RunStalled):
        yield _notice(seen, run, words.RUN_STALLED, {"reason": body.kind})
    elif isinstance(body, ToolCallInDoubt):
        settle = {"settlement": f"/v1/calls/{body.call_id}/settlement"}
        about = {"call_id": body.call_id, "attempt": body.attempt, "links": settle}
        yield _notice(seen, run, words.CALL_IN_DOUBT, about)


def _of_a_question(seen: Seen, run: KnownRun | None) -> Iterator[Notice]:
    body = seen.body
    if isinstance(body, ApprovalGranted) and body.rule is not None:
        return  # A rule's grant: nobody was asked.
    if isinstance(body, ApprovalRequested):
        asked = Question(body.approval_id, body.role, body.expires_at_ms)
        yield _notice(seen, run, words.APPROVAL_REQUESTED, _about_question(body.approval_id, asked))
    elif isinstance(body, ApprovalDelegated):
        about = _about_question(body.approval_id, _question(run, body.approval_id))
        yield _notice(seen, run, words.APPROVAL_DELEGATED, about | {"delegate": body.delegate})
    elif isinstance(body, ApprovalEscalated):
        known = _question(run, body.approval_id)
        about = _about_question(body.approval_id, known and replace(known, role=body.role))
        yield _notice(
            seen, run, words.APPROVAL_ESCALATED, about | {"role": body.role, "from_role": body.from_role}
        )
    elif isinstance(body, ApprovalGranted | ApprovalRefused | ApprovalExpired):
        about = _about_question(body.approval_id, _question(run, body.approval_id))
        yield _notice(seen, run, words.APPROVAL_ENDED, about | {"outcome": _ENDS[type(body)]})


def _questions(run: KnownRun, seen: Seen) -> tuple[Question, ...]:
    """Those that are open after the event."""
    body = seen.body
    if isinstance(body, ApprovalRequested):
        return (*run.questions, Question(body.approval_id, body.role, body.expires_at_ms))
    if isinstance(body, ApprovalEscalated):
        named = body.approval_id
        return tuple(replace(q, role=body.role) if q.approval_id == named else q for q in run.questions)
    if isinstance(body, ApprovalGranted | ApprovalRefused | ApprovalExpired):
        return tuple(each for each in run.questions if each.approval_id != body.approval_id)
    return () if isinstance(body, RunEnding) else run.questions


def _question(run: KnownRun | None, approval_id: str) -> Question | None:
    return next((each for each in run.questions if each.approval_id == approval_id), None) if run else None


def _about_question(approval_id: str, question: Question | None) -> dict[str, object]:
    return {
        "approval_id": approval_id,
        "role": question.role if question else None,
        "expires_at": moment(question.expires_at_ms) if question else None,
        "links": {"approval": f"/v1/approvals/{approval_id}", "votes": f"/v1/approvals/{approval_id}/votes"},
    }


def _notice(
    seen: Seen, run: KnownRun | None, kind: str, about: Mapping[str, object], notice_id: str | None = None
) -> Notice:
    meta = seen.meta
    key = notice_id or meta.id
    links = {"run": f"/v1/runs/{meta.entity_id}"}
    own = about.get("links")
    said = {
        "run_id": meta.entity_id,
        "workflow": run.workflow if run else None,
        "workflow_version": run.workflow_version if run else None,
        **about,
        "links": links | own if isinstance(own, dict) else links,
    }
    return Notice(key, meta.entity_id, meta.tenant, kind, meta.time_ms, said)
