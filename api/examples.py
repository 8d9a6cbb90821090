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
    "413": (
        "body-too-large",
        "Body too large",
        "A request's body is at most 1048576 bytes: send large content by reference.",
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
    content = operation["responses"][code].get("content", {})
    if content:
        content.setdefault(example["type"], {})["example"] = example["answer"]


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
