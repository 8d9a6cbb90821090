"""How a program ends."""

import subprocess
import sys

from penstock.runtime.exits import STAY_DOWN


def test_a_full_disk_under_stderr_changes_no_exit_code() -> None:
    program = (
        "import sys; from penstock.runtime.exits import *; last_words('look at this'); sys.exit(STAY_DOWN)"
    )
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([sys.executable, "-c", program], stderr=full)
    assert ended.returncode == STAY_DOWN
