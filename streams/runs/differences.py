"""Why code and history don't fit, in words. Argument values stay out of them: they may be personal."""

import re
import traceback
from types import TracebackType
from typing import Final

import orjson

from penstock.schemas.envelope.records import Payload
from penstock.streams.runs.asks import Ask, SleepAsk
from penstock.streams.runs.loop import Stall
from penstock.streams.runs.parts import Step
from penstock.streams.runs.state import RunState

DETAIL_CHARACTERS_MAX: Final = 8000
_ADDRESS: Final = re.compile(" at 0x[0-9a-fA-F]+")
_OURS: Final = ("penstock.streams.", "penstock.declare.", "pydantic.")


def difference(state: RunState, recorded: Step, ask: Ask) -> Stall:
    """The code asks for another thing than the history has."""
    lines = [
        f"Step {ask.step} of {_workflow(state)} isn't what its history says.",
        f"- history: {_recorded(recorded)}",
        f"+ code:    {_asked(ask)}",
    ]
    if (recorded.kind, recorded.name) == (ask.kind, ask.name) and not isinstance(ask, SleepAsk):
        fields = _differing(_arguments(state, recorded), ask.content)
        lines.append(f"The arguments differ in: {', '.join(fields) or 'their form'}.")
    return Stall("nondeterminism", "\n".join((*lines, REMEDY)))


def nothing_asked(state: RunState, step: int, returned: bool) -> Stall:
    """The history has a step that the code doesn't come to."""
    does = "returns" if returned else "waits for earlier steps"
    detail = (
        f"Step {step} of {_workflow(state)} isn't asked for any more.\n"
        f"- history: {_recorded(state.steps[step - 1])}\n"
        f"+ code:    {does}\n{REMEDY}"
    )
    return Stall("nondeterminism", detail)


def unasked(state: RunState, step: int) -> Stall:
    """The history settles a step before the code has asked for it."""
    known = _recorded(state.steps[step - 1]) if step <= len(state.steps) else "a step that was never recorded"
    detail = (
        f"Step {step} of {_workflow(state)} is settled in its history before the code asks for it.\n"
        f"- history: {known}\n+ code:    waits for earlier steps\n{REMEDY}"
    )
    return Stall("nondeterminism", detail)


def trace(error: BaseException) -> str:
    """The traceback through the workflow's own code: module and line, no paths of this machine."""
    kind = "" if isinstance(error, Stall) else f"{type(error).__module__}.{type(error).__qualname__}: "
    lines = [f"{kind}{error}"]
    lines += [f"  in {where}" for where in _frames(error.__traceback__)]
    if error.__cause__ is not None:
        lines.append(f"caused by {type(error.__cause__).__qualname__}: {error.__cause__}")
    # Addresses differ from process to process; deciding twice must give the same event.
    return _ADDRESS.sub("", "\n".join(lines))[:DETAIL_CHARACTERS_MAX]


REMEDY: Final = (
    "Put the code back, or register the new code as another version of the workflow; the run then goes on."
)


def _frames(walk: TracebackType | None) -> list[str]:
    found = []
    for frame, line in traceback.walk_tb(walk):
        module = str(frame.f_globals.get("__name__", "?"))
        if not module.startswith(_OURS):
            found.append(f"{module}:{line} {frame.f_code.co_qualname}")
    return found


def _workflow(state: RunState) -> str:
    return f"{state.started.workflow} v{state.started.workflow_version}" if state.started else "?"


def _recorded(step: Step) -> str:
    if step.kind == "sleep":
        return f"sleep {step.fingerprint} ms"
    return f"{step.kind} {step.name}, arguments {step.fingerprint[:12]}"


def _asked(ask: Ask) -> str:
    if isinstance(ask, SleepAsk):
        return f"sleep {ask.delay_ms} ms"
    return f"{ask.kind} {ask.name}, arguments {ask.fingerprint[:12]}"


def _arguments(state: RunState, step: Step) -> Payload | None:
    if step.kind == "approval":
        approval = state.approvals.get(step.subject_id)
        return approval.arguments if approval else None
    call = state.calls.get(step.subject_id)
    return call.arguments if call else None


def _differing(recorded: Payload | None, content: bytes) -> list[str]:
    try:
        before = orjson.loads(recorded.content) if recorded and recorded.content else None
        after = orjson.loads(content)
    except orjson.JSONDecodeError:
        return []
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    missing = object()
    return sorted(name for name in {*before, *after} if before.get(name, missing) != after.get(name, missing))
