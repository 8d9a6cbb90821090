"""A name for a process that no other ever has, by which others on its machine can see that it has ended.

Made of the machine's boot, the process-id namespace, the process id and the time at which it was started. Where
one of these can't be read, as outside Linux, there is no passport, and nobody is ever said to have ended.
"""

import os
from pathlib import Path

_ENDED = frozenset("ZX")


def passport() -> str:
    """This process's own; empty where there is none."""
    world = _world()
    started = _started(os.getpid())
    return f"{world}:{os.getpid()}:{started}" if world and started else ""


def has_ended(other: str) -> bool:
    """Whether the process of that passport has surely ended: it lived in this boot and this namespace, and here is
    no such process now. A process that is stopped or frozen has not ended."""
    world, _, rest = other.rpartition(":")[0].rpartition(":")
    started = other.rpartition(":")[2]
    if not world or not rest.isdigit() or world != _world():
        return False
    return _started(int(rest)) != started


def _world() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When it was started, in ticks since the boot; empty if it is gone, or dead and not yet reaped."""
    try:
        # The command's name, in parentheses, may hold spaces: count from behind it.
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if words[0] in _ENDED else words[19]
