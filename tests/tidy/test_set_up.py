"""`.ci/set-up` says what is missing and does nothing twice; `.ci/run` leaves nothing behind."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.tidy.tree import REPOSITORY

MAKEFILE = """
check:
	@true
test:
	@setsid sleep 50 & echo $$! > stray.pid
	@echo scratch > $$TMPDIR/left
	@echo $$TMPDIR > tmpdir
	@echo '=== 1 passed in 0.10s ==='
	@{outcome}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the set-up's own files and nothing else."""
    (tmp_path / ".ci").mkdir()
    for name in (".ci/set-up", ".ci/run", "pyproject.toml", "requirements.lock"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def run(checkout: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the checkout with a few environment variables more."""
    merged = {**os.environ, **environment}
    return subprocess.run(command, cwd=checkout, env=merged, capture_output=True, text=True, timeout=60)


def few_programs(folder: Path, *names: str) -> str:
    """A PATH on which only these programs are."""
    folder.mkdir()
    for name in names:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    return str(folder)


def test_no_python_is_named_with_what_to_type(checkout: Path) -> None:
    done = run(checkout, ".ci/set-up", PYTHON="no-such-python")
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_no_way_to_kafka_is_named_with_what_to_type(checkout: Path) -> None:
    path = few_programs(checkout / "bin", "bash", "env", "dirname", "sed", "head")
    done = run(checkout, ".ci/set-up", "--broker", PATH=path, KAFKA_BOOTSTRAP_SERVERS="")
    assert done.returncode == 1
    for remedy in ("docker info", "openjdk-17-jdk-headless maven", "KAFKA_BOOTSTRAP_SERVERS"):
        assert remedy in done.stderr
    assert not (checkout / ".venv").exists()


def test_second_set_up_does_nothing_until_the_lock_changes(checkout: Path) -> None:
    (checkout / ".venv/bin").mkdir(parents=True)
    python = checkout / ".venv/bin/python"
    python.symlink_to(shutil.which("true") or "/bin/true")
    sums = "$(cat pyproject.toml requirements.lock .ci/set-up | cksum)"
    run(checkout, "bash", "-c", f'printf "%s" "{sums} $PWD" > .venv/.set-up')
    assert run(checkout, ".ci/set-up", PYTHON="no-such-python").returncode == 0
    with (checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert run(checkout, ".ci/set-up", PYTHON="no-such-python").returncode == 1


@pytest.mark.parametrize(("outcome", "status"), [("true", 1), ("false", 2)])
def test_ci_ends_what_was_left_behind_and_says_so(checkout: Path, outcome: str, status: int) -> None:
    (checkout / "Makefile").write_text(MAKEFILE.format(outcome=outcome))
    done = run(checkout, ".ci/run", KAFKA_BOOTSTRAP_SERVERS="planted:9092")
    stray = int((checkout / "stray.pid").read_text())
    assert done.returncode == status, "a stray process fails the run; failed tests keep their own status"
    assert f"{stray} sleep 50" in done.stderr
    assert not Path(f"/proc/{stray}/cmdline").exists() or not Path(f"/proc/{stray}/cmdline").read_text()
    assert done.stdout.splitlines()[-1] == "=== 1 passed in 0.10s ==="
    assert not Path((checkout / "tmpdir").read_text().strip()).exists()


def test_ci_is_content_when_nothing_is_left_behind(checkout: Path) -> None:
    quiet = "\n".join(line for line in MAKEFILE.format(outcome="true").splitlines() if "setsid" not in line)
    (checkout / "Makefile").write_text(quiet + "\n")
    done = run(checkout, ".ci/run", KAFKA_BOOTSTRAP_SERVERS="planted:9092")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
