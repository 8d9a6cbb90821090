"""Every import contract and every ruff ban refuses a planted violation, under our own configuration.

The tree is planted, so that these tests show what the rules catch whatever the checkout holds at the moment.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tidy.tree import LAYERS, REPOSITORY

PURE_MACHINERY = "A decider's folder and declarations reach no log"
PURE_WORLD = "A decider's folder knows no clock"
AGENTS = "Agents never import each other"
LAYERING = "A layer imports only those under it"
CYCLES = "No cycles between neighbours"
MODULES = (
    *(f"{layer}/ports.py" for layer in LAYERS),
    "producers/kafka.py",
    "streams/decider.py",
    "streams/runner.py",
    *(
        f"streams/{agent}/{name}.py"
        for agent in ("runs", "tools", "timers", "schedules", "firing", "webhooks")
        for name in ("__init__", "agent", "ports")
    ),
    "streams/runs/decision.py",
    "streams/runs/state.py",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The layers with a few empty modules, under the repository's own pyproject.toml."""
    package = tmp_path / "src" / "penstock"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((REPOSITORY / "pyproject.toml").read_text())
    for layer in LAYERS:
        (tmp_path / layer).mkdir()
        (tmp_path / layer / "__init__.py").touch()
        (package / layer).symlink_to(Path("..", "..", layer))
    for name in MODULES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def broken_contracts(checkout: Path) -> str:
    """What import-linter says of the checkout, empty when it keeps every contract."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src"), "COLUMNS": "300"}
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout if done.returncode else ""


def test_empty_layers_keep_every_contract(checkout: Path) -> None:
    (checkout / "streams/runs/decision.py").write_text(
        "import datetime, dataclasses\nfrom penstock.schemas import ports\n"
    )
    (checkout / "producers/kafka.py").write_text("import confluent_kafka, time\n")
    (checkout / "schemas/ports.py").write_text("import uuid\n")
    (checkout / "streams/runs/agent.py").write_text(
        "import time, faust\nfrom penstock.producers import kafka\n"
    )
    assert broken_contracts(checkout) == ""


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [
        (LAYERING, "schemas/ports.py", "import penstock.producers.ports"),
        (LAYERING, "producers/ports.py", "import penstock.declare.ports"),
        (LAYERING, "declare/ports.py", "import penstock.producers.ports"),
        (LAYERING, "runtime/ports.py", "import penstock.streams.runner"),
        (LAYERING, "api/ports.py", "from penstock.streams import runner"),
        (LAYERING, "audit/ports.py", "def f():\n    import penstock.api.ports"),
        (LAYERING, "streams/runner.py", "import penstock.cli.ports"),
        (AGENTS, "streams/runs/agent.py", "from penstock.streams.tools.ports import x"),
        (AGENTS, "streams/timers/agent.py", "import penstock.streams.runs.decision"),
        (AGENTS, "streams/firing/agent.py", "from penstock.streams.schedules.ports import x"),
        (PURE_MACHINERY, "streams/runs/decision.py", "import faust"),
        (PURE_MACHINERY, "streams/runs/state.py", "import psycopg.rows"),
        (PURE_MACHINERY, "declare/ports.py", "import confluent_kafka"),
        (PURE_WORLD, "streams/runs/decision.py", "from time import monotonic"),
        (PURE_WORLD, "streams/runs/decision.py", "import uuid"),
        (PURE_WORLD, "streams/schedules/decision.py", "import time"),
        (PURE_WORLD, "streams/runs/ports.py", "import random"),
        (PURE_WORLD, "streams/decider.py", "import pathlib"),
    ],
)
def test_import_that_a_contract_refuses(checkout: Path, contract: str, module: str, line: str) -> None:
    (checkout / module).write_text(line + "\n")
    said = broken_contracts(checkout)
    assert any(contract in row and "BROKEN" in row for row in said.splitlines()), said


def test_machinery_behind_a_neighbour_is_refused_too(checkout: Path) -> None:
    (checkout / "streams/runs/decision.py").write_text("import penstock.producers.kafka\n")
    (checkout / "producers/kafka.py").write_text("import confluent_kafka\n")
    assert PURE_MACHINERY in broken_contracts(checkout)


def test_cycle_between_neighbours_is_refused(checkout: Path) -> None:
    (checkout / "streams/runner.py").write_text("import penstock.streams.runs.agent\n")
    (checkout / "streams/runs/agent.py").write_text("import penstock.streams.runner\n")
    said = broken_contracts(checkout)
    assert any(CYCLES in row and "BROKEN" in row for row in said.splitlines()), said


def ruff(path: str, text: str) -> str:
    """What ruff says of this text at that path of the repository."""
    command = [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", "--output-format=concise"]
    command += ["--stdin-filename", path, "-"]
    return subprocess.run(command, cwd=REPOSITORY, input=text, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "name", [*LAYERS, "faust", "mode", "aiokafka", "confluent_kafka", "psycopg", "psycopg_pool"]
)
def test_import_that_ruff_refuses(name: str) -> None:
    assert "TID251" in ruff("declare/planted.py", f"import {name}\n\nprint({name})\n")
    assert "TID251" not in ruff("declare/planted.py", "import penstock.schemas\n\nprint(penstock)\n")


def test_bulk_library_where_it_may_stand() -> None:
    assert "TID251" not in ruff("audit/planted.py", "import confluent_kafka\n\nprint(confluent_kafka)\n")


def test_bare_and_broad_excepts_that_ruff_refuses() -> None:
    assert "BLE001" in ruff("audit/planted.py", "try:\n    print()\nexcept Exception:\n    print()\n")
    assert "E722" in ruff("audit/planted.py", "try:\n    print()\nexcept:\n    print()\n")


def test_line_of_121_columns_that_ruff_refuses() -> None:
    assert "E501" in ruff("audit/planted.py", f'x = "{"a" * 115}"\n')
    assert "E501" not in ruff("audit/planted.py", f'x = "{"a" * 114}"\n')
