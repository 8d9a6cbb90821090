"""A worker whose host never ends its closing: `python -m tests.integration.stuck_process`."""

import sys
import threading

from penstock.runtime import closing
from penstock.runtime.settings import Settings
from penstock.streams.worker import run, worker_app
from tests.integration.test_faust_traps import FailingHost


class StuckHost(FailingHost):
    """It waits for what never comes."""

    def close(self) -> None:
        threading.Event().wait()


if __name__ == "__main__":
    # What is under test is that there is a deadline, not how long it is.
    closing.DEADLINE_S = 1.0  # type: ignore[misc]
    sys.exit(run(worker_app([lambda _: StuckHost()], Settings.load())))
