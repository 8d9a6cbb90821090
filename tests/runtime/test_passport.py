"""A process is said to have ended only where that is certain."""

import os
import signal
import subprocess
import sys

import pytest

from penstock.runtime.passport import has_ended, passport

SAY = "from penstock.runtime.passport import passport; print(passport(), flush=True); input()"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="passports are Linux's")


def test_a_living_process_has_not_ended_nor_has_one_that_is_stopped() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        its = child.stdout.readline().decode().strip()
        assert its.rpartition(":")[0].endswith(f":{child.pid}")
        assert not has_ended(its)
        child.send_signal(signal.SIGSTOP)
        assert not has_ended(its)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(its), "dead, though nobody has reaped it"
        child.wait()
        assert has_ended(its)


def test_nothing_is_known_of_processes_elsewhere() -> None:
    world, pid, _ = passport().rsplit(":", 2)
    assert not has_ended(passport())
    assert has_ended(f"{world}:{pid}:1"), "another process has its id now"
    for elsewhere in ("", "worker@host:7", f"x{world}:4194305:1", f"{world}::"):
        assert not has_ended(elsewhere)
