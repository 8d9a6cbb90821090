"""The API described: OpenAPI 3.1, with what the framework can't know (credentials, problems), and a page of it."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from penstock import __version__
from penstock.api import examples, problem_types
from penstock.api.problem_types import PROBLEM_TYPES
from penstock.api.problems import MEDIA_TYPE
from penstock.api.told import page as shape_page
from penstock.api.told import schemas as told

_ABOUT: Final = (
    "Runs, approvals and what operators do, over an immutable log. Errors are application/problem+json (RFC 9457): "
    "`type` names the kind, `detail` says what to do next."
)
# What any route may answer beside its own; those without credentials answer some.
_PROBLEMS: Final[Mapping[str, str]] = {
    "401": "No valid credentials",
    "403": "The role or the scope is missing",
    "404": "Not there, or another tenant's",
    "409": "It is not as the request takes it to be",
    "413": "Too large",
    "422": "Something in the request can't be: `errors` says where",
    "429": "Too often, or too many open: Retry-After says when again",
    "503": "Log or database is away, or too much is under way: Retry-After says when again",
}
# Where the path itself is the credential, or none is asked for: which of the problems there are.
_WITHOUT_CREDENTIALS: Final = {
    "/health/": ("503",),
    "/v1/callbacks/": ("404", "409", "410", "413", "422", "429", "503"),
}
_GONE: Final = {"410": "The time for it is over"}
_MOVED_ON: Final = {"412": "It has moved on since you looked: If-Match names another ETag"}
_NOT_JSON: Final = {"415": "The body isn't said to be JSON"}
# Answers a success of one kind whatever comes of it: all others that answer 202 answer 200 where they know.
_ALWAYS_202: Final = frozenset(
    {
        *("POST /case-review", "POST /v1/runs", "POST /v1/runs/{run_id}/retry"),
        "POST /v1/webhooks/{webhook_id}/test",
        "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    }
)
# What says 202 only at times, and when.
_ALSO_202: Final = {
    "GET /v1/runs/{run_id}/result": "It hasn't ended: Retry-After says when to ask again",
    **dict.fromkeys(
        (f"POST /v1/runs/{kind}" for kind in ("cancel", "signal", "pause", "continue", "retry", "migrate")),
        "It is being done (`dry_run` false): Location says where to see how far",
    ),
}
_OF_THE_FRAMEWORK: Final = ("HTTPValidationError", "ValidationError")
_PROBLEM: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {
            "type": "string",
            "description": "`urn:penstock:problem:` and one of these names, where {…} stands for the refusal's reason.",
            "examples": [f"urn:penstock:problem:{each.name}" for each in PROBLEM_TYPES],
        },
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do next."},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"at": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of the application; made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Penstock",
            version=__version__,
            openapi_version="3.1.0",
            description=_ABOUT,
            routes=app.routes,
        )
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for name in _OF_THE_FRAMEWORK:
            schemas.pop(name, None)
        schemas["Problem"] = dict(_PROBLEM)
        schemas |= told.components()
        components["securitySchemes"] = {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key (psk_<id>_<random>), or a JWT of the OIDC issuer.",
            }
        }
        components["examples"] = examples.problems()
        known = examples.recorded()
        for path, method, operation in _operations(document):
            _complete(path, operation)
            _succeed(f"{method.upper()} {path}", operation)
            told.tell(f"{method.upper()} {path}", operation)
            examples.illustrate(f"{method.upper()} {path}", operation, known)
        app.openapi_schema = document
    return app.openapi_schema


def page(document: Mapping[str, Any]) -> str:
    """The document as Markdown: a table of routes for each kind of thing."""
    by_tag: dict[str, list[str]] = {}
    shown: dict[str, list[str]] = {}
    known = examples.recorded()
    for path, method, operation in _operations(document):
        named = [_parameter(each) for each in operation.get("parameters", ())]
        answers = ", ".join(
            _success(*each) for each in operation["responses"].items() if each[0].startswith("2")
        )
        words = " ".join(str(operation.get("description", "")).split()).replace("|", "\\|")
        row = f"| `{method.upper()} {path}` | {words} | {', '.join(named) or '-'} | {answers} |"
        tag = operation.get("tags", ["other"])[0]
        by_tag.setdefault(tag, []).append(row)
        shown.setdefault(tag, []).append(examples.shown(f"{method.upper()} {path}", known))
    head = (
        "# The HTTP API, route by route",
        "Made from the OpenAPI document by `penstock openapi --page`; `penstock openapi` prints that for client "
        "generators, and a running API answers it at `GET /openapi.json`. How the routes go together: "
        "[runs](http.md), [events](streams.md), [rights](rights.md), [dead letters](dead-letters.md).",
        "Every route but health's and callbacks' takes `Authorization: Bearer …` and may answer, as "
        "`application/problem+json`: "
        + ", ".join(f"{code} ({words[0].lower()}{words[1:]})" for code, words in _PROBLEMS.items())
        + ".",
    )
    tables = (
        f"## {tag[0].upper()}{tag[1:]}\n\n| route | | parameters | answers |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n\n"
        + "\n".join(filter(None, shown[tag]))
        for tag, rows in sorted(by_tag.items())
    )
    problems = (
        "## Problems",
        "`type` is `urn:penstock:problem:` and one of these. `{…}` stands for what refused it says, also as `reason`.",
        problem_types.table(),
    )
    shapes = ("## Shapes of answers", "A reader bears fields that aren't here: later versions may add some.")
    return "\n\n".join((*head, *tables, *problems, *shapes, shape_page.tables(document))) + "\n"


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Give an operation its credentials and its problems."""
    own = [each for each in operation.get("parameters", ()) if each["name"] != "authorization"]
    operation["parameters"] = own
    codes = next((own for start, own in _WITHOUT_CREDENTIALS.items() if path.startswith(start)), None)
    operation["security"] = [{"bearer": []}] if codes is None else []
    about = {**_PROBLEMS, **_GONE, **_MOVED_ON, **_NOT_JSON}
    answered = [*(_PROBLEMS if codes is None else codes)]
    if any(each["name"].lower() == "if-match" for each in own):
        answered += _MOVED_ON
    if "requestBody" in operation:
        answered += _NOT_JSON
    for code, words in sorted(about.items()):
        if code in answered:
            schema = {"$ref": "#/components/schemas/Problem"}
            operation["responses"][code] = {"description": words, "content": {MEDIA_TYPE: {"schema": schema}}}


def _succeed(route: str, operation: dict[str, Any]) -> None:
    """Name every success that an operation has: generated clients take one that isn't named for a failure."""
    responses = operation["responses"]
    if "202" in responses and "200" not in responses and route not in _ALWAYS_202:
        responses["200"] = {**deepcopy(responses["202"]), "description": "What came of it"}
        responses["202"]["description"] = "Not known yet: send the same again with the same Idempotency-Key"
    if route in _ALSO_202:
        responses["202"] = {**deepcopy(responses["200"]), "description": _ALSO_202[route]}
    if any(each["name"] == "if-none-match" for each in operation["parameters"]):
        responses["304"] = {"description": "It is still what you have"}
    operation["responses"] = dict(sorted(responses.items()))


def _success(code: str, response: Mapping[str, Any]) -> str:
    """The code, and its shape if it has a name."""
    name = shape_page.success_of(response)
    return f"{code} [{name}](#{name.lower()})" if name else code


def _parameter(parameter: Mapping[str, Any]) -> str:
    name = f"`{parameter['name']}`"
    return f"{name} (header)" if parameter["in"] == "header" else name
