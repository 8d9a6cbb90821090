"""`@tool`: a function that touches the world, and what may be assumed about calling it twice."""

import inspect
from collections.abc import Callable, Coroutine, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, make_dataclass
from datetime import timedelta
from typing import Concatenate, Generic, Literal, Protocol, TypeVar, overload

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from penstock.declare.call import Call, Reconciled
from penstock.declare.errors import DeclarationError, InvalidArguments
from penstock.declare.limits import CONCURRENCY_DEFAULT, ConcurrencyKey, Limits, Rate, Scope
from penstock.declare.retry import Retry
from penstock.declare.shapes import adapter_for, canonical_bytes, complaint, hints_of, schema_of
from penstock.schemas.canonical import canonical_json

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
ToolEffect = Literal["read", "idempotent", "unsafe"]
Risk = Literal["low", "medium", "high"]
Returning = Coroutine[object, object, R]
Reconciler = Callable[[Call, Mapping[str, object]], "Reconciled | Coroutine[object, object, Reconciled]"]
Arguments = Mapping[str, object] | BaseModel


@dataclass(frozen=True, slots=True, eq=False)
class Tool(Generic[R_co]):
    """A declared tool. `effect` is what a second execution does: nothing, nothing more for the key, harm."""

    name: str
    version: int
    effect: ToolEffect
    owner: str
    roles: frozenset[str]
    risk: Risk
    timeout_ms: int
    retry: Retry
    limits: Limits
    function: Callable[..., R_co | Coroutine[object, object, R_co]]
    reconcile: Reconciler | None
    asynchronous: bool
    # How long a callback is waited for; None: the function itself answers.
    deferred_ms: int | None
    _arguments: TypeAdapter[object]
    _result: TypeAdapter[R_co]

    @property
    def writes(self) -> bool:
        """True if it changes the world: each request then needs a grant."""
        return self.effect != "read"

    def arguments_schema(self) -> dict[str, object]:
        """JSON Schema of its arguments; one that lets everything pass where a type has none."""
        return schema_of(self._arguments, "validation")

    def result_schema(self) -> dict[str, object]:
        """JSON Schema of what it returns, as arguments_schema."""
        return schema_of(self._result, "serialization")

    def encode_arguments(self, arguments: Arguments) -> bytes:
        """RFC 8785 bytes of the arguments, defaults filled in. Raises InvalidArguments."""
        given = arguments.model_dump() if isinstance(arguments, BaseModel) else dict(arguments)
        try:
            return canonical_bytes(self._arguments.dump_json(self._arguments.validate_python(given)))
        except ValidationError as error:
            raise InvalidArguments(f"Arguments of {self.name}: {complaint(error)}") from error
        except ValueError as error:
            raise InvalidArguments(f"Arguments of {self.name} have no canonical JSON: {error}") from error

    def decode_arguments(self, encoded: bytes) -> dict[str, object]:
        """The keyword arguments that the function takes. Raises InvalidArguments."""
        try:
            return dict(vars(self._arguments.validate_json(encoded)))
        except ValidationError as error:
            raise InvalidArguments(f"Arguments of {self.name}: {complaint(error)}") from error

    def encode_result(self, value: object) -> bytes:
        """Canonical JSON bytes of what the function returned. Raises InvalidArguments."""
        try:
            # Past the cache that arguments have: results hardly ever come twice.
            return canonical_json(orjson.loads(self._result.dump_json(self._result.validate_python(value))))
        except ValueError as error:
            raise InvalidArguments(f"Result of {self.name}: {_why(error)}") from error

    def decode_result(self, encoded: bytes) -> R_co:
        """The value that the workflow gets. Raises InvalidArguments."""
        try:
            return self._result.validate_json(encoded)
        except ValidationError as error:
            raise InvalidArguments(f"Result of {self.name}: {complaint(error)}") from error


class ToolDecorator(Protocol):
    """What `tool(...)` returns."""

    @overload
    def __call__(self, function: Callable[Concatenate[Call, ...], Returning[R]]) -> Tool[R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Call, ...], R]) -> Tool[R]: ...


def tool(
    *,
    effect: ToolEffect,
    version: int = 1,
    name: str | None = None,
    owner: str = "",
    roles: tuple[str, ...] = (),
    risk: Risk = "low",
    timeout: timedelta = timedelta(seconds=30),
    retry: Retry | None = None,
    concurrency: int = CONCURRENCY_DEFAULT,
    concurrency_key: ConcurrencyKey | None = None,
    concurrency_per_key: int = 1,
    tenant_concurrency: int | None = None,
    rate: Rate | None = None,
    scope: Scope = "process",
    reconcile: Reconciler | None = None,
    deferred: timedelta | None = None,
) -> ToolDecorator:
    """Declare a tool: `def name(call: Call, *, argument: Type, ...) -> Result`, sync or async.

    `roles`: the requester must hold one of them (none named: anyone). `reconcile`: looks up in the target what
    became of a call in doubt. `deferred`: it may hand `call.callback` to an outside system and `call.defer()`; what
    it is declared to return then comes by that callback, for which so long is waited. Limits, of which docs/limits.md
    says more: `concurrency` calls at once, of them `tenant_concurrency` of one tenant and `concurrency_per_key` with
    one `concurrency_key` (an argument's name, or a function of the arguments); no more than `rate`; in each worker
    process, or with `scope="global"` in all together.
    An asynchronous tool must not block: all of a process share one event loop.
    """

    limits = (concurrency, concurrency_key, concurrency_per_key, tenant_concurrency, rate, scope)

    def declare(function: Callable[..., object]) -> Tool[object]:
        label = name or function.__name__
        if version < 1 or min(timeout, deferred or timeout) <= timedelta(0):
            raise DeclarationError(f"Tool {label}: version, timeout and deferred must be above zero.")
        hints = hints_of(function)
        if "return" not in hints:
            raise DeclarationError(f"Tool {label}: annotate what it returns (None is a type too).")
        return Tool(
            name=label,
            version=version,
            effect=effect,
            owner=owner,
            roles=frozenset(roles),
            risk=risk,
            timeout_ms=round(timeout / timedelta(milliseconds=1)),
            retry=retry or Retry(),
            limits=_limits(label, function, *limits),
            function=function,
            reconcile=reconcile,
            asynchronous=inspect.iscoroutinefunction(function),
            deferred_ms=None if deferred is None else round(deferred / timedelta(milliseconds=1)),
            _arguments=_arguments_shape(label, function, hints),
            _result=adapter_for(hints["return"], f"Result of tool {label}"),
        )

    return declare  # type: ignore[return-value]  # mypy can't see that one body serves both overloads


def _limits(
    label: str,
    function: Callable[..., object],
    concurrency: int,
    key: ConcurrencyKey | None,
    per_key: int,
    of_tenant: int | None,
    rate: Rate | None,
    scope: Scope,
) -> Limits:
    if isinstance(key, str) and key not in inspect.signature(function).parameters:
        raise DeclarationError(f"Tool {label}: concurrency_key names {key!r}, which isn't an argument.")
    try:
        return Limits(concurrency, key, per_key, of_tenant, rate, scope)
    except DeclarationError as error:
        raise DeclarationError(f"Tool {label}: {error}") from error


def _arguments_shape(
    label: str, function: Callable[..., object], hints: dict[str, object]
) -> TypeAdapter[object]:
    """The keyword parameters as a dataclass, whose fields may be called anything that a parameter may."""
    first, *rest = inspect.signature(function).parameters.values() or (None,)
    if first is None or hints.get(first.name) is not Call:
        raise DeclarationError(f"Tool {label}: the first parameter must be `call: Call`.")
    fields: list[tuple[str, object, object]] = []
    for parameter in rest:
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY or parameter.name not in hints:
            raise DeclarationError(f"Tool {label}: make `{parameter.name}` keyword-only and annotate it.")
        if parameter.name == "grant":
            raise DeclarationError(f"Tool {label}: `grant` is run.tool's own keyword: name it otherwise.")
        fields.append((parameter.name, hints[parameter.name], _default(parameter.default)))
    config = ConfigDict(extra="forbid", allow_inf_nan=False)
    shape = make_dataclass(
        "Arguments",
        fields,
        kw_only=True,
        namespace={"__pydantic_config__": config},
    )
    return adapter_for(shape, f"Arguments of tool {label}")


def _default(value: object) -> object:
    # A factory, because a dataclass refuses mutable defaults and sharing one would be worse.
    return field() if value is inspect.Parameter.empty else field(default_factory=lambda: deepcopy(value))


def _why(error: ValueError) -> str:
    return complaint(error) if isinstance(error, ValidationError) else str(error)
