"""Which tests run beside which, when `make test` shares them between two processes."""

import os
import signal
from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

PROCESSES: Final = 2
# The servers of a process that is told to stop have so long to stop before it.
STOP_S: Final = 30
CHAOS: Final = "tests/chaos"
# The longest begin, one in each process; what is left goes to whoever has nothing more to do.
FIRST: Final = (CHAOS, "tests/chaos/matrix/test_rounds.py", "tests/acceptance/test_make_run.py")


def processes(config: pytest.Config) -> int:
    """What `-n auto` means: 0, all in this one, for tests that are named, and for servers that are given.

    Tests count what is on a broker: only on brokers of their own can two processes leave each other alone.
    """
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or os.environ.get("DATABASE_URL")
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    return 0 if given or named else PROCESSES


def end_once(number: int, frame: object) -> None:
    """Ends one process's part in order: each of two hears a Ctrl-C twice, and the second would cut off the end."""
    for deaf in (signal.SIGINT, signal.SIGTERM):
        signal.signal(deaf, signal.SIG_IGN)
    raise KeyboardInterrupt


def scope(nodeid: str) -> str:
    """What one process runs alone: a file, and the kill tests together, because they share one stack."""
    path = nodeid.split("::", 1)[0]
    return CHAOS if path.rpartition("/")[0] == CHAOS else path


def rank(nodeid: str) -> int:
    """The place of a test in the order in which scopes are handed out."""
    its = scope(nodeid)
    return FIRST.index(its) if its in FIRST else len(FIRST)


class SideBySide(LoadFileScheduling):
    """Hands out scopes in the order in which they were collected; the next to whoever is about to have none."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)
