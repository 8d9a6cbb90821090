"""CPU that processes have used, from /proc: a process with all its threads, its children too where it has any.

Reads: /proc. A server's child that ends is counted with the server, which reaped it.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


def process_s(pid: int) -> float:
    """Seconds of one process, the children that it has reaped included; 0 when it is gone."""
    return _ticks(Path(f"/proc/{pid}/stat"), (11, 12, 13, 14))


def tree_s(pid: int) -> float:
    """Seconds of a process and all that live below it."""
    return process_s(pid) + sum(tree_s(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """The ids of a process's children."""
    found: list[int] = []
    for task in _tasks(pid):
        try:
            found += [int(word) for word in (task / "children").read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def threads_s(pid: int) -> dict[int, float]:
    """Seconds of each thread that is alive, by its id."""
    return {int(task.name): _ticks(task / "stat", (11, 12)) for task in _tasks(pid)}


def used(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What each has used in between."""
    return {name: after[name] - before.get(name, 0.0) for name in after}


def by_name(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds of each named tree."""
    return {name: tree_s(pid) for name, pid in pids.items()}


def machine_s() -> tuple[float, float]:
    """(busy, all) seconds of the machine's cores: what others did meanwhile shows in the difference."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) * _TICK_S, sum(ticks) * _TICK_S


def _tasks(pid: int) -> Iterable[Path]:
    try:
        return sorted(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return ()


def _ticks(path: Path, fields: tuple[int, ...]) -> float:
    try:
        # The command's name, in parentheses, may hold spaces: count from behind it.
        words = path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(words[field]) for field in fields) * _TICK_S
