"""`@approval_rule`: a versioned rule that grants low-risk writes by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from penstock.declare.errors import DeclarationError
from penstock.declare.tools import Tool

RuleFunction = Callable[[Mapping[str, object]], bool]


@dataclass(frozen=True, slots=True, eq=False)
class ApprovalRule:
    """The rule of one tool. Grants, by people too, are bound to its version: a new version voids them."""

    name: str
    tool: str
    version: int
    grant_ms: int
    function: RuleFunction

    def grants(self, arguments: Mapping[str, object]) -> bool:
        """True if a write with these arguments needs no person."""
        return self.function(arguments) is True


def approval_rule(
    *, tool: Tool[object], version: int, expires: timedelta = timedelta(days=1)
) -> Callable[[RuleFunction], ApprovalRule]:
    """Declare a tool's rule: it grants a write when it returns True. `expires`: how long a grant holds."""
    if not tool.writes:
        raise DeclarationError(f"Tool {tool.name} only reads: it needs no approval rule.")
    if tool.risk == "high":
        raise DeclarationError(f"Tool {tool.name} is of high risk: only a person may grant it.")
    if version < 1 or expires <= timedelta(0):
        raise DeclarationError(f"The rule of {tool.name} needs a version and an expiry above zero.")

    def declare(function: RuleFunction) -> ApprovalRule:
        return ApprovalRule(
            name=function.__name__,
            tool=tool.name,
            version=version,
            grant_ms=round(expires / timedelta(milliseconds=1)),
            function=function,
        )

    return declare
