"""Every body, every success and every problem of the description has an example, and each is what its schema says."""

from typing import Any

import jsonschema_rs
import pytest

from penstock.api.description import describe
from tests.api import recording
from tests.api.answers_told import strict
from tests.api.conftest import Api

# What an answer is that no case asks for: streams and text of no fixed form.
NO_JSON = {"GET /metrics", "GET /v1/events"}


def contents(document: dict[str, Any]) -> Any:
    """(route, where, media type's entry) of everything that has a schema."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            route = f"{method.upper()} {path}"
            places = {"body": operation.get("requestBody", {}), **operation["responses"]}
            for where, place in places.items():
                for kind, content in place.get("content", {}).items():
                    yield route, f"{where} {kind}", content


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_has_its_examples(api: Api, path: str) -> None:
    recording.check(f"GET {path}", None, api.client.get(path))


def test_everything_has_an_example_and_each_is_what_its_schema_says(api: Api) -> None:
    document = describe(api.app)
    checked = 0
    for route, where, content in contents(document):
        if "examples" in content:
            name = content["examples"]["problem"]["$ref"].rpartition("/")[2]
            example = document["components"]["examples"][name]["value"]
        elif "example" in content or (route not in NO_JSON and "json" in where):
            assert "example" in content, f"{route}: no example of its {where}"
            example = content["example"]
        else:
            continue
        schema = {**content.get("schema", {}), "components": document["components"]}
        if where.startswith("2"):
            # An example with a field that isn't named any more, also deep in it, is one of before.
            schema = strict(schema)
        jsonschema_rs.validator_for(schema).validate(example)
        checked += 1
    assert checked > 100
