"""A peer's load generator, in the peer's own environment: a child that obeys lines of JSON.

Writes: its stdin, a line a command. Reads: its stdout, a line an answer.
"""

import json
import select
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bench.failing import BenchFailed
from bench.peers.packages import PYTHON, THEIRS
from penstock.cli.local import processes

_STEP_S: Final = 0.005


class Driver:
    """`theirs/<script>` with its pipe to the workers, which must be there before they start."""

    def __init__(self, script: str, environment: Mapping[str, str], log_file: Path) -> None:
        self._log_file = log_file
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("ab") as log:
            self._child = subprocess.Popen(
                [str(PYTHON), str(THEIRS / script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(environment),
                start_new_session=True,
                text=True,
            )
        self._answer(60, lambda: None)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def ask(
        self, command: Mapping[str, object], within_s: float, meanwhile: Callable[[], None] = lambda: None
    ) -> dict[str, object]:
        """Its answer to a command, for which so many seconds are waited at most. Raises BenchFailed."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(dict(command)) + "\n")
        self._child.stdin.flush()
        return self._answer(within_s, meanwhile)

    def close(self) -> None:
        """Let it end."""
        process = processes.Process(self._child.pid, processes.birth(self._child.pid))
        processes.stop(process, deadline_s=5)
        self._child.wait()

    def _answer(self, seconds: float, meanwhile: Callable[[], None]) -> dict[str, object]:
        assert self._child.stdout is not None
        until = time.monotonic() + seconds
        while not select.select([self._child.stdout], [], [], _STEP_S)[0]:
            if time.monotonic() > until:
                raise BenchFailed(f"the load generator didn't answer within {seconds:.0f} s{self._said()}")
            meanwhile()
        line = self._child.stdout.readline()
        if not line:
            raise BenchFailed(f"the load generator ended{self._said()}")
        answer: dict[str, object] = json.loads(line)
        return answer

    def _said(self) -> str:
        return ":\n" + self._log_file.read_text()[-3000:]
