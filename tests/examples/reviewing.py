"""Workers for tests of the case review: they serve calls with the real tools, as the effector would."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from penstock.declare.call import Call
from penstock.declare.errors import Declined
from penstock.examples.casework.app import application
from penstock.examples.casework.desk import Desk


def call(call_id: str = "call-1", attempt: int = 1) -> Call:
    return Call(call_id=call_id, attempt=attempt, run_id="run-1", tenant="local", requester="ana")


@dataclass(slots=True)
class Workers:
    """Serves calls with the real tools and keeps their keys. `faults`: what a tool does instead, once."""

    desk: Desk
    keys: list[tuple[str, str]] = field(default_factory=list)
    faults: dict[str, list[Callable[[], object]]] = field(default_factory=dict)

    def serve(self, name: str, **arguments: object) -> object:
        fault = self.faults.get(name)
        if fault:
            return fault.pop(0)()
        tool = application.tool(name)
        assert tool is not None
        key = uuid4().hex
        self.keys.append((name, key))
        return tool.function(call(key), **arguments)

    def made(self, name: str) -> list[str]:
        """The keys of the executions that the target's own journal knows."""
        return list(self.desk.store.execution_counts(name))


def decline() -> object:
    raise Declined("the store said no")


def lose_the_answer() -> object:
    raise ConnectionResetError("the worker died, or the line did")
