"""Examples in the API's description: what each route was asked and answered, as the routes' own tests have heard it.

They stand in examples.json, by route: `request` (none without a body), `status` and `answer`, JSON or text. Nobody
writes them: the tests do, and fail when an answer has other fields than its example.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from penstock.api.problems import MEDIA_TYPE, problem_body

FILE: Final = Path(__file__).with_name("examples.json")
_JSON: Final = "application/json"
_RUN: Final = "/v1/runs/0199c0de-6a2e-5d6c-9a53-3c62a9b7c001"
# By status: the kind of a problem, and what it tells its reader to do.
_PROBLEMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "401": ("unauthenticated", "No valid credentials", "Send the header `Authorization: Bearer psk_...`."),
    "403": ("forbidden", "Role missing", "To cancel a run takes the role analyst: use a key that has it."),
    "404": ("not-found", "Not found", "There is no such run here: check its id."),
    "409": ("ended", "Ended", "The run has ended: there is nothing to change."),
    "410": (
        "callback-expired",
        "Too late",
        "The call's time is over and it was given up: nothing waits for an answer.",
    ),
    "412": (
        "run-moved-on",
        "The run has moved on",
        "Nothing was said: the run is at event 9 now, not where If-Match has it. Look at it again.",
    ),
    "413": (
        "body-too-large",
        "Body too large",
        "A request's body is at most 1048576 bytes: send large content by reference.",
    ),
    "415": (
        "unsupported-media-type",
        "Not JSON",
        "Send it with the header `Content-Type: application/json`.",
    ),
    "422": (
        "invalid-request",
        "Invalid request",
        "Correct these and send it again: body.reason: Field required",
    ),
    "429": ("too-many-requests", "Too many requests", "Come back after Retry-After seconds."),
    "503": ("log-away", "Log away", "The log doesn't answer: send it again after Retry-After seconds."),
}
# What a route answers that has more than one success, when nobody has decided it yet.
_PENDING: Final = {"POST /v1/callbacks/{token}": {"outcome": "pending", "seq": None}}
# What is in the answer of a route that says at once what came of it, and in that of one that doesn't know yet.
_CAME: Final[Mapping[str, str]] = {
    "POST /v1/approvals/{approval_id}/votes": "granted",
    "POST /v1/approvals/{approval_id}/delegate": "delegated",
    "POST /v1/approvals/{approval_id}/escalate": "escalated",
    "POST /case-review/{task_id}/cancel": "RunEnding",
    "POST /v1/runs/{run_id}/pause": "paused",
    "POST /v1/runs/{run_id}/continue": "continued",
    "POST /v1/calls/{call_id}/settlement": "ToolCallCompleted",
}
_HAPPENED: Final = {
    "POST /v1/approvals/{approval_id}/votes": "ApprovalGranted",
    "POST /v1/approvals/{approval_id}/delegate": "ApprovalDelegated",
    "POST /v1/approvals/{approval_id}/escalate": "ApprovalEscalated",
}
_ERRORS: Final = {"errors": [{"at": "body.reason", "message": "Field required"}]}


def recorded() -> dict[str, Any]:
    """By route ("POST /v1/runs"): what was asked and answered."""
    found: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return found


def problems() -> dict[str, Any]:
    """The examples of problems, by name, for the document's components."""
    return {
        f"Problem{code}": {"value": problem_body(int(code), *words, _RUN, _ERRORS if code == "422" else None)}
        for code, words in _PROBLEMS.items()
    }


def illustrate(route: str, operation: dict[str, Any], known: Mapping[str, Any]) -> None:
    """Give an operation its examples: of its body, its success, and each of its problems."""
    for code, response in operation["responses"].items():
        content = response.get("content", {}).get(MEDIA_TYPE)
        if content is not None:
            content["examples"] = {"problem": {"$ref": f"#/components/examples/Problem{code}"}}
    example = known.get(route)
    if route in _PENDING:
        operation["responses"]["202"]["content"][_JSON]["example"] = _PENDING[route]
    if example is None:
        return
    body = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    if body is not None:
        body["example"] = example["request"]
    successes = [code for code in operation["responses"] if code.startswith("2")]
    code = str(example["status"]) if str(example["status"]) in successes else successes[0]
    for success in successes:
        content = operation["responses"][success].get("content", {})
        if content and success == code:
            content.setdefault(example["type"], {})["example"] = example["answer"]
        elif content:
            content[_JSON].setdefault("example", _otherwise(route, success, example["answer"], known))


def _otherwise(route: str, code: str, answer: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The same answer where it is known what came of it, or isn't yet."""
    if "dry_run" in answer:
        shown = known["GET /v1/bulk/{bulk_id}"]["answer"]
        followed = ("runs", "done", "next_cursor")
        kind = {"kind": route.rpartition("/")[2]}
        return {name: value for name, value in shown.items() if name not in followed} | kind
    if "outcome" not in answer:
        return {**answer, "status": "completed", "result": "refund", "ended_at": "2025-10-09T09:10:00.000Z"}
    if code == "200":
        of_an_event = {} if {"task_id", "name"} & answer.keys() else {"seq": 12}
        came = {**answer, "outcome": _CAME.get(route, "applied"), **of_an_event}
        return came | _of_approval(route, answer, known)
    of_a_run = ("task_id", "run_id", "approval_id", "call_id", "input_id", "links")
    said = ("name", "input_id") if "name" in answer else of_a_run
    of_events = () if {"approval_id", "name"} & answer.keys() else ("seq", "event")
    unknown = {each: None for each in of_events if each in answer}
    return {**{each: answer[each] for each in said if each in answer}, **unknown, "outcome": "pending"}


def _of_approval(route: str, answer: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer about an approval has beside the others': the event, and the approval unless it was a vote."""
    if "approval_id" not in answer:
        return {}
    approval = known["GET /v1/approvals/{approval_id}"]["answer"]
    after = {} if route.endswith("/votes") else {"approval": approval}
    event = {"type": _HAPPENED[route], "approval_id": answer["approval_id"]}
    return {"event": event} | after


def shown(route: str, known: Mapping[str, Any]) -> str:
    """A route's example as Markdown; empty if it has none."""
    example = known.get(route)
    if example is None:
        return ""
    asked = "" if example["request"] is None else f" {_compact(example['request'])}"
    answer = example["answer"]
    said = answer if isinstance(answer, str) else json.dumps(answer, indent=1, ensure_ascii=False)
    return f"```text\n{route}{asked}\n\n{example['status']}\n{said.strip()}\n```\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
