"""The peers' packages, in a folder of their own: `.bench-peers/venv` by uv, `.bench-peers/npm` by npm.

Reads: requirements.txt and package.json here, which pin them. Writes: `.bench-peers`, which git ignores; the
product's lock and environment stay as they are. A change of the pins makes it install again.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.failing import BenchFailed
from bench.figures import ROOT

HOME: Final = ROOT / ".bench-peers"
HERE: Final = Path(__file__).parent
THEIRS: Final = HERE / "theirs"
PYTHON: Final = HOME / "venv" / "bin" / "python"
_MACHINES: Final = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_INSTALL_S: Final = 600


def restate_server() -> Path:
    """Restate's server as its package for this machine has it; npm's own entry only starts that."""
    machine = platform.machine().lower()
    package = f"restate-server-{platform.system().lower()}-{_MACHINES.get(machine, machine)}"
    return HOME / "npm" / "node_modules" / "@restatedev" / package / "bin" / "restate-server"


def ensure(tell: Callable[[str], None]) -> None:
    """Install what isn't there yet. Raises BenchFailed with what to do if it can't be had."""
    HOME.mkdir(exist_ok=True)
    pins = (HERE / "requirements.txt", HERE / "package.json")
    wanted = hashlib.sha256(b"".join(each.read_bytes() for each in pins)).hexdigest() + f" {sys.version}"
    stamp = HOME / "installed"
    if stamp.exists() and stamp.read_text() == wanted and PYTHON.exists() and restate_server().exists():
        return
    stamp.unlink(missing_ok=True)
    tell(f"installing the peers into {HOME.relative_to(ROOT)}")
    _install_python(pins[0])
    _install_server(pins[1])
    stamp.write_text(wanted)


def versions() -> dict[str, str]:
    """The pinned packages, by name."""
    lines = (HERE / "requirements.txt").read_text().splitlines()
    python = dict(line.split("==") for line in lines if "==" in line)
    npm: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    return python | npm


def _install_python(requirements: Path) -> None:
    uv = _program("uv", beside_python=True)
    _run("DBOS and Restate's SDK", [uv, "venv", "--quiet", "--clear", "--python", sys.executable, "venv"])
    words = ["pip", "install", "--quiet", "--python", str(PYTHON), "--requirement", str(requirements)]
    _run("DBOS and Restate's SDK", [uv, *words])


def _install_server(package: Path) -> None:
    npm = _program("npm")
    folder = HOME / "npm"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(package, folder / "package.json")
    # No scripts: the only one there is reports the installation to somebody.
    words = [
        "install",
        "--prefix",
        str(folder),
        "--ignore-scripts",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
    ]
    _run("Restate's server", [npm, *words])
    if not restate_server().exists():
        raise BenchFailed(f"Restate has no server for this machine: npm left no {restate_server().name}")


def _program(name: str, beside_python: bool = False) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside_python and beside.exists() else shutil.which(name)
    if not found:
        raise BenchFailed(
            f"the peers are installed with {name}, which isn't here: install it, and run this again"
        )
    return found


def _run(what: str, argv: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            argv, cwd=HOME, env=os.environ, capture_output=True, text=True, timeout=_INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise BenchFailed(
            f"{what} didn't install within {_INSTALL_S} s: is the package index there?"
        ) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-1500:]
        raise BenchFailed(f"{what} can't be had from the package index. Is the network there?\n{said}")
