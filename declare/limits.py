"""What a tool's calls are held to: how many at once, of a tenant, of a key, in a stretch of time, and where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from penstock.declare.errors import DeclarationError

Scope = Literal["process", "global"]
# The name of an argument, or a function of all arguments. Calls with the same key share its slots.
ConcurrencyKey = str | Callable[[Mapping[str, object]], str]
CONCURRENCY_DEFAULT = 16


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` calls begin in any stretch of `per`. They begin as soon as that allows, not evenly."""

    count: int
    per: timedelta = timedelta(seconds=1)

    def __post_init__(self) -> None:
        if self.count < 1 or self.per < timedelta(milliseconds=1):
            raise DeclarationError("Rate needs a count of 1 or more, and at least a millisecond for it.")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a tool, as `tool(...)` takes them.

    `concurrency` calls at once; `concurrency_per_key` of them with the same key, within a tenant;
    `tenant_concurrency` of them of one tenant; begun no faster than `rate`. `scope` "process": each worker process
    has all that to itself. "global": each of these limits is counted over all worker processes together, by leases
    from the database; calls with a key that others have wait.
    """

    concurrency: int = CONCURRENCY_DEFAULT
    concurrency_key: ConcurrencyKey | None = None
    concurrency_per_key: int = 1
    tenant_concurrency: int | None = None
    rate: Rate | None = None
    scope: Scope = "process"

    def __post_init__(self) -> None:
        counts = (self.concurrency, self.concurrency_per_key, self.tenant_concurrency)
        if any(count is not None and count < 1 for count in counts):
            raise DeclarationError("every concurrency must be above zero.")
        if self.concurrency_per_key != 1 and self.concurrency_key is None:
            raise DeclarationError("concurrency_per_key needs a concurrency_key.")

    def key_of(self, arguments: Mapping[str, object]) -> str | None:
        """The key of a call with these decoded arguments, None if nothing is limited by key.

        Raises whatever the declared function raises.
        """
        if self.concurrency_key is None:
            return None
        if isinstance(self.concurrency_key, str):
            return str(arguments[self.concurrency_key])
        return str(self.concurrency_key(arguments))
