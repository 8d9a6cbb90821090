"""The generated modules are what the generator writes today, formatted and checked like any other."""

import subprocess
import sys
from pathlib import Path

import pytest

from penstock.schemas import generate
from penstock.schemas.avro import FOLDER
from penstock.schemas.log import records as log_records
from penstock.schemas.run import records as run_records


def test_regenerating_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_check_names_a_stale_file_and_leaves_it_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    stale, missing = tmp_path / "records.py", tmp_path / "wire.py"
    stale.write_text("# old\n")
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr(generate, "sources", lambda: {stale: "# new\n", missing: "# new\n"})
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines()[:2] == ["stale records.py", "stale wire.py"]
    assert stale.read_text() == "# old\n"
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0


def test_generating_twice_gives_the_same_text() -> None:
    assert generate.sources() == generate.sources()


def test_generated_files_pass_ruff() -> None:
    paths = [str(path) for path in generate.sources()]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ruff", *command, *paths],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_bodies_are_frozen_slotted_and_take_keywords_only() -> None:
    body = run_records.CancelRun(reason="withdrawn")
    with pytest.raises(AttributeError):
        body.reason = "other"  # type: ignore[misc]
    assert not hasattr(body, "__dict__")
    with pytest.raises(TypeError):
        run_records.CancelRun("withdrawn")  # type: ignore[call-arg]


def test_the_schemas_defaults_are_pythons() -> None:
    assert run_records.StartRun.__dataclass_fields__["workflow_version"].default is None
    assert run_records.ApprovalRequested.__dataclass_fields__["quorum"].default == 1
    assert log_records.InputRefused(input_type="CastVote", reason="unsigned").detail == ""


def test_records_export_all_of_their_types() -> None:
    for module in (run_records, log_records):
        for name in module.__all__:
            assert hasattr(module, name)
    assert {"VoteDecision", "SettleBasis", "TimerPurpose", "EndOutcome", "StallKind"} < set(
        run_records.__all__
    )
