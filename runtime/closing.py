"""The last bound on how long a process takes to end.

Whatever a worker's closing waits for has a bound of its own: 3 s for a broker that is away (a question under way may
take its 5 s), 8 s from the signal on for calls that run and for their answers, 1 s for a thread, 3 s for leaving the
groups. Mostly none of them is met. Together they end here, before who sent the SIGTERM loses patience.
"""

import faulthandler
import logging
import os
import threading
from collections.abc import Callable
from typing import Final

log = logging.getLogger("penstock.runtime.closing")

DEADLINE_S: Final = 14.0
# How long those who wait for an absent broker still hope, once the worker closes.
HOPE_S: Final = 3.0


def end_within(seconds: float, code: Callable[[], int]) -> None:
    """End this process with that code unless it ends by itself in time, and say where its threads stand.

    Nothing is lost by that, as nothing is by SIGKILL: what wasn't acknowledged comes again, leases run out.
    """

    def end() -> None:
        log.critical("still closing after %.0f s: ending here. This is where the threads stand", seconds)
        faulthandler.dump_traceback(all_threads=True)
        os._exit(code())

    # A daemon: it keeps no process alive that ends by itself, and waits on beside whatever keeps this one.
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
