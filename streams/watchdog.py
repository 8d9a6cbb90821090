"""Watches workflow code while it runs: a step that blocks the loop is dumped, and its run stalls (law L10)."""

import ctypes
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

log = logging.getLogger("penstock.streams.watchdog")

LIMIT_S: Final = 2.0
LOOK_EVERY_S: Final = 0.25
DUMP_FRAMES_MAX: Final = 12

# What to raise for a dump: a class without arguments, because the interpreter makes the exception itself.
Interruption = Callable[[str], type[BaseException]]


class _Step(AbstractContextManager[None]):
    """User code of one run, in the thread that entered it."""

    def __init__(self, watchdog: "StepWatchdog", run_id: str) -> None:
        self._watchdog = watchdog
        self.run_id = run_id
        self.thread = threading.get_ident()
        self.looks = 0
        self.interruption: type[BaseException] | None = None

    def __enter__(self) -> None:
        self._watchdog.watch(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.watch(None)
        if self.interruption is None or isinstance(error, self.interruption):
            return
        # The interruption is on its way and must not land in anybody else's code: receive it here.
        try:
            for _ in range(1_000):
                time.sleep(0.001)
        except self.interruption:
            log.debug("run %s returned while it was being interrupted", self.run_id)
        raise self.interruption()


class StepWatchdog:
    """Give it to a RunDecider. It counts its own looks, not the clock: a process that was frozen, or had no CPU,
    blocked nothing. A step inside a C call that never comes back is dumped, and can't be interrupted."""

    def __init__(
        self, interruption: Interruption, limit_s: float = LIMIT_S, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._interruption = interruption
        self._looks_max = max(1, round(limit_s / look_every_s))
        self._look_every_s = look_every_s
        self._lock = threading.Lock()
        self._step: _Step | None = None
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    def __call__(self, run_id: str) -> AbstractContextManager[None]:
        """Entered around a run's code."""
        return _Step(self, run_id)

    def watch(self, step: _Step | None) -> None:
        """This step runs now, or none."""
        with self._lock:
            self._step = step

    def _look(self) -> None:
        while True:
            time.sleep(self._look_every_s)
            with self._lock:
                step = self._step
                if step is None or step.interruption is not None:
                    continue
                step.looks += 1
                if step.looks > self._looks_max:
                    self._interrupt(step)

    def _interrupt(self, step: _Step) -> None:
        frame = sys._current_frames().get(step.thread)
        dump = "".join(traceback.format_stack(frame)[-DUMP_FRAMES_MAX:]) if frame else "(its thread is gone)"
        step.interruption = self._interruption(dump)
        log.error("run %s blocks the worker:\n%s", step.run_id, dump)
        raised = ctypes.py_object(step.interruption)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(step.thread), raised)
