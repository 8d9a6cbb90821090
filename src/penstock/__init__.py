"""Penstock runs AI applications on an immutable log. The names below are what an application is written with.

They are imported when they are first used, so that a process which needs the schemas only stays small.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.declare import errors
    from penstock.declare.application import Application
    from penstock.declare.call import Call, Happened, NeverWill, Unknown
    from penstock.declare.errors import Declined, NotDone, ToolFailed, ToolRefused
    from penstock.declare.grants import Grant
    from penstock.declare.limits import Rate
    from penstock.declare.retry import Retry
    from penstock.declare.rules import approval_rule
    from penstock.declare.run import Run
    from penstock.declare.tools import tool
    from penstock.declare.workflows import workflow

__version__ = "0.1.0"

__all__ = [
    "Application",
    "Call",
    "Declined",
    "Grant",
    "Happened",
    "NeverWill",
    "NotDone",
    "Rate",
    "Retry",
    "Run",
    "ToolFailed",
    "ToolRefused",
    "Unknown",
    "approval_rule",
    "errors",
    "tool",
    "workflow",
]

_HOMES = {
    "Application": "application",
    "Call": "call",
    "Declined": "errors",
    "Grant": "grants",
    "Happened": "call",
    "NeverWill": "call",
    "NotDone": "errors",
    "Rate": "limits",
    "Retry": "retry",
    "Run": "run",
    "ToolFailed": "errors",
    "ToolRefused": "errors",
    "Unknown": "call",
    "approval_rule": "rules",
    "tool": "tools",
    "workflow": "workflows",
}


def __getattr__(name: str) -> object:
    if name == "errors":
        return import_module("penstock.declare.errors")
    if name not in _HOMES:
        raise AttributeError(f"module 'penstock' has no attribute {name!r}")
    return getattr(import_module(f"penstock.declare.{_HOMES[name]}"), name)
