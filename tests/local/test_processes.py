"""Processes are known by id and moment of birth."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cli.local.processes import Process, birth, kill, read_pid_file, spawn, stop

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN_PROGRAM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("set", flush=True)
time.sleep(60)
"""
STUBBORN = [sys.executable, "-c", STUBBORN_PROGRAM]


def test_same_id_with_another_birth_is_another_process(tmp_path: Path) -> None:
    started = spawn(SLEEP, log_file=tmp_path / "log")
    impostor = Process(started.process.pid, "some other moment")
    stop(impostor, deadline_s=1)
    assert started.process.alive()
    kill(started.process)
    assert not started.process.alive()


def test_process_that_ignores_the_signal_is_killed_at_the_deadline(tmp_path: Path) -> None:
    started = spawn(STUBBORN, log_file=tmp_path / "log")
    while "set" not in (tmp_path / "log").read_text():
        assert started.exit_code() is None
    assert not stop(started.process, deadline_s=0.2)
    assert not started.process.alive()


def test_pid_file_of_an_ended_process_names_nobody(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    born = birth(ended.pid)
    (tmp_path / "pid").write_text(Process(ended.pid, born).text())
    ended.wait()
    assert read_pid_file(tmp_path / "pid") is None
    assert read_pid_file(tmp_path / "missing") is None


def test_spawned_process_has_a_session_of_its_own(tmp_path: Path) -> None:
    program = "import os; print(os.getsid(0) == os.getpid(), flush=True)"
    started = spawn([sys.executable, "-c", program], log_file=tmp_path / "log")
    while started.exit_code() is None:
        pass
    assert (tmp_path / "log").read_text() == "True\n"


def test_a_killed_process_has_let_go_of_its_id_when_the_next_is_spawned(tmp_path: Path) -> None:
    # Held, as the frames of an exception hold it until they are collected, and asked nothing.
    held = spawn(SLEEP, log_file=tmp_path / "log")
    kill(held.process)
    os.kill(held.process.pid, 0)
    after = spawn(SLEEP, log_file=tmp_path / "log")
    with pytest.raises(ProcessLookupError):
        os.kill(held.process.pid, 0)
    assert held.exit_code() == -9
    kill(after.process)
