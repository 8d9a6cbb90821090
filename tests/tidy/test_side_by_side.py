"""How `make test` shares the tests between two processes: who shares a stack shares a process."""

import pytest
from tests.side_by_side import FIRST, PROCESSES, processes, rank, scope
from tests.tidy.tree import REPOSITORY

SERVERS = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")


@pytest.fixture
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for server in SERVERS:
        monkeypatch.delenv(server, raising=False)


def called_with(*words: str) -> pytest.Config:
    """The settings of a session that was called with these words."""
    return pytest.Config.fromdictargs({}, list(words))


@pytest.mark.usefixtures("nothing_given")
def test_all_tests_are_shared_and_named_ones_are_not() -> None:
    assert processes(called_with()) == PROCESSES
    assert processes(called_with("tests/tidy")) == 0


@pytest.mark.usefixtures("nothing_given")
@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_is_given_is_for_one_process(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    monkeypatch.setenv(server, "given:1")
    assert processes(called_with()) == 0


def test_whoever_uses_the_stack_of_the_kill_tests_is_in_their_process() -> None:
    users = [
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        if path.name != "test_side_by_side.py"
        and ("(stack: Stack" in path.read_text() or "servers: tuple[LocalBroker" in path.read_text())
    ]
    assert len(users) > 3
    assert {scope(f"{path}::test_one") for path in users} == {FIRST[0]}


def test_every_other_file_goes_its_own_way() -> None:
    assert scope("tests/chaos/matrix/test_rounds.py::test_a[x::y]") == "tests/chaos/matrix/test_rounds.py"
    assert scope("tests/tools/test_limits.py::test_a") == "tests/tools/test_limits.py"


def test_the_long_ones_are_there_and_begin() -> None:
    assert [path for path in FIRST if not (REPOSITORY / path).exists()] == []
    assert [
        rank(f"{path}/test_kills.py::test_a" if path == FIRST[0] else f"{path}::test_a") for path in FIRST
    ] == [0, 1, 2]
    assert rank("tests/acceptance/test_other.py::test_a") == len(FIRST)
