"""What README.md shows is run: its Python as one program, its commands as far as they are cheap."""

import re
import runpy
import subprocess
from pathlib import Path

from tests.tidy.tree import REPOSITORY


def test_the_readmes_python_runs_as_it_stands(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
    program = tmp_path / "readme.py"
    program.write_text("\n".join(blocks))
    shown = runpy.run_path(str(program))
    assert shown["world"].result == "credited"
    assert [type(event).__name__ for event in shown["world"].events].count("ToolCallStarted") == 1


def test_make_alone_lists_every_command_that_contributing_explains() -> None:
    said = subprocess.run(
        ["make", "--silent"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout
    listed = set(re.findall(r"^  make ([a-z-]+)", said, re.MULTILINE))
    explained = set(
        re.findall(r"^\| `make ([a-z-]+)`", (REPOSITORY / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    )
    assert explained == listed - {"help", "set-up"}
