"""A worker that does nothing but visit a point; only its second life ends at once, of something else.

PENSTOCK_TEST_LIVES names the file that counts lives.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

from penstock.runtime.points import reach

LIVES: Final = "PENSTOCK_TEST_LIVES"
POINT: Final = "after-commit"


def main() -> int:
    """Ends when it is told to, or at its point."""
    lives = Path(os.environ[LIVES])
    with lives.open("a") as file:
        file.write(os.environ.get("PENSTOCK_CRASH_AT", "unarmed") + "\n")
    # The life that was there when the kill was armed, then one that dies of something else.
    if len(lives.read_text().splitlines()) == 2:
        return 3
    while True:
        reach(POINT)
        time.sleep(0.02)


if __name__ == "__main__":
    sys.exit(main())
