"""What a newcomer sees: `make run ARGS=--once`, as its program, in a home of its own."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(400)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_demonstration_survives_its_kill_and_the_witnesses_agree(tmp_path: Path) -> None:
    inherited = {k: v for k, v in os.environ.items() if k not in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")}
    environment = {
        **inherited,
        "PENSTOCK_HOME": str(tmp_path / "home"),
        "PENSTOCK_API_PORT": str(free_port()),
    }
    shown = subprocess.run(
        [sys.executable, "-m", "penstock.examples.casework.demo", "--once"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=360,
        check=False,
    )
    said = shown.stdout
    assert shown.returncode == 0, said + shown.stderr
    assert "SIGKILL to the worker" in said
    assert "receipts: 30 acknowledged, 30 ended" in said
    assert "they agree" in said
    assert "RunCompleted" in said, "one run's trail"
    assert "all stopped" in said
