"""The API's description: complete, and the same as the files that are checked in."""

from pathlib import Path

import pytest

from penstock.api.description import describe
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
