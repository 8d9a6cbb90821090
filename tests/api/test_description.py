"""The API's description: complete, and the same as the files that are checked in."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from penstock.api.description import describe
from penstock.api.told.routes import SHAPES
from penstock.api.told.schemas import JSON
from penstock.cli.openapi import text
from tests.api.conftest import Api

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("name", "as_page"), [("openapi.json", False), ("http-reference.md", True)])
def test_the_files_are_what_the_api_says(name: str, as_page: bool) -> None:
    option = " --page" if as_page else ""
    said = f"a route has changed: `penstock openapi{option} > docs/{name}`, and look at the difference"
    assert (DOCS / name).read_text() == text(as_page), said


def test_every_operation_says_who_may_and_how_it_fails(api: Api) -> None:
    document = describe(api.app)
    assert document["openapi"].startswith("3.1")
    names: list[str] = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            names.append(operation["operationId"])
            assert operation["description"], (method, path)
            health = path.startswith("/health/")
            # A callback's path is its credential.
            callback = path == "/v1/callbacks/{token}"
            assert bool(operation["security"]) is not (health or callback)
            assert (
                {"503"}
                if health
                else {*(() if callback else ("401", "403")), "404", "422", "429", "503"}
                <= set(operation["responses"])
            )
            assert "authorization" not in {each["name"].lower() for each in operation["parameters"]}
    assert len(names) == len(set(names))
    assert not [name for name in document["components"]["schemas"] if "__" in name]


def test_every_json_success_has_a_shape_and_every_shape_a_route(api: Api) -> None:
    document, named = describe(api.app), set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for code, response in operation["responses"].items():
                schema = response.get("content", {}).get(JSON, {}).get("schema")
                if code.startswith("2") and schema is not None:
                    assert set(schema) == {"$ref"}, (method, path, code, "say its shape in api/told")
                    named.add((f"{method.upper()} {path}", code))
    # A route whose successes differ has each of them named.
    by_status = {(route, code) for route, of in SHAPES.items() if isinstance(of, Mapping) for code in of}
    assert by_status <= named
    assert SHAPES.keys() <= {route for route, _ in named}


def test_every_success_is_named_and_what_a_header_or_a_body_may_be_told(api: Api) -> None:
    paths = describe(api.app)["paths"]
    for path in ("/v1/approvals/{approval_id}/votes", "/v1/runs/{run_id}/cancel", "/v1/runs/cancel"):
        assert {"200", "202", "415"} <= set(paths[path]["post"]["responses"]), path
    assert "200" not in paths["/v1/runs"]["post"]["responses"]
    assert {"200", "202"} <= set(paths["/v1/runs/{run_id}/result"]["get"]["responses"])
    assert "304" in paths["/v1/runs/{run_id}"]["get"]["responses"]
    for path, method in (("/v1/runs/{run_id}/cancel", "post"), ("/v1/schedules/{name}", "put")):
        assert "412" in paths[path][method]["responses"], path
