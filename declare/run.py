"""`Run`: what a workflow may ask for. Every await is a checkpoint; all of it replays to the same values."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, Protocol, TypeVar, cast, overload
from uuid import UUID

from pydantic import BaseModel

from penstock.declare.errors import DeclarationError
from penstock.declare.grants import Escalation, Grant, escalation_of
from penstock.declare.tools import Arguments, Tool

R = TypeVar("R")
M = TypeVar("M", bound=BaseModel)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")

QUORUM_MAX: Final = 20


class Engine(Protocol):
    """What stands behind a Run: the run's decider, which replays the history through it."""

    @property
    def run_id(self) -> str:
        """The run's id, a UUID."""
        ...

    @property
    def tenant(self) -> str:
        """Tenant that owns the run."""
        ...

    @property
    def requester(self) -> str:
        """Subject that started the run."""
        ...

    @property
    def requester_roles(self) -> tuple[str, ...]:
        """Roles that the requester held then."""
        ...

    def tool_named(self, name: str) -> Tool[object] | None:
        """The newest registered tool of that name."""
        ...

    def call(self, tool: Tool[object], arguments: bytes, grant: Grant | None) -> Awaitable[bytes | None]:
        """The result's bytes, None where it isn't known. Raises ToolFailed, ToolRefused."""
        ...

    def approval(
        self,
        tool: Tool[object],
        arguments: bytes,
        role: str,
        expires_ms: int,
        quorum: int,
        escalation: Escalation | None,
    ) -> Awaitable[Grant]:
        """What became of the question."""
        ...

    def sleep(self, delay_ms: int) -> Awaitable[None]:
        """Done once the log's time is that much later."""
        ...

    def gather(self, awaitables: Sequence[Awaitable[object]]) -> Awaitable[list[object]]:
        """All results, or the first exception."""
        ...

    def race(self, awaitables: Sequence[Awaitable[object]]) -> Awaitable[tuple[int, object]]:
        """Which was done first, and its result; or its exception."""
        ...

    def signal(self, name: str) -> Awaitable[bytes]:
        """The next signal of that name that wasn't taken yet. Raises DeclarationError for an undeclared name."""
        ...

    def now_ms(self) -> int:
        """Log time, ms since the Unix epoch."""
        ...

    def derived(self, purpose: str) -> str:
        """The next id of the run for that purpose, a UUID."""
        ...


class Run:
    """A running workflow's only way to the world, to time and to chance."""

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def id(self) -> str:
        """The run's id, a UUID."""
        return self._engine.run_id

    @property
    def tenant(self) -> str:
        """Tenant that owns the run."""
        return self._engine.tenant

    @property
    def requester(self) -> str:
        """Subject that started the run; it never votes on it."""
        return self._engine.requester

    @property
    def requester_roles(self) -> tuple[str, ...]:
        """Roles that the requester held when the run started."""
        return self._engine.requester_roles

    async def tool(self, tool: Tool[R], /, *, grant: Grant | None = None, **arguments: object) -> R:
        """Call a tool and wait for its result. Raises ToolFailed, ToolRefused, InvalidArguments.

        With a grant and no arguments the approved bytes are used as they are. If a person settled a call in
        doubt as "happened" without knowing its result, the value is None whatever the annotation says.
        """
        encoded = grant.arguments if grant is not None and not arguments else tool.encode_arguments(arguments)
        answer = await self._engine.call(tool, encoded, grant)
        return cast(R, None) if answer is None else tool.decode_result(answer)

    async def retrieve(self, index: str, *, query: str, k: int = 8) -> object:
        """Call the read tool `retrieve:<index>` with `query` and `k`; the value is that tool's result."""
        return await self.tool(self._named(f"retrieve:{index}"), query=query, k=k)

    async def model(self, route: str, *, inputs: Mapping[str, object], schema: type[M]) -> M:
        """Call the read tool `model:<route>` with `inputs` and `schema` (a JSON Schema).

        `inputs` may hold pydantic models. The value is a `schema`; pydantic's ValidationError if it can't be.
        """
        plain = {name: _plain(value) for name, value in inputs.items()}
        answer = await self.tool(self._named(f"model:{route}"), inputs=plain, schema=_json_schema(schema))
        return answer if isinstance(answer, schema) else schema.model_validate(_plain(answer))

    async def approval(
        self,
        *,
        action: Tool[object],
        args: Arguments,
        role: str,
        expires: timedelta,
        quorum: int = 1,
        escalate_to: str | None = None,
        escalate_after: timedelta | None = None,
    ) -> Grant:
        """Ask people who hold `role` to grant this action with exactly these arguments, and wait.

        It takes `quorum` different people (at most 20), and one who refuses is enough for a refusal. `escalate_to`
        names a higher role that decides in the place of `role` once a person says so, or `escalate_after` is over.
        """
        if not 1 <= quorum <= QUORUM_MAX:
            raise DeclarationError(f"The quorum of an approval is from 1 to {QUORUM_MAX}, not {quorum}.")
        encoded, expires_ms = action.encode_arguments(args), _milliseconds("expires", expires)
        after_ms = None if escalate_after is None else _milliseconds("escalate_after", escalate_after)
        escalation = escalation_of(role, expires_ms, escalate_to, after_ms)
        return await self._engine.approval(action, encoded, role, expires_ms, quorum, escalation)

    async def signal(self, name: str, *, schema: type[M]) -> M:
        """Wait for the next signal of that name; those that came earlier are taken first, in their order.

        `@workflow(signals={name: schema})` declares it: only what fits is let in.
        """
        return schema.model_validate_json(await self._engine.signal(name))

    async def sleep(self, delay: timedelta) -> None:
        """Wait, however long; the timer is on the log, not in a process."""
        await self._engine.sleep(_milliseconds("delay", delay))

    @overload
    async def gather(self, first: Awaitable[A], second: Awaitable[B], /) -> tuple[A, B]: ...
    @overload
    async def gather(
        self, first: Awaitable[A], second: Awaitable[B], third: Awaitable[C], /
    ) -> tuple[A, B, C]: ...
    @overload
    async def gather(self, *awaitables: Awaitable[A]) -> tuple[A, ...]: ...
    async def gather(self, *awaitables: Awaitable[object]) -> tuple[object, ...]:
        """Wait for all at once. The first exception is raised; the others keep running."""
        return tuple(await self._engine.gather(awaitables))

    @overload
    async def race(self, first: Awaitable[A], second: Awaitable[B], /) -> tuple[int, A | B]: ...
    @overload
    async def race(self, *awaitables: Awaitable[A]) -> tuple[int, A]: ...
    async def race(self, *awaitables: Awaitable[object]) -> tuple[int, object]:
        """Wait for whichever is done first: its place, from 0, and its result; its exception is raised.

        The code of the others is given up where it stands. What they asked for stays open: a call isn't
        cancelled, its answer is recorded, and nobody waits for it.
        """
        if not awaitables:
            raise DeclarationError("run.race needs something to wait for.")
        return await self._engine.race(awaitables)

    def now(self) -> datetime:
        """Log time of what this step follows from, UTC; it never goes back."""
        return datetime.fromtimestamp(self._engine.now_ms() / 1000, UTC)

    def uuid(self) -> UUID:
        """A new id, the same again in every replay."""
        return UUID(self._engine.derived("uuid"))

    def random(self) -> float:
        """A number in [0, 1), the same again in every replay. Not for secrets."""
        # The first 12 hex digits of a derived id are hash bits; the 13th is the UUID's version.
        return int(self._engine.derived("random").replace("-", "")[:12], 16) / 16**12

    def _named(self, name: str) -> Tool[object]:
        found = self._engine.tool_named(name)
        if found is None:
            raise DeclarationError(f"The application has no tool named {name!r}: register one.")
        return found


@cache
def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Made once a type: a replay asks for it again and again."""
    return model.model_json_schema()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _milliseconds(what: str, span: timedelta) -> int:
    if span < timedelta(0):
        raise DeclarationError(f"{what} can't be negative: {span}.")
    return round(span / timedelta(milliseconds=1))
