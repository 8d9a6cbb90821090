"""A disk of our own that can be full: a tmpfs, made small under its user's feet and large again."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

LARGE: Final = "4g"
# What is left when it is full: less than what a table or a log segment grows by.
LEFT_BYTES: Final = 16 * 1024
_FILLINGS_MAX: Final = 50


class Disk:
    """Mounted on a directory by `mount`, which says why not where that isn't allowed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.refused = ""
        self.filled = False

    def mount(self) -> "Disk":
        """Mount it; `refused` tells why there is none."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0 or shutil.which("mount") is None:
            self.refused = "mounting a tmpfs takes root and `mount`"
            return self
        done = self._mount("-t", "tmpfs", "-o", f"size={LARGE},mode=0755", "tmpfs")
        if done.returncode != 0:
            self.refused = f"mount refused: {done.stderr.strip()}"
        return self

    def fill(self, left_bytes: int = LEFT_BYTES) -> None:
        """No more than a little fits from now on."""
        for left in reversed(range(_FILLINGS_MAX)):
            room = os.statvfs(self.directory)
            used = (room.f_blocks - room.f_bfree) * room.f_frsize
            try:
                self._resize(str(used + left_bytes))
            except OSError:
                # Its user wrote more than that in between: a disk can't be made smaller than what is on it.
                if not left:
                    raise
            else:
                self.filled = True
                return

    def is_full(self) -> bool:
        """Whether nothing at all fits any more."""
        return os.statvfs(self.directory).f_bfree == 0

    def empty(self) -> None:
        """There is room again."""
        self._resize(LARGE)
        self.filled = False

    def unmount(self) -> None:
        """Take it away, with what is on it. Lazily: a server that is slow to die may still have a file open."""
        if not self.refused:
            subprocess.run(["umount", "-l", str(self.directory)], check=True, capture_output=True)

    def _resize(self, size: str) -> None:
        done = self._mount("-o", f"remount,size={size}")
        if done.returncode != 0:
            raise OSError(f"{self.directory} couldn't be made {size}: {done.stderr.strip()}")

    def _mount(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(["mount", *words, str(self.directory)], capture_output=True, text=True)
