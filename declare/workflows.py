"""`@workflow`: an async function over its run's history."""

import inspect
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from penstock.declare.errors import DeclarationError, InvalidInput
from penstock.declare.fingerprint import code_hash
from penstock.declare.run import Run
from penstock.declare.shapes import adapter_for, canonical_bytes, complaint, hints_of, schema_of

I = TypeVar("I")  # noqa: E741  (the input; O is the output)
O = TypeVar("O")  # noqa: E741
PRIORITY_MIN: Final = -100
PRIORITY_MAX: Final = 100
WorkflowFunction = Callable[[Run, I], Coroutine[object, object, O]]


@dataclass(frozen=True, slots=True, eq=False)
class Workflow(Generic[I, O]):
    """A declared workflow. A run is pinned to its `version`; `fails_with` are the ways it may end badly."""

    name: str
    version: int
    function: WorkflowFunction[I, O]
    deadline_ms: int | None
    max_steps: int
    priority: int
    fails_with: tuple[type[Exception], ...]
    signals: Mapping[str, type[BaseModel]]
    _input: TypeAdapter[I]
    _result: TypeAdapter[O]

    @property
    def code_hash(self) -> str:
        """Hash of the code that is loaded for it."""
        return _code_hash(self.function)

    def encode_input(self, value: object) -> bytes:
        """Canonical JSON bytes of an input. Raises InvalidInput."""
        try:
            return canonical_bytes(self._input.dump_json(self._input.validate_python(value)))
        except ValueError as error:
            raise InvalidInput(f"Input of {self.name}: {_why(error)}") from error

    def decode_input(self, encoded: bytes) -> I:
        """The value that the function gets. Raises InvalidInput."""
        try:
            return self._input.validate_json(encoded)
        except ValidationError as error:
            raise InvalidInput(f"Input of {self.name}: {complaint(error)}") from error

    def check_signal(self, name: str, encoded: bytes) -> None:
        """Whether it takes such a signal. Raises InvalidInput."""
        schema = self.signals.get(name)
        if schema is None:
            known = ", ".join(sorted(self.signals)) or "none"
            raise InvalidInput(f"{self.name} takes no signal {name!r}; it declares: {known}")
        try:
            schema.model_validate_json(encoded)
        except ValidationError as error:
            raise InvalidInput(f"Signal {name} of {self.name}: {complaint(error)}") from error

    def input_schema(self) -> dict[str, object]:
        """JSON Schema of its input; one that lets everything pass where its type has none."""
        return schema_of(self._input, "validation")

    def result_schema(self) -> dict[str, object]:
        """JSON Schema of what it returns, as input_schema."""
        return schema_of(self._result, "serialization")

    def signal_schemas(self) -> dict[str, dict[str, object]]:
        """JSON Schema of what each of its signals says, by name."""
        return {name: schema_of(TypeAdapter(kind), "validation") for name, kind in self.signals.items()}

    def encode_result(self, value: object) -> bytes:
        """Canonical JSON bytes of what the function returned. Raises InvalidInput."""
        try:
            return canonical_bytes(self._result.dump_json(self._result.validate_python(value)))
        except ValueError as error:
            raise InvalidInput(f"Result of {self.name}: {_why(error)}") from error

    def decode_result(self, encoded: bytes) -> O:
        """What a run returned, from the payload of RunCompleted. Raises InvalidInput."""
        try:
            return self._result.validate_json(encoded)
        except ValidationError as error:
            raise InvalidInput(f"Result of {self.name}: {complaint(error)}") from error


def workflow(
    name: str,
    *,
    version: int,
    deadline: timedelta | None = timedelta(days=30),
    max_steps: int = 100,
    priority: int = 0,
    fails_with: tuple[type[Exception], ...] = (),
    signals: Mapping[str, type[BaseModel]] | None = None,
) -> Callable[[WorkflowFunction[I, O]], Workflow[I, O]]:
    """Declare a workflow: `async def name(run: Run, case: Input) -> Result`.

    Keep old versions registered until their runs have ended. An exception outside `fails_with` doesn't end
    a run: it stalls it until the code is mended. After `deadline`, or `max_steps` requests, the run fails.
    `priority`, -100 to 100, is of its runs' calls, unless the start of one says otherwise: higher goes first.
    `signals` are the names that `run.signal` waits for, with the models of what they say.
    """
    if version < 1 or max_steps < 1 or (deadline is not None and deadline <= timedelta(0)):
        raise DeclarationError(f"Workflow {name}: version, max_steps and deadline must be above zero.")
    if not PRIORITY_MIN <= priority <= PRIORITY_MAX:
        raise DeclarationError(f"Workflow {name}: a priority is from {PRIORITY_MIN} to {PRIORITY_MAX}.")

    def declare(function: WorkflowFunction[I, O]) -> Workflow[I, O]:
        parameters = list(inspect.signature(function).parameters.values())
        if not inspect.iscoroutinefunction(function) or len(parameters) != 2:
            raise DeclarationError(f"Workflow {name}: write `async def f(run: Run, case: Input) -> Result`.")
        hints = hints_of(function)
        if "return" not in hints or parameters[1].name not in hints:
            raise DeclarationError(f"Workflow {name}: annotate its input and what it returns.")
        return Workflow(
            name=name,
            version=version,
            function=function,
            deadline_ms=None if deadline is None else round(deadline / timedelta(milliseconds=1)),
            max_steps=max_steps,
            priority=priority,
            fails_with=fails_with,
            signals=dict(signals or {}),
            _input=adapter_for(hints[parameters[1].name], f"Input of workflow {name}"),  # type: ignore[arg-type]
            _result=adapter_for(hints["return"], f"Result of workflow {name}"),  # type: ignore[arg-type]
        )

    return declare


# Lazy, because the workflow's module isn't complete yet when the decorator runs.
@lru_cache(maxsize=1024)
def _code_hash(function: Callable[..., object]) -> str:
    return code_hash(function)


def _why(error: ValueError) -> str:
    return complaint(error) if isinstance(error, ValidationError) else str(error)
