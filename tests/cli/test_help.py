"""What `penstock --help` lists, and that it needs nothing that only the commands need."""

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from penstock.cli.commands import COMMANDS
from penstock.cli.main import app

# Each of these costs a tenth of a second or more.
HEAVY = ("pydantic", "psycopg", "confluent_kafka", "fastapi", "faust", "fastavro", "opentelemetry")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_list_is_the_commands_own(name: str) -> None:
    command = COMMANDS[name].load(name)
    assert (command.name, command.help and command.help.split("\n\n")[0]) == (name, COMMANDS[name].help)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_to_its_name(name: str) -> None:
    answer = CliRunner().invoke(app, [name, "--help"])
    assert answer.exit_code == 0, answer.output
    assert f" {name} " in answer.output


def test_an_unknown_command_is_told_what_is_like_it() -> None:
    answer = CliRunner().invoke(app, ["approval"])
    assert answer.exit_code == 2
    assert "approvals" in answer.output


def test_the_list_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom penstock.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert ended.stdout.splitlines()[-1] == "heavy: []"
