"""The rules that keep documents and messages true: what they link to, name, and tell people to type."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.repository_rules import pyproject
from tests.tidy.tree import BESIDE, LAYERS, Tree

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
QUOTED_PATH = re.compile(r"`([A-Za-z0-9_.][\w./-]*/[\w.-]+\.\w{2,5})`")
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")


def document_links(tree: Tree) -> Iterator[str]:
    """A document's relative links lead somewhere, and the files that it names exist."""
    for path, text in tree.text_files.items():
        if not path.endswith(".md"):
            continue
        folder = (tree.root / path).parent
        for number, line in enumerate(text.splitlines(), 1):
            targets = [
                target for target in LINK.findall(line) if "://" not in target and not target.startswith("#")
            ]
            for target in targets:
                if not (folder / target.split("#")[0]).exists():
                    yield f"{path}:{number}: links to {target}, which isn't there"
            for name in QUOTED_PATH.findall(line):
                if (
                    name.split("/")[0] in (*LAYERS, *BESIDE, "docs", "src")
                    and not (tree.root / name).exists()
                ):
                    yield f"{path}:{number}: names {name}, which isn't there"


def documents(tree: Tree) -> Iterator[str]:
    """The four documents are there, and CHANGELOG.md knows the version."""
    for name in DOCUMENTS:
        if len(tree.text_files.get(name, "")) < 200:
            yield f"{name}:1: missing, or says next to nothing"
    version = pyproject(tree)["project"]["version"]
    if not re.search(rf"^## .*{re.escape(version)}", tree.text_files.get("CHANGELOG.md", ""), re.MULTILINE):
        yield f"CHANGELOG.md:1: has no section for {version}"
    if f'__version__ = "{version}"' not in (tree.root / "src/penstock/__init__.py").read_text():
        yield f"src/penstock/__init__.py:1: __version__ isn't pyproject's {version}"


def make_targets(tree: Tree) -> Iterator[str]:
    """Every `make <target>` that a document tells a reader to type exists."""
    targets = set(re.findall(r"^([a-z-]+):", tree.text_files.get("Makefile", ""), re.MULTILINE))
    for path, text in tree.text_files.items():
        if path.endswith(".md"):
            for number, line in enumerate(text.splitlines(), 1):
                for target in re.findall(r"(?:`|^\s*(?:\$ )?)make ([a-z][a-z-]*)", line):
                    if target not in targets:
                        yield f"{path}:{number}: `make {target}` isn't in the Makefile"


def penstock_commands(tree: Tree) -> Iterator[str]:
    """What a message or a document tells somebody to type can be typed."""
    commands = set(_commands(tree))
    for path, text in tree.text_files.items():
        if not path.endswith((".py", ".md", ".sql")) or path.startswith("tests/"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for command in re.findall(r"(?:`|^\s*\$ )penstock ([a-z][a-z-]*)", line):
                if command not in commands:
                    yield f"{path}:{number}: there is no `penstock {command}`"
            for module in re.findall(r"python -m penstock\.([\w.]+)", line):
                if not (tree.root / (module.rstrip(".").replace(".", "/") + ".py")).exists():
                    yield f"{path}:{number}: there is no module penstock.{module}"


def environment_variables(tree: Tree) -> Iterator[str]:
    """docs/operating.md lists the environment variables that the code reads, and no others."""
    page = tree.text_files.get("docs/operating.md", "")
    documented = set(re.findall(r"`(PENSTOCK_[A-Z_]+)`", page))
    read: set[str] = set()
    for module in tree.modules():
        strings = (node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant))
        read |= {
            text for text in strings if isinstance(text, str) and re.fullmatch(r"PENSTOCK_[A-Z_]*[A-Z]", text)
        }
        if module.path == "runtime/settings.py":
            read |= {f"PENSTOCK_{name.upper()}" for name in _plain_settings(module.tree)}
    for name in sorted(read - documented):
        yield f"docs/operating.md:1: doesn't explain {name}"
    for name in sorted(documented - read):
        yield f"docs/operating.md:1: explains {name}, which no code reads"


def _plain_settings(tree: ast.Module) -> Iterator[str]:
    """The fields of Settings that take their variable's name from the prefix, not from an alias."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == "Settings":
            for field in node.body:
                if not isinstance(field, ast.AnnAssign) or "validation_alias" in ast.unparse(field):
                    continue
                yield ast.unparse(field.target)


def _commands(tree: Tree) -> Iterator[str]:
    """The commands that cli/ declares: `@app.command()`, `app.add_typer(..., name=...)`, and a dict of `Later`."""
    for module in tree.modules("cli"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef):
                for call in (one for one in node.decorator_list if isinstance(one, ast.Call)):
                    if ast.unparse(call.func).endswith(".command"):
                        named = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
                        yield str(named[0]) if named else node.name.replace("_", "-")
            elif isinstance(node, ast.Dict):
                # COMMANDS = {"status": Later(…), …}
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(value, ast.Call) and ast.unparse(value.func) == "Later" and key is not None:
                        yield str(ast.literal_eval(key))
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_typer"):
                yield from (ast.literal_eval(one.value) for one in node.keywords if one.arg == "name")
