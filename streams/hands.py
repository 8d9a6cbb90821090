"""The threads that run what blocks, and the event loop that runs what doesn't.

Threads are daemons made when none is idle: a tool that never returns can't keep the process from ending.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TypeAlias, TypeVar

from penstock.streams.background import Background

Job: TypeAlias = Callable[[], None]
R = TypeVar("R")


class Hands:
    """Threads that take jobs in the order in which they came.

    One thread at a time is on its way; when it has taken a job and more wait, it sends for the next. So jobs that
    block each have a thread within microseconds, and a burst of short ones is done by two.
    """

    def __init__(self, background: Background, name: str) -> None:
        self._background = background
        self._name = name
        self._jobs: deque[Job] = deque()
        # What an idle thread waits at. None: come and look; a thread that finds `closed` ends.
        self._door: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._on_its_way = False
        self._idle = 0
        self._threads = 0
        self._closed = False

    def submit(self, job: Job) -> None:
        """Run the job soon. How many run at once is bounded by the slots that callers hold."""
        self._jobs.append(job)
        self._send_for_one()

    def close(self) -> None:
        """Idle threads end; busy ones when their job is done."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._door.put(None)

    def _send_for_one(self) -> None:
        if self._on_its_way:
            # It looks at the jobs after it has said that it isn't on its way any more.
            return
        with self._lock:
            if self._on_its_way or not self._jobs:
                return
            self._on_its_way = True
            if self._idle:
                self._idle -= 1
                self._door.put(None)
                return
            self._threads += 1
        self._background.start(f"{self._name}-{self._threads}", self._work)

    def _work(self) -> None:
        while True:
            with self._lock:
                self._on_its_way = False
            self._work_off()
            if self._closed:
                return
            self._door.get()

    def _work_off(self) -> None:
        """Do jobs until there is none; then this thread counts as idle."""
        while True:
            try:
                job = self._jobs.popleft()
            except IndexError:
                with self._lock:
                    if not self._jobs:
                        self._idle += 1
                        return
                continue
            if self._jobs:
                self._send_for_one()
            self._background.guarded(job)


class EventLoop:
    """One event loop in a thread of its own, begun with the first coroutine, for as long as the process lives."""

    def __init__(self, background: Background, name: str) -> None:
        self._background = background
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[Callable[[], Coroutine[object, object, None]]] = deque()
        self._woken = False
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, body: Callable[[], Coroutine[object, object, None]]) -> None:
        """Run what `body()` returns as a task soon. Its errors end the worker."""
        loop = self._running()
        self._waiting.append(body)
        with self._lock:
            woken, self._woken = self._woken, True
        if not woken:
            loop.call_soon_threadsafe(self._begin)

    def result(self, coroutine: Coroutine[object, object, R], timeout_s: float | None) -> R:
        """Wait, in a thread, for what it returns. Raises what it raises; TimeoutError if it takes longer."""
        limited = asyncio.wait_for(coroutine, timeout_s)
        return asyncio.run_coroutine_threadsafe(limited, self._running()).result()

    def cancel(self, task: "asyncio.Task[None]") -> None:
        """Cancel a task of this loop, from another thread."""
        self._running().call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """End it, unless something still runs in it: that ends with the process."""
        with self._lock:
            if self._loop is not None and not self._tasks and not self._waiting:
                self._loop.call_soon_threadsafe(self._loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._background.start(self._name, partial(_run, self._loop))
            return self._loop

    def _begin(self) -> None:
        with self._lock:
            self._woken = False
        while self._waiting:
            task = asyncio.get_running_loop().create_task(self._waiting.popleft()())
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._background.guarded(task.result)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
