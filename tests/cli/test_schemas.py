"""`penstock schemas`: what is listed and shown, what may follow what is pinned, what a registry has otherwise."""

import json
import re
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
from tests.schemas.small_registry import Registry, serving
from typer.testing import CliRunner, Result

from penstock.cli.main import app
from penstock.runtime.errors import SetupError
from penstock.schemas.avro import FOLDER
from penstock.schemas.registry import Lock
from penstock.schemas.topics import OPERATOR_ACTIONS, RUN_INBOX

VOTE = "penstock.run.CastVote"


def typed(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["schemas", *words], env=environment)


def test_what_can_be_said_is_listed_and_shown() -> None:
    everything = json.loads(typed("list", "--json").stdout)["schemas"]
    assert {one["subject"] for one in everything} == set(Lock.read().subjects)
    (only,) = json.loads(typed("list", "--json", "--topic", OPERATOR_ACTIONS).stdout)["schemas"]
    assert (only["record"], only["topic"], only["version"]) == (
        "penstock.operator.OperatorActed",
        OPERATOR_ACTIONS,
        1,
    )
    assert "who, what, why" in only["doc"]
    newest = Lock.read().subjects[f"{RUN_INBOX}-{VOTE}"][-1].schema_id
    by_every_name = ("CastVote", VOTE, f"{RUN_INBOX}-{VOTE}", str(newest))
    shown = [json.loads(typed("show", name).stdout) for name in by_every_name]
    assert shown[0]["name"] == "CastVote"
    assert all(each == shown[0] for each in shown)
    assert json.loads(typed("show", "CastVote", "--example").stdout)["meta"]["type"] == "CastVote"


@pytest.mark.parametrize(
    "words",
    [
        ("show", "Nothing"),
        ("show", "999999"),
        ("show", "CastVote", "--version", "99"),
        ("list", "--topic", "x"),
        ("diff",),
    ],
)
def test_what_is_not_there_is_told_so(words: tuple[str, ...], tmp_path: Path) -> None:
    result = typed(*words, SCHEMA_REGISTRY_URL="", PENSTOCK_HOME=str(tmp_path))
    assert isinstance(result.exception, SetupError), result.output


def put(folder: Path, file: str, change: dict[str, Any] | None, **added: Any) -> None:
    """A schema of the package in a folder, with another field."""
    schema = json.loads((FOLDER / file).read_text("utf-8"))
    schema["fields"] += [change] if change else []
    (folder / Path(file).name).write_text(json.dumps(schema | added), "utf-8")


def test_a_folder_is_checked_against_what_is_pinned(tmp_path: Path) -> None:
    assert typed("check", str(FOLDER)).exit_code == 0
    empty = typed("check", str(tmp_path))
    assert isinstance(empty.exception, SetupError)
    put(
        tmp_path,
        "run/CastVote.avsc",
        {"name": "mood", "type": ["null", "string"], "default": None, "doc": "How."},
    )
    put(tmp_path, "run/PauseRun.avsc", None, name="TeaseRun")
    fits = typed("check", str(tmp_path))
    assert fits.exit_code == 0
    assert "CastVote fits" in fits.output
    assert "TeaseRun is new" in fits.output
    # A part changes every record that is made of it.
    put(tmp_path, "envelope/Payload.avsc", {"name": "size_bytes", "type": "long", "doc": "No default."})
    found = typed("check", str(tmp_path), "--json")
    assert found.exit_code == 1
    records = {one["record"]: one["problems"] for one in json.loads(found.stdout)["records"]}
    assert "size_bytes isn't written there, and has no default" in str(records["penstock.run.StartRun"])
    assert records[VOTE] == []
    (tmp_path / "broken.avsc").write_text("{}")
    assert isinstance(typed("check", str(tmp_path)).exception, SetupError)


class Held(Registry):
    """A registry that has these versions, by subject."""

    held: ClassVar[dict[str, dict[int, tuple[int, str]]]] = {}

    def do_GET(self) -> None:
        path = unquote(self.path)
        found = re.fullmatch(r"/subjects/([^/]+)/versions(?:/(\d+))?", path)
        if path == "/subjects":
            self._answer(200, [*self.held, "somebody-elses"])
        elif found and found[2]:
            schema_id, text = self.held[found[1]][int(found[2])]
            self._answer(200, {"id": schema_id, "version": int(found[2]), "schema": text})
        elif found:
            self._answer(200, list(self.held[found[1]]))
        else:
            self._answer(404, {"error_code": 404})


def test_what_a_registry_has_otherwise_is_found(tmp_path: Path) -> None:
    class Fresh(Held):
        held: ClassVar[dict[str, dict[int, tuple[int, str]]]] = {
            subject: {one.version: (one.schema_id, one.text) for one in versions}
            for subject, versions in Lock.read().subjects.items()
        }

    with serving(Fresh) as url:
        environment = {"SCHEMA_REGISTRY_URL": url, "PENSTOCK_HOME": str(tmp_path)}
        same = typed("diff", **environment)
        assert (same.exit_code, same.stdout) == (0, "the registry has what is pinned\n")
        first, second, third = list(Fresh.held)[:3]
        last = max(Fresh.held[second])
        del Fresh.held[first]
        Fresh.held[second][last] = (7_000, Fresh.held[second][last][1])
        Fresh.held[third][99] = (7_001, '"string"')
        other = typed("diff", "--json", **environment)
        assert other.exit_code == 1
        found = json.loads(other.stdout)["differences"]
        assert {(one["subject"], one["kind"]) for one in found} == {
            (first, "only_in_lock"),
            (second, "other_id"),
            (third, "only_in_registry"),
        }
    gone = typed("diff", **environment)
    assert "doesn't answer" in str(gone.exception)
