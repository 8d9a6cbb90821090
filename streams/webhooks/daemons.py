"""Blocking work beside an event loop, in daemon threads: one that never comes back keeps no process from its end."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_a_thread(work: Callable[[], T], places: asyncio.Semaphore | None = None) -> T:
    """What `work` answers or raises. It takes one of `places` until it has really come back, whoever still waits."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()
    if places is not None:
        await places.acquire()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 it is raised where it is awaited
            tell(lambda failed=error: answer.set_exception(failed))  # type: ignore[misc]
        else:
            tell(lambda: answer.set_result(result))

    def tell(settle: Callable[[], None]) -> None:
        def told() -> None:
            if places is not None:
                places.release()
            if not answer.done():
                settle()

        with suppress(RuntimeError):  # The loop has ended meanwhile.
            loop.call_soon_threadsafe(told)

    threading.Thread(target=run, name="webhook-work", daemon=True).start()
    return await answer
