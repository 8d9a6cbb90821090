"""Named points of the code at which a test may have a process kill itself, as a power cut would.

`PENSTOCK_CRASH_AT="after-commit:5"` ends the process with SIGKILL at the fifth visit of that point. Unset,
which is always so outside tests, a visit costs one comparison.
"""

import os
import signal
from typing import Final

POINTS: Final = (
    "after-receive",
    "after-commit",
    "mid-publish",
    "after-publish",
    "before-ack",
    "after-call-started",
    "after-effect",
    "after-answer",
    "while-taking",
    "redrive-recorded",
    "redrive-put-back",
    "run-requested",
    "webhook-posted",
    "shadow-folded",
)


class _Fuse:
    """Which point kills this process, and how many visits are left until it does."""

    def __init__(self, setting: str | None) -> None:
        name, _, visits = (setting or "").partition(":")
        if name and name not in POINTS:
            raise ValueError(f"PENSTOCK_CRASH_AT names {name!r}; the points are {', '.join(POINTS)}")
        self.name = name
        self.left = int(visits or 1)


_fuse = _Fuse(os.environ.get("PENSTOCK_CRASH_AT"))


def reach(point: str) -> None:
    """Visit a point; doesn't come back if this process is to be killed here."""
    if point != _fuse.name:
        return
    _fuse.left -= 1
    if _fuse.left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)


def armed(point: str) -> bool:
    """Whether this process is to be killed at that point; lets code split a step in two only when it is."""
    return point == _fuse.name
