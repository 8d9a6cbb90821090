"""From words on the command line to what is meant: JSON, attributes, filters. Errors say what to type."""

import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar, get_args

from penstock.api.problems import Problem
from penstock.api.run_filters import RunFilter, Status, filter_of
from penstock.runtime.errors import SetupError
from penstock.schemas.attributes import Attribute

T = TypeVar("T")


def right(judge: Callable[[], T]) -> T:
    """What is judged as the API judges it; what that calls a problem is an error here. Raises SetupError."""
    try:
        return judge()
    except Problem as problem:
        raise SetupError(str(problem.detail)) from problem


def value_of(option: str, text: str) -> object:
    """What an option says: JSON, @FILE with JSON, or - for standard input. Raises SetupError."""
    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).read_text()
        return json.loads(text)
    except OSError as error:
        raise SetupError(f"{option} can't be read ({error}): name a file as {option} @case.json") from error
    except (ValueError, RecursionError) as error:
        example = f"""{option} '{{"case_id": "C-1"}}'"""
        raise SetupError(f"{option} isn't JSON ({error}): quote it, as in {example}") from error


def attributes_of(given: Sequence[str]) -> dict[str, Attribute]:
    """Search attributes by name, from name:value. Raises SetupError."""
    found: dict[str, Attribute] = {}
    for pair in chosen(None, None, None, None, (None,) * 4, given).pairs:
        name, _, value = pair.partition("=")
        if name in found:
            raise SetupError(f"--attribute {name} is given twice: a run has one value of each name")
        found[name] = json.loads(value)
    return found


def chosen(
    workflow: str | None,
    version: int | None,
    status: str | None,
    requester: str | None,
    times: Sequence[str | None],
    attributes: Sequence[str],
) -> RunFilter:
    """The filter that options mean; `times` are started after, before, ended after, before. Raises SetupError."""
    statuses = get_args(Status)
    if status is not None and status not in statuses:
        raise SetupError(f"there is no status {status!r}: type one of {', '.join(statuses)}")
    if any("\x00" in word for word in (workflow, requester) if word is not None):
        raise SetupError("no name holds a NUL: leave it out")
    try:
        moments = [None if time is None else datetime.fromisoformat(time) for time in times]
    except ValueError as error:
        raise SetupError(f"{error}: write a time as 2026-11-28T09:00:00Z") from error
    try:
        return filter_of(
            workflow=workflow,
            version=version,
            status=status,  # type: ignore[arg-type]  # one of them, as was just seen
            requester=requester,
            started_after=moments[0],
            started_before=moments[1],
            ended_after=moments[2],
            ended_before=moments[3],
            attribute=list(attributes),
        )
    except Problem as error:
        raise SetupError(str(error.detail)) from error
