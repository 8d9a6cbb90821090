"""`penstock up` with real processes: what dies comes back, and `down` leaves nobody behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest

from penstock.cli.local import ports, processes, state
from penstock.cli.local.broker import LocalBroker
from penstock.cli.local.postgres import LocalPostgres
from penstock.cli.local.processes import Process
from penstock.runtime.settings import ADDRESSES, Settings

pytestmark = [pytest.mark.broker, pytest.mark.chaos]


class Home:
    """A home directory, and the commands typed in it."""

    def __init__(self, path: Path) -> None:
        kept = {name: text for name, text in os.environ.items() if name not in ADDRESSES.values()}
        self.settings = Settings(home=path, api_port=ports.free_port())
        self._environment = {
            **kept,
            "PENSTOCK_HOME": str(path),
            "PENSTOCK_API_PORT": str(self.settings.api_port),
            "PENSTOCK_CONTAINERS": "0",
            "PENSTOCK_METRICS_PORT": str(ports.free_port()),
        }

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "penstock.cli.main", *words]
        return subprocess.run(argv, env=self._environment, capture_output=True, text=True, timeout=150)

    def standing(self) -> Mapping[str, Process]:
        found = state.read(self.settings)
        return found.alive() if found else {}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.type("down")
    LocalBroker(tmp_path).kill()
    LocalPostgres(tmp_path).kill()


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_what_dies_comes_back_and_down_leaves_nobody(home: Home) -> None:
    first = home.type("up", "--detach")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.count("psk_") == 3
    before = home.standing()
    assert set(before) == {"up", "worker", "views", "api"}
    shown = state.read(home.settings)
    assert shown is not None
    for name, service in (("worker", "penstock.streams"), ("views", "penstock.audit.views")):
        port = shown.metrics_ports[name]
        # It may still be starting.
        eventually(lambda port=port: ports.answers(port))  # type: ignore[misc]
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert f'service_name="{service}"' in answer.read().decode()

    again = home.type("up")
    assert again.returncode == 2
    assert "up already" in again.stderr
    assert "`penstock down`" in again.stderr

    processes.kill(before["worker"])
    LocalPostgres(home.settings.home).kill()
    eventually(lambda: home.standing().get("worker") not in (None, before["worker"]))
    eventually(lambda: LocalPostgres(home.settings.home).process() is not None)
    eventually(lambda: home.type("status").returncode == 0)
    # A worker that met the database's absence was started once more.
    eventually(lambda: set(home.standing()) == set(before))

    processes.kill(home.standing()["up"])
    left = home.standing()
    assert "worker" in left
    broker = LocalBroker(home.settings.home).process()
    assert broker is not None
    assert home.type("down").returncode == 0
    assert not any(process.alive() for process in [*left.values(), broker])
    assert LocalPostgres(home.settings.home).process() is None
    assert home.type("status").returncode == 2


def test_port_in_use_is_named_and_nothing_is_left_running(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(home.settings.api_port), "--bind", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as other:
        eventually(lambda: ports.answers(home.settings.api_port))
        failed = home.type("up")
        other.terminate()
    assert failed.returncode == 2
    assert "export PENSTOCK_API_PORT" in failed.stderr
    assert LocalBroker(home.settings.home).process() is None
    assert LocalPostgres(home.settings.home).process() is None
