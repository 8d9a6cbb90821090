"""Moving a run to another version of its workflow: its history is replayed under that version's code, and only if all
of it fits does the run go on there, which is an event. Else it stays as it is, and the refusal holds the difference.

It fits if the code asks for every step of the history as it stands there, also for those that are open, takes every
signal that came, raises nothing undeclared, and asks open questions by the terms that people were shown.
"""

from dataclasses import replace
from typing import Final

from penstock.declare.errors import InvalidInput
from penstock.declare.workflows import Workflow
from penstock.schemas.canonical import PayloadTooLarge, payload_of
from penstock.schemas.run.records import MigrateRun, RunMigrated
from penstock.streams.runs.asks import ApprovalAsk, Ask
from penstock.streams.runs.consequences import Consequences
from penstock.streams.runs.differences import REMEDY, trace
from penstock.streams.runs.driving import advance, stall_of
from penstock.streams.runs.loop import Future, Stall
from penstock.streams.runs.parts import Signalled
from penstock.streams.runs.questions import ApprovalState
from penstock.streams.runs.replay import Execution
from penstock.streams.runs.state import RunState

MIGRATES: Final = "operator"


def migrate(c: Consequences, body: MigrateRun) -> None:
    """An operator has it go on under another version; a trial only says whether it could."""
    started, actor = c.state.started, c.given.meta.actor
    assert started is not None
    workflow = c.application.workflow(started.workflow, body.to_version)
    if MIGRATES not in actor.roles:
        c.refuse("not_an_operator", f"a run is migrated by an operator, and {actor.subject} isn't one")
    elif c.state.ending is not None:
        c.refuse("ending", "the run is ending: it takes no more steps under any version")
    elif body.to_version == started.workflow_version:
        c.accept(f"it has version {body.to_version}")
    elif workflow is None:
        c.refuse(
            "unknown_version", f"{started.workflow} v{body.to_version} isn't registered where it is decided"
        )
    else:
        misfit = _misfit(c, workflow)
        if misfit is not None:
            kept = f"The run stays on v{started.workflow_version}."
            c.refuse("does_not_fit", f"{misfit.removesuffix(REMEDY).rstrip()}\n{kept}")
        elif body.trial:
            c.accept(f"fits v{body.to_version}")
        else:
            _move(c, workflow, body.reason)


class _Trial(Execution):
    """An execution that keeps what was asked for, also what the history has."""

    def __init__(self, workflow: Workflow[object, object], state: RunState, c: Consequences) -> None:
        super().__init__(workflow, state, c.application)
        self.asked: list[Ask] = []

    def _ask(self, ask: Ask) -> Future:
        future = super()._ask(ask)
        self.asked.append(ask)
        return future


def _misfit(c: Consequences, workflow: Workflow[object, object]) -> str | None:
    """Why the history doesn't fit the code of that version; None if it does."""
    assert c.state.started is not None
    state = c.state.copy()
    state.started = replace(c.state.started, workflow_version=workflow.version)
    try:
        _check_signals(workflow, state)
        with c.watchdog(state.run_id):
            trial = _Trial(workflow, state, c)
            try:
                trial.consume(state)
                stall = stall_of(trial, workflow)
                if stall is None:
                    _check_end(workflow, trial)
                    _check_terms(state, trial)
                    _check_steps(workflow, trial)
            finally:
                trial.close()
    except InvalidInput as error:
        return str(error)
    except Stall as raised:
        # By a check, or by the watchdog.
        stall = raised
    return None if stall is None else stall.detail


def _check_signals(workflow: Workflow[object, object], state: RunState) -> None:
    """A signal that was taken in isn't lost. Raises InvalidInput."""
    for settled in state.history:
        if isinstance(settled.outcome, Signalled):
            workflow.check_signal(settled.outcome.name, settled.outcome.content)


def _check_end(workflow: Workflow[object, object], trial: _Trial) -> None:
    returned = trial.returned
    if returned is None or returned.error is not None:
        return
    try:
        payload_of(workflow.encode_result(returned.value))
    except (InvalidInput, PayloadTooLarge) as error:
        raise Stall("exception", trace(error)) from error


def _check_terms(state: RunState, trial: _Trial) -> None:
    """People decide an open question by the role and quorum that it was asked with, whatever the code says now."""
    for ask in trial.asked:
        if ask.step > len(state.steps) or not isinstance(ask, ApprovalAsk):
            continue
        question = state.approvals.get(state.steps[ask.step - 1].subject_id)
        if question is not None and question.outcome is None and not _same_terms(question, ask):
            raise Stall(
                "nondeterminism",
                f"Step {ask.step} of {_named(state)} asks its open question by other terms.\n"
                f"- history: {_terms(question.quorum, question.role, question.escalate_to)}\n"
                f"+ code:    {_terms(ask.quorum, ask.role, _escalates_to(ask))}",
            )


def _check_steps(workflow: Workflow[object, object], trial: _Trial) -> None:
    if len(trial.asked) > workflow.max_steps:
        raise Stall(
            "nondeterminism",
            f"It has come to step {len(trial.asked)}, and v{workflow.version} takes {workflow.max_steps} at most.",
        )


def _same_terms(question: ApprovalState, ask: ApprovalAsk) -> bool:
    same_role = question.escalated or question.role == ask.role
    return same_role and (question.quorum, question.escalate_to) == (ask.quorum, _escalates_to(ask))


def _escalates_to(ask: ApprovalAsk) -> str | None:
    return None if ask.escalation is None else ask.escalation.role


def _terms(quorum: int, role: str, escalate_to: str | None) -> str:
    return f"{quorum} of the role {role}" + (f", or after an escalation {escalate_to}" if escalate_to else "")


def _named(state: RunState) -> str:
    return f"{state.started.workflow} v{state.started.workflow_version}" if state.started else "?"


def _move(c: Consequences, workflow: Workflow[object, object], reason: str) -> None:
    """Under the new pin from this event on, also if it was stalled; a paused run waits all the same."""
    started = c.state.started
    assert started is not None
    c.emit(
        RunMigrated(
            from_version=started.workflow_version,
            to_version=workflow.version,
            code_hash=workflow.code_hash,
            max_steps=workflow.max_steps,
            migrated_by=c.given.meta.actor.subject,
            reason=reason,
        )
    )
    _give_up(c)
    advance(c)


def _give_up(c: Consequences) -> None:
    """What is alive of it runs the code of the version before."""
    execution, c.execution = c.execution, None
    if execution is None:
        return
    try:
        with c.watchdog(c.state.run_id):
            execution.close()
    except Stall:
        return
