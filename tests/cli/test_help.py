"""What `penstock --help` lists, that it needs nothing that only the commands need, and what each command's own says."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from penstock.cli.commands import COMMANDS
from penstock.cli.main import app

# Each of these costs a tenth of a second or more.
HEAVY = (
    "markdown_it",
    "pygments",
    "pydantic",
    "psycopg",
    "confluent_kafka",
    "fastapi",
    "faust",
    "fastavro",
    "opentelemetry",
)


def everything() -> list[tuple[str, Any]]:
    """What may be typed after `penstock`, and the command that it is; without those that nobody is shown."""
    root = typer.main.get_command(app)
    own = {name: each for name, each in named(root).items() if name not in COMMANDS and not each.hidden}
    return list(leaves("", own | {name: COMMANDS[name].load(name) for name in COMMANDS}))


def named(command: Any) -> dict[str, Any]:
    return dict(getattr(command, "commands", {}))


def leaves(words: str, commands: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, command in commands.items():
        if named(command):
            yield from leaves(f"{words}{name} ", named(command))
        else:
            yield words + name, command


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_list_is_the_commands_own(name: str) -> None:
    command = COMMANDS[name].load(name)
    assert (command.name, command.help and command.help.split("\n\n")[0]) == (name, COMMANDS[name].help)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_to_its_name(name: str) -> None:
    answer = CliRunner().invoke(app, [name, "--help"])
    assert answer.exit_code == 0, answer.output
    assert f" {name} " in answer.output


def test_every_command_speaks_to_programs_too() -> None:
    """But those that run until they are stopped, that ask, or that say nothing else than JSON."""
    silent = {words for words, command in everything() if "--json" not in options(command)}
    servers = {"up", "down", "worker", "api", "prepare"}
    assert silent == servers | {"openapi", "schemas show"}


@pytest.mark.parametrize(("words", "command"), everything())
def test_every_command_has_an_example_that_can_be_typed(words: str, command: Any) -> None:
    examples = re.findall(r"^ *Example: penstock (.+)$", command.help, re.MULTILINE)
    assert examples
    for example in examples:
        assert example.startswith(words)
        typed = shlex.split(re.split(" > | && ", example)[0])[len(words.split()) :]
        # Raises what a person would be told.
        command.make_context(words, typed)


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_an_unknown_command_is_told_what_is_like_it() -> None:
    answer = CliRunner().invoke(app, ["approval"])
    assert answer.exit_code == 2
    assert "approvals" in answer.output


def test_the_list_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom penstock.cli.main import main\nsys.argv = ['penstock', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert ended.stdout.splitlines()[-1] == "heavy: []"
