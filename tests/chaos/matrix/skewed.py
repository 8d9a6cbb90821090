"""`penstock` with a clock that is wrong by PENSTOCK_TEST_CLOCK_S seconds, as that of a badly kept machine.

Only the calendar is: a boot clock can't be wrong, and the log's times are the broker's.
"""

import os
import time

OFFSET = "PENSTOCK_TEST_CLOCK_S"


def skew(seconds: float) -> None:
    """Move the calendar of this process."""
    real_s, real_ns = time.time, time.time_ns
    time.time = lambda: real_s() + seconds
    time.time_ns = lambda: real_ns() + round(seconds * 1_000_000_000)


if __name__ == "__main__":
    skew(float(os.environ[OFFSET]))
    from tests.chaos.matrix.impatient import main

    main()
