"""Every answer that a test of the API hears is held against the shape that the description gives it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import jsonschema_rs
import pytest
from httpx import Response
from starlette.testclient import TestClient

from penstock.api.told.routes import SHAPES, shape_of
from penstock.api.told.schemas import JSON, REF, components

_TEMPLATE: Final = re.compile(r"\\\{\w+\\\}")
# Of several templates that a path fits, the one with the fewest gaps is its route's.
_ROUTES: Final = sorted(
    ((route, re.compile(_TEMPLATE.sub("[^/]+", re.escape(route)) + "$")) for route in SHAPES),
    key=lambda each: each[0].count("{"),
)


@contextmanager
def held_against_their_shapes() -> Iterator[None]:
    """Whatever a client of these tests hears is."""
    send = TestClient.send

    def heard(self: TestClient, *words: Any, **named: Any) -> Response:
        response: Response = send(self, *words, **named)
        if response.is_success and response.is_closed and _is_json(response):
            check(response.request.method, response.request.url.path, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TestClient, "send", heard)
        yield


def check(method: str, path: str, response: Response) -> None:
    """Fail where an answer has other fields, or others in them, than its shape says."""
    route = route_of(method, path)
    shape = None if route is None else shape_of(route, str(response.status_code))
    if shape is None:
        return
    wrong = [
        f"{error.instance_path}: {error.message}" for error in _validator(shape).iter_errors(response.json())
    ]
    assert not wrong, (
        f"{route} answers {response.status_code}, and that isn't a {shape.__name__}: {wrong[:5]}"
    )


def route_of(method: str, path: str) -> str | None:
    """The route, as the description writes it."""
    asked = f"{'GET' if method == 'HEAD' else method} {path}"
    return next((route for route, fits in _ROUTES if fits.match(asked)), None)


def _is_json(response: Response) -> bool:
    return response.headers.get("content-type", "").startswith(JSON) and bool(response.content)


@cache
def _components() -> dict[str, Any]:
    found: dict[str, Any] = strict(components())
    return found


@cache
def _validator(shape: type) -> jsonschema_rs.Validator:
    schema = {"$ref": REF.format(model=shape.__name__), "components": {"schemas": _components()}}
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def strict(schema: Any) -> Any:
    """The same without room for fields that aren't named: readers must bear new ones, and tests mustn't."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: strict(value) for name, value in schema.items()}
    if (
        isinstance(schema.get("properties"), dict)
        and "type" in schema
        and "additionalProperties" not in schema
    ):
        found["additionalProperties"] = False
    return found
