"""The rules of style.md and of design.md section 5 that one module at a time can break."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.tree import BESIDE, LAYERS, Module, Tree

LINES_MAX = 250
FUNCTION_LINES_MAX = 60
NAMES_THAT_SAY_NOTHING = frozenset({"utils", "helpers", "common", "core", "manager", "service", "base"})
UNFINISHED = re.compile(r"\b([T]ODO|[F]IXME|[X]XX)\b|pass\s+#\s*[s]tub")
TOPIC = re.compile(r"penstock\.[a-z]+\.(inbox|events)(\..+)?")
CLOCKS = frozenset({"now", "utcnow", "today"})
WORLD = frozenset({"open", "print", "input", "exec", "eval", "__import__"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


def module_length(tree: Tree) -> Iterator[str]:
    """A file that needs a table of contents is two files."""
    for module in tree.modules(*LAYERS, *BESIDE):
        lines = len(module.text.splitlines())
        if lines > LINES_MAX and not module.is_generated:
            yield f"{module.path}:1: {lines} lines; {LINES_MAX} is the most, so make it two modules"


def function_length(tree: Tree) -> Iterator[str]:
    """A function that needs scrolling is two functions."""
    for module in tree.modules(*LAYERS, *BESIDE):
        for function in _functions(module.tree):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX and not module.is_generated:
                where = f"{module.path}:{function.lineno}: {function.name}"
                yield f"{where} has {lines} lines; {FUNCTION_LINES_MAX} is the most"


def module_names(tree: Tree) -> Iterator[str]:
    """A name says what is in it; these say only that something is."""
    for module in tree.modules(*LAYERS, *BESIDE):
        for part in module.path.removesuffix(".py").split("/"):
            if part in NAMES_THAT_SAY_NOTHING:
                yield f"{module.path}:1: {part!r} says nothing; name it after what it does"


def module_docstrings(tree: Tree) -> Iterator[str]:
    """A module says what it reads, writes and guarantees. Only a bare __init__ guard may be silent."""
    for module in tree.modules(*LAYERS, "bench"):
        if not module.is_guard and not ast.get_docstring(module.tree):
            yield f"{module.path}:1: no docstring"


def public_docstrings(tree: Tree) -> Iterator[str]:
    """What users call is explained where they call it: shapes, units, errors."""
    for module in tree.modules("producers", "declare"):
        for function in _public_functions(module.tree):
            if not ast.get_docstring(function):
                yield f"{module.path}:{function.lineno}: {function.name} is public and has no docstring"


def finished(tree: Tree) -> Iterator[str]:
    """Nothing is promised in a comment: it is done, or it is an issue."""
    for module in tree.modules(*LAYERS, *BESIDE):
        for number, line in enumerate(module.text.splitlines(), 1):
            if UNFINISHED.search(line):
                yield f"{module.path}:{number}: unfinished: {line.strip()[:80]}"


def bare_imports(tree: Tree) -> Iterator[str]:
    """`import streams` would load every module a second time, with other classes in it."""
    for module in tree.modules(*LAYERS, *BESIDE):
        for line, name in _imports(module.tree):
            if name.split(".")[0] in LAYERS:
                yield f"{module.path}:{line}: import penstock.{name}, not {name}"


def pure_decisions(tree: Tree) -> Iterator[str]:
    """What import-linter can't see of purity: datetime's clock, and the built-in ways to the world."""
    for module in tree.modules("streams"):
        folder = module.path.rpartition("/")[0]
        if module.name == "agent" or not (tree.root / folder / "decision.py").exists():
            continue
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in CLOCKS
                and _tail(node.value) in ("datetime", "date")
            ):
                yield f"{module.path}:{node.lineno}: reads the clock; log time is in the input"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLD:
                yield f"{module.path}:{node.lineno}: {node.func.id}() reaches the world"


def broad_excepts(tree: Tree) -> Iterator[str]:
    """Only the code that hosts other people's code may catch everything; elsewhere it hides defects."""
    hosts = ("streams/", "declare/", "tests/", "bench/", "examples/")
    for module in tree.modules():
        for number, line in enumerate(module.text.splitlines(), 1):
            if "noqa: BLE001" in line and not module.path.startswith(hosts):
                yield f"{module.path}:{number}: catches everything; name the errors"


def topics_named_once(tree: Tree) -> Iterator[str]:
    """schemas/topics.py is the only place that spells a topic; a decider's noun gives the runner its two."""
    for module in tree.modules():
        if module.path.startswith("schemas/"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and TOPIC.fullmatch(node.value):
                yield f"{module.path}:{node.lineno}: spells {node.value}; penstock.schemas.topics has it"


def agent_folders(tree: Tree) -> Iterator[str]:
    """Who knows one agent's folder knows them all: a decider's three files, or an effector's three."""
    for folder in tree.agents():
        names = {path.name for path in folder.glob("*.py")}
        here = folder.relative_to(tree.root).as_posix()
        expected = (
            {"state.py", "decision.py", "agent.py"}
            if "decision.py" in names
            else {"ports.py", "effect.py", "agent.py"}
        )
        for missing in sorted(expected - names):
            yield f"{here}/{missing}:1: missing; every agent of this kind has {', '.join(sorted(expected))}"
        guard = folder / "__init__.py"
        words = ast.get_docstring(ast.parse(guard.read_text())) if guard.exists() else ""
        for duty in ("reads", "writes", "key", "state", "guarantees"):
            if duty not in (words or "").lower():
                yield f"{here}/__init__.py:1: its docstring has no word on: {duty}"


def _functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def _public_functions(tree: ast.Module) -> Iterator[Function]:
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        for member in members:
            if isinstance(member, Function) and not member.name.startswith("_") and not _is_variant(member):
                yield member


def _is_variant(function: Function) -> bool:
    """An overload or a setter: what it varies has the docstring."""
    return any(
        _tail(decorator) in ("overload", "setter", "override") for decorator in function.decorator_list
    )


def _imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def _tail(node: ast.AST) -> str:
    """The last part of a dotted name: datetime of `dt.datetime`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def third_party_imports(module: Module) -> Iterator[tuple[int, str]]:
    """The top names that a module imports, with their lines."""
    for line, name in _imports(module.tree):
        yield line, name.split(".")[0]
