"""`penstock up` gives each process a port for its metrics, says where, and says no more than that."""

import io
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from penstock.cli import standing
from penstock.cli.local import ports, state
from penstock.cli.local.processes import Process
from penstock.cli.local.state import LocalState
from penstock.cli.local.supervisor import Program, Supervisor
from penstock.cli.status import Status
from penstock.cli.status_page import page
from penstock.runtime.errors import SetupError
from penstock.runtime.settings import Settings

PORT = "PENSTOCK_METRICS_PORT"


class Recorder:
    """Starts nothing."""

    def __init__(self) -> None:
        self.programs: list[Program] = []

    def start(self, program: Program) -> None:
        self.programs.append(program)


def started(settings: Settings, local: LocalState, monkeypatch: pytest.MonkeyPatch) -> Sequence[Program]:
    recorder = Recorder()
    monkeypatch.setattr(ports, "answers", lambda port: True)
    standing._start_processes(settings, local, cast("Supervisor", recorder), threading.Event())
    return recorder.programs


@pytest.mark.parametrize(
    ("apart", "names"),
    [
        (False, ["worker", "views", "api"]),
        (True, ["runs", "tools", "timers", "schedules", "webhooks", "views", "api"]),
    ],
)
def test_each_process_gets_a_port_from_the_one_that_is_set_on(
    apart: bool, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PORT, "9464")
    settings = Settings(home=tmp_path, apart=apart)
    given = standing.metrics_ports(standing._workers(settings))
    assert given == {name: 9464 + number for number, name in enumerate(names)}
    programs = started(settings, LocalState(metrics_ports=given), monkeypatch)
    assert {one.name: int(one.environment[PORT]) for one in programs} == given


def test_without_a_port_nobody_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PORT, raising=False)
    settings = Settings(home=tmp_path)
    assert standing.metrics_ports(standing._workers(settings)) == {}
    assert not any(PORT in one.environment for one in started(settings, LocalState(), monkeypatch))


def test_ports_that_would_run_out_are_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PORT, "65534")
    with pytest.raises(SetupError, match="export one below"):
        standing.metrics_ports(("worker", "views"))


def test_status_reads_where_they_are_and_shows_them(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    state.write(settings, LocalState(processes={"views": Process(7, "then")}, metrics_ports={"views": 9465}))
    read = state.read(settings)
    assert read is not None
    assert read.metrics_ports == {"views": 9465}
    written = io.StringIO()
    status = Status({"views": 7, "api": 8}, "broker:9092", metrics_ports=read.metrics_ports)
    Console(file=written, width=120).print(page(status, 0))
    assert "● views 7, metrics on port 9465  ● api 8  " in written.getvalue()
