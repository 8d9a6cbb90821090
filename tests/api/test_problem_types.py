"""Clients are told of every kind of problem that the code can answer with."""

import ast
from collections.abc import Iterator
from pathlib import Path

import penstock.api
from penstock.api.problem_types import PROBLEM_TYPES, is_known, table

# Where the name of a problem stands in a call of each of these.
_PLACES = {"Problem": 1, "unavailable": 0, "_too_many": 0, "check_accepted": 1, "outcome": 1, "say": 1}


def names_in(source: str) -> Iterator[str]:
    """Those that are written out; of a refusal its beginning."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = _PLACES.get(called)
        if place is None or place >= len(node.args):
            continue
        said = node.args[place]
        if isinstance(said, ast.Constant) and isinstance(said.value, str):
            yield said.value if called in ("Problem", "unavailable", "_too_many") else f"{said.value}:reason"


def test_every_problem_of_the_code_is_in_the_table() -> None:
    sources = sorted(Path(penstock.api.__path__[0]).glob("*.py"))
    named = {name for path in sources for name in names_in(path.read_text("utf-8"))}
    assert len(named) > 50
    assert sorted(name for name in named if not is_known(name)) == []


def test_every_type_of_the_table_stands_in_the_code() -> None:
    written = "".join(path.read_text("utf-8") for path in Path(penstock.api.__path__[0]).glob("*.py")
                      if path.name != "problem_types.py")  # fmt: skip
    families = [each.name.partition(":")[0].partition("{")[0] for each in PROBLEM_TYPES]
    # `pause-refused` and the like are put together of the verb.
    missing = [name for name in families if name not in written and not name.endswith("-refused")]
    assert missing == []
    assert table().count("\n") == len(PROBLEM_TYPES) + 1


def test_what_nobody_was_told_of_is_unknown() -> None:
    assert is_known("vote-refused:own_request")
    assert is_known("token-without-roles")
    assert not is_known("vote-refused")
    assert not is_known("nothing-like-it")
