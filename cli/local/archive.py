"""The broker's classes as the JVM maps them into memory: made once a machine, they halve what a start takes.

JDK 17 writes such an archive (AppCDS) when a JVM ends that was told to. It is good for one JVM and one class path;
where it isn't, or can't be made, the JVM reads the jars as ever.
"""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from penstock.cli.local import jars

# Makes it: starts a broker in that directory with these options of the JVM, works with it a little, and stops it.
Rehearse = Callable[[Path, list[str]], None]

_LOCK: Final = "archive.lock"


def options(java: str, rehearse: Rehearse, tell: Callable[[str], None] = lambda _: None) -> list[str]:
    """What a JVM is told to start with it; nothing where there is none. Makes it, if nobody has tried to on this
    machine and nobody else is about to."""
    file = jars.cache_directory() / f"kafka-{jars.KAFKA_VERSION}-{_jvm(java)}.jsa"
    if not file.exists():
        _make(file, rehearse, tell)
    return [f"-XX:SharedArchiveFile={file}"] if file.exists() and file.stat().st_size else []


def _make(file: Path, rehearse: Rehearse, tell: Callable[[str], None]) -> None:
    with (file.parent / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        tell("rehearsing the broker's start, once on this machine: later ones take half the time")
        work = Path(tempfile.mkdtemp(prefix="archive-", dir=file.parent))
        made = work / file.name
        try:
            # The broker says what is wrong, soon, when it is started in earnest.
            with suppress(Exception):
                rehearse(work, [f"-XX:ArchiveClassesAtExit={made}"])
            # An empty one says that it was tried.
            made.touch()
            made.rename(file)
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _jvm(java: str) -> str:
    """Another for each JVM, without starting it: that would take a part of what the archive saves."""
    program = Path(java).resolve()
    there = program.stat()
    return hashlib.sha256(f"{program} {there.st_size} {there.st_mtime_ns}".encode()).hexdigest()[:12]
