"""A worker whose host never ends its closing: `python -m tests.integration.stuck_process`."""

import sys
import threading
from collections.abc import Mapping, Sequence

from penstock.producers.log import Record
from penstock.runtime.settings import Settings
from penstock.streams import closing
from penstock.streams.host import Appended
from penstock.streams.worker import run, worker_app


class StuckHost:
    """It waits for what never comes."""

    topic, group_id, fetch_min_bytes, fault = "t", "g", 1, None
    appends_to, appends_alone, pace_s = "u", False, 0.0

    def __init__(self) -> None:
        self.appended = Appended()

    def take(self, partition: int) -> int:
        return 0

    def handle_all(self, batches: Mapping[int, Sequence[Record]]) -> frozenset[int]:
        return frozenset()

    def drop(self, partition: int) -> None:
        """Nothing to let go of."""

    def stop(self) -> None:
        print("closing", file=sys.stderr, flush=True)

    def close(self) -> None:
        threading.Event().wait()


if __name__ == "__main__":
    # What is under test is that there is a deadline, not how long it is.
    closing.DEADLINE_S = 1.0  # type: ignore[misc]
    sys.exit(run(worker_app([lambda _: StuckHost()], Settings.load())))
