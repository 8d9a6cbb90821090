"""Keeps api/examples.json true: an answer with other fields than its example is written there, and the test fails."""

import json
import re
from typing import Any, Final

from httpx import Response

from penstock.api.examples import FILE, recorded
from tests.api.route_case import RUN

TEXT_MAX: Final = 600
# What of these tests' own must not be read in a document that every tenant may read, and what stands there instead.
OWN: Final = (
    (re.compile("psk_[0-9a-z]+_[0-9a-f]{48}"), "psk_3f9a1c22d04b7e65_" + "0" * 48),
    (re.compile(r"whsec_[A-Za-z0-9+/=]{44}"), "whsec_" + "A" * 43 + "="),
    (re.compile(RUN), "0199c0de-6a2e-5d6c-9a53-3c62a9b7c001"),
)


def check(route: str, request: object, response: Response) -> None:
    """Fail if the example of a route is missing or has other fields, once the answer stands in its place."""
    if route == "GET /openapi.json":
        return
    known, now = recorded(), _heard(request, response)
    if route in known and _shape(known[route]) == _shape(now):
        return
    text = json.dumps({**known, route: now}, indent=1, sort_keys=True) + "\n"
    for own, instead in OWN:
        text = own.sub(instead, text)
    FILE.write_text(text, "utf-8")
    raise AssertionError(
        f"{FILE.name} has what {route} answers now: look at it, then make the documents anew"
    )


def _heard(request: object, response: Response) -> dict[str, Any]:
    kind = response.headers.get("content-type", "").partition(";")[0]
    answer: object = response.json() if kind == "application/json" else response.text[:TEXT_MAX]
    return {"request": request, "status": response.status_code, "type": kind, "answer": answer}


def _shape(example: dict[str, Any]) -> object:
    """What has to be the same: names, not what stands under them."""
    answer, request = example["answer"], example["request"]
    return (
        sorted(answer) if isinstance(answer, dict) else type(answer).__name__,
        sorted(request) if isinstance(request, dict) else request,
        example["status"],
        example["type"],
    )
