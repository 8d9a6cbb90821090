"""The event loop that workflows run in: tasks and futures, nothing else, in an order that never varies.

Whatever isn't ours (asyncio's sleeps, futures, tasks) raises an error that names the replacement (law L10).
One step can't be interrupted here: a decider has no clock, and its thread is the one that runs the step.
"""

import asyncio
from asyncio import events as asyncio_events
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from functools import partial
from typing import Final, NoReturn, cast

from penstock.schemas.run.records import StallKind


class Stall(BaseException):
    """The run can't go on under this code. No `except Exception` of a workflow can swallow it."""

    def __init__(self, kind: StallKind, detail: str) -> None:
        super().__init__(detail)
        self.kind: StallKind = kind
        self.detail = detail


GIVEN_UP: Final = "this code was given up: what it still does in `finally` can't be another step"
_INSTEAD: Final = {
    "create_future": "await run.sleep(...) for asyncio.sleep, run.gather(...) for waiting on several things",
    "call_later": "run.sleep(...)",
    "call_at": "run.sleep(...)",
    "create_task": "run.gather(...)",
    "run_in_executor": "a tool: only tools touch the world",
    "time": "run.now()",
}


def _foreign(what: str, instead: str = "run.tool, run.sleep, run.approval or run.gather") -> Stall:
    return Stall("exception", f"A workflow can't use {what}: it wouldn't replay. Use {instead}.")


class _Guard:
    """Stands where asyncio looks for its running loop, and refuses."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise _foreign(f"asyncio (its loop's {name})", _INSTEAD.get(name, "what Run offers"))


_GUARD: Final = cast(asyncio.AbstractEventLoop, _Guard())


class Future:
    """Something that a step waits for. Awaiting it once it is done doesn't give up the turn."""

    __slots__ = ("_then", "done", "error", "forsaken", "value")

    def __init__(self) -> None:
        self.done = False
        # True once the task that waited for it was given up.
        self.forsaken = False
        self.value: object = None
        self.error: BaseException | None = None
        self._then: list[Callable[[], None]] = []

    def __await__(self) -> Generator["Future", None, object]:
        if not self.done:
            yield self
        return self.result()

    def result(self) -> object:
        """The value; raises the error if it failed."""
        if self.error is not None:
            raise self.error
        return self.value

    def settle(self, value: object = None, error: BaseException | None = None) -> None:
        """Done, for good: later settlements change nothing."""
        if self.done:
            return
        self.done, self.value, self.error = True, value, error
        for then in self._then:
            then()
        self._then.clear()

    def when_done(self, then: Callable[[], None]) -> None:
        """Call back once it is done; at once if it is."""
        if self.done:
            then()
        else:
            self._then.append(then)


class Task(Future):
    """A coroutine on its way; as a future, its result."""

    __slots__ = ("_coroutine", "_loop", "_waited", "begun")

    def __init__(self, loop: "Loop", coroutine: Coroutine[object, None, object]) -> None:
        super().__init__()
        self._loop = loop
        self._coroutine = coroutine
        self._waited: Future | None = None
        # Tasks that this one began to wait for: they are given up with it.
        self.begun: list[Task] = []

    def step(self) -> None:
        """Run it to its next wait. One that was given up after it was woken has no next one."""
        if self.done:
            return
        try:
            waited = self._coroutine.send(None)
            if type(waited) is not Future and type(waited) is not Task:
                # Kept before it is thrown, which gives it its traceback: a workflow may swallow it.
                self._loop.stall = _foreign(f"await of {_named(waited)}")
                self._coroutine.throw(self._loop.stall)
                raise self._loop.stall
        except StopIteration as done:
            self.settle(done.value)
        except Stall as stall:
            self._loop.stall = self._loop.stall or stall
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 whatever user code raises is that step's outcome
            self.settle(error=error)
        else:
            self._waited = waited
            waited.when_done(self.wake)

    def wake(self) -> None:
        """Its turn comes after those who were woken before it."""
        self._loop.ready.append(self)

    def close(self) -> None:
        """Give it up, and what it began. `finally` blocks run, and whatever they do or raise counts for nothing."""
        for task in reversed(self.begun):
            task.close()
        if self.done:
            return
        # Before it is closed: nothing may wake it, and nobody who waits for it is told.
        self.done = True
        if self._waited is not None:
            self._waited.forsaken = True
        try:
            self._coroutine.close()
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 also the RuntimeError of a `finally` that awaits
            return


class Loop:
    """Runs tasks in turn until each one waits, or the first one is done, or the run stalls."""

    def __init__(self) -> None:
        self.ready: deque[Task] = deque()
        self.stall: Stall | None = None
        self.giving_up = False
        self._stepping: Task | None = None

    def task(self, coroutine: Coroutine[object, None, object]) -> Task:
        """Start a coroutine: it gets its first turn after those that are ready."""
        if self.giving_up:
            coroutine.close()
            raise RuntimeError(GIVEN_UP)
        made = Task(self, coroutine)
        if self._stepping is not None:
            self._stepping.begun.append(made)
        self.ready.append(made)
        return made

    def run(self, main: Task) -> None:
        """To quiescence. What other tasks would still do once `main` is done isn't part of the run."""
        outer = asyncio_events._get_running_loop()
        asyncio_events._set_running_loop(_GUARD)
        try:
            while self.ready and not main.done and self.stall is None:
                self._stepping = self.ready.popleft()
                self._stepping.step()
        finally:
            self._stepping = None
            asyncio_events._set_running_loop(outer)

    async def gather(self, awaitables: Sequence[Awaitable[object]]) -> list[object]:
        """Results in the order of `awaitables`; the first error at once, while the others keep running."""
        tasks = [self.task(_as_coroutine(each)) for each in awaitables]
        gate = Future()
        left = len(tasks)

        def one_more(task: Task) -> None:
            nonlocal left
            left -= 1
            if task.error is not None or not left:
                gate.settle(error=task.error)

        for task in tasks:
            task.when_done(lambda task=task: one_more(task))  # type: ignore[misc]  # a lambda's default
        if tasks:
            await gate
        return [task.result() for task in tasks]

    async def race(self, awaitables: Sequence[Awaitable[object]]) -> tuple[int, object]:
        """Which is done first, and its result. The code of the others is given up: it takes no more steps."""
        tasks = [self.task(_as_coroutine(each)) for each in awaitables]
        gate = Future()

        def first(winner: int) -> None:
            gate.settle(winner)
            # At once, while the winner still has its turn: who would come next must not even begin.
            for index in reversed(range(len(tasks))):
                if index != winner:
                    self._give_up(tasks[index])

        for index, task in enumerate(tasks):
            task.when_done(partial(first, index))
        won = cast(int, await gate)
        return won, tasks[won].result()

    def close(self, main: Task) -> None:
        """Give up the first task, and with it all others, the latest first: no inner one outlives its outer one."""
        outer = asyncio_events._get_running_loop()
        asyncio_events._set_running_loop(_GUARD)
        try:
            self._give_up(main)
        finally:
            asyncio_events._set_running_loop(outer)

    def _give_up(self, task: Task) -> None:
        before, self.giving_up = self.giving_up, True
        try:
            task.close()
        finally:
            self.giving_up = before


def _as_coroutine(awaitable: Awaitable[object]) -> Coroutine[object, None, object]:
    if isinstance(awaitable, Coroutine):
        return cast("Coroutine[object, None, object]", awaitable)
    return _wait_for(awaitable)


async def _wait_for(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _named(waited: object) -> str:
    if waited is None:
        return "a bare yield (asyncio.sleep(0) is one)"
    return f"{type(waited).__module__}.{type(waited).__qualname__}"
