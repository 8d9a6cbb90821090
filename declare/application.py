"""`Application`: the workflows, tools and rules that one deployment knows."""

import importlib
from collections.abc import Iterable
from typing import TypeVar

from penstock.declare.errors import DeclarationError
from penstock.declare.rules import ApprovalRule
from penstock.declare.tools import Tool
from penstock.declare.workflows import Workflow

V = TypeVar("V", bound="Workflow[object, object] | Tool[object]")


class Application:
    """What can run here. Register every version that an open run may still need."""

    def __init__(
        self,
        name: str,
        *,
        workflows: Iterable[object] = (),
        tools: Iterable[Tool[object]] = (),
        rules: Iterable[ApprovalRule] = (),
    ) -> None:
        self.name = name
        self._workflows = _by_version(_workflow(each) for each in workflows)
        self._tools = _by_version(tools)
        self._rules: dict[str, ApprovalRule] = {}
        for rule in rules:
            if rule.tool in self._rules:
                raise DeclarationError(f"Tool {rule.tool} has two approval rules: register the one in force.")
            if rule.tool not in self._tools:
                raise DeclarationError(f"Rule {rule.name} is for tool {rule.tool}: register that tool too.")
            self._rules[rule.tool] = rule

    @property
    def workflows(self) -> tuple[Workflow[object, object], ...]:
        """Every registered workflow, all versions."""
        return tuple(each for versions in self._workflows.values() for each in versions.values())

    @property
    def tools(self) -> tuple[Tool[object], ...]:
        """Every registered tool, all versions."""
        return tuple(each for versions in self._tools.values() for each in versions.values())

    def workflow(self, name: str, version: int | None = None) -> Workflow[object, object] | None:
        """The workflow of that name and version (None: the newest), or None."""
        return _find(self._workflows, name, version)

    def tool(self, name: str, version: int | None = None) -> Tool[object] | None:
        """The tool of that name and version (None: the newest), or None."""
        return _find(self._tools, name, version)

    def rule(self, tool_name: str) -> ApprovalRule | None:
        """The approval rule in force for a tool, or None."""
        return self._rules.get(tool_name)

    def rule_version(self, tool_name: str) -> int:
        """Version of the tool's approval rule, 0 where it has none."""
        rule = self._rules.get(tool_name)
        return 0 if rule is None else rule.version

    @staticmethod
    def load(path: str) -> "Application":
        """As load_application."""
        return load_application(path)


def load_application(path: str) -> Application:
    """The application at `module:attribute`. Raises DeclarationError that says what is missing."""
    module_name, _, attribute = path.partition(":")
    if not module_name or not attribute:
        raise DeclarationError(f"An application is named as module:attribute, not {path!r}.")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise DeclarationError(f"The application's module can't be imported: {error}.") from error
    except Exception as error:
        told = f"{module_name} raises {type(error).__name__} while it is imported: {error}."
        raise DeclarationError(f"The application's module can't be imported: {told}") from error
    found = getattr(module, attribute, None)
    if not isinstance(found, Application):
        raise DeclarationError(f"{module_name} has no Application named {attribute!r}.")
    return found


def _workflow(given: object) -> Workflow[object, object]:
    # Workflow is invariant in its types, so a tuple of different ones only fits `object` at the door.
    if not isinstance(given, Workflow):
        raise DeclarationError(f"{given!r} is no workflow: decorate it with @workflow.")
    return given


def _by_version(declared: Iterable[V]) -> dict[str, dict[int, V]]:
    found: dict[str, dict[int, V]] = {}
    for each in declared:
        versions = found.setdefault(each.name, {})
        if each.version in versions:
            raise DeclarationError(f"{each.name} version {each.version} is registered twice.")
        versions[each.version] = each
    return found


def _find(declared: dict[str, dict[int, V]], name: str, version: int | None) -> V | None:
    versions = declared.get(name)
    if not versions:
        return None
    return versions.get(max(versions) if version is None else version)
