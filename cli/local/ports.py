"""Ports on the loopback interface: chosen once, remembered, chosen anew only if somebody else has them."""

import json
import socket
from pathlib import Path

HOST = "127.0.0.1"


def remembered(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """One port for each name, kept in the file; all are free at this moment."""
    chosen = {name: port for name, port in read(path).items() if name in names and is_free(port)}
    while len(chosen) < len(names):
        name = next(name for name in names if name not in chosen)
        port = free_port()
        if port not in chosen.values():
            chosen[name] = port
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(chosen))
    return chosen


def read(path: Path) -> dict[str, int]:
    """The ports that the file remembers; none if it isn't there."""
    try:
        known: dict[str, int] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen there; connections that are still closing don't count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0
