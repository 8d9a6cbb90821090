"""How commands end when something around them is wrong: one message, one code, no traceback, nothing that hangs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.views.database import database_with_views

from penstock.producers.signing import Keyring

PROGRAM = [sys.executable, "-m", "penstock.cli.main"]
NOBODY = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}


def typed(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    around = {**os.environ, **NOBODY, "PENSTOCK_HOME": str(home), **environment}
    done = subprocess.run(
        [*PROGRAM, *words], env=around, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    return done


def test_programs_are_told_of_failures_as_one_object(tmp_path: Path) -> None:
    for words, about in ((("run", "list"), "Postgres doesn't answer"), (("run", "show"), "Missing argument")):
        done = typed(tmp_path, *words, "--json")
        assert (done.returncode, done.stdout) == (2, "")
        told = json.loads(done.stderr)
        assert about in told["error"]
        assert told["exit_code"] == 2


def test_an_address_that_is_none_is_named_without_its_password(tmp_path: Path) -> None:
    done = typed(tmp_path, "run", "list", DATABASE_URL="mysql://ana:swordfish@db")
    assert done.returncode == 2
    assert "postgresql://" in done.stderr
    assert "swordfish" not in done.stderr


def test_the_doctor_survives_what_it_looks_at(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def x(:")
    around = {"DATABASE_URL": "mysql://db", "PYTHONPATH": str(tmp_path), "PENSTOCK_APPLICATION": "broken:app"}
    done = typed(tmp_path, "doctor", "--json", **around)
    problems = {
        each["check"]: each["problem"] for each in json.loads(done.stdout)["findings"] if each["problem"]
    }
    assert done.returncode == 1
    assert set(problems) >= {"application", "keys", "broker", "database"}
    assert "SyntaxError" in problems["application"]


def test_a_terminal_without_the_signs_is_spoken_to_all_the_same(tmp_path: Path) -> None:
    done = typed(tmp_path, "status", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1
    assert "Postgres doesn't answer" in done.stdout


@pytest.mark.broker
def test_nothing_is_waited_for_from_a_broker_that_is_away(postgres_server: str, tmp_path: Path) -> None:
    Keyring.create(tmp_path / "keys.json")
    (tmp_path / "api-keys.json").write_text('{"keys": []}')
    with database_with_views(postgres_server) as url:
        done = typed(tmp_path, "keys", "add", "bob", "--role", "operator", DATABASE_URL=url)
        assert done.returncode == 2
        assert "nothing was done: no broker answers at 127.0.0.1:1" in done.stderr
        assert json.loads(typed(tmp_path, "keys", "list", "--json", DATABASE_URL=url).stdout) == {"keys": []}
