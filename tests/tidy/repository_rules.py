"""The rules that the repository as a whole can break: links, documents, lock, lists of folders."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from tests.tidy.code_rules import third_party_imports
from tests.tidy.tree import BESIDE, LAYERS, Tree

# The brackets keep these patterns from matching themselves.
HOSTS = re.compile(
    r"([f]iles\.pythonhosted|[p]ypi\.org/simple|[r]egistry\.npmjs|[r]epo1?\.maven\.apache|[r]epo1\.maven)"
)
MACHINE_PATHS = re.compile(
    r"(?<![\w./$~}*-])/([r]oot|[h]ome/\w+|[U]sers/\w+|[w]ork/main|[w]ork/shared|[t]mp/scratch)\b"
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
QUOTED_PATH = re.compile(r"`([A-Za-z0-9_.][\w./-]*/[\w.-]+\.\w{2,5})`")
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")


def no_hosts_or_machines(tree: Tree) -> Iterator[str]:
    """The repository works with anybody's registry and on anybody's machine."""
    for path, text in tree.text_files.items():
        for number, line in enumerate(text.splitlines(), 1):
            for found in (HOSTS.search(line), MACHINE_PATHS.search(line)):
                if found:
                    yield f"{path}:{number}: names {found.group(0)}, which isn't everybody's"


def links(tree: Tree) -> Iterator[str]:
    """src/penstock holds one relative link a layer, and nothing else that could hide or shadow one."""
    package = tree.root / "src" / "penstock"
    for layer in LAYERS:
        link = package / layer
        if not link.is_symlink() or link.readlink() != Path("..", "..", layer):
            yield f"src/penstock/{layer}:1: must be a link to ../../{layer}"
    allowed = {*LAYERS, "__init__.py", "py.typed", "__pycache__"}
    for path in package.iterdir():
        if path.name not in allowed:
            yield f"src/penstock/{path.name}:1: doesn't belong here; code stands in the layers' folders"


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
    version = _pyproject(tree)["project"]["version"]
    if not re.search(rf"^## .*{re.escape(version)}", tree.text_files.get("CHANGELOG.md", ""), re.MULTILINE):
        yield f"CHANGELOG.md:1: has no section for {version}"
    if f'__version__ = "{version}"' not in (tree.root / "src/penstock/__init__.py").read_text():
        yield f"src/penstock/__init__.py:1: __version__ isn't pyproject's {version}"


def folder_lists(tree: Tree) -> Iterator[str]:
    """A layer that a list of pyproject's forgets is missing from the wheel, unchecked, or importable bare."""
    tool = _pyproject(tree)["tool"]
    targets = tool["hatch"]["build"]["targets"]
    lists = {
        "wheel only-include": targets["wheel"]["only-include"],
        "wheel sources": targets["wheel"]["sources"],
        "sdist only-include": targets["sdist"]["only-include"],
        "pyright include": tool["pyright"]["include"],
        "ruff banned-api": tool["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"],
    }
    present = {path.parent.name for path in tree.root.glob("*/__init__.py")} - {*BESIDE}
    for layer in sorted({*LAYERS, *present}):
        for name, listed in lists.items():
            if layer not in listed:
                yield f"pyproject.toml:1: {name} doesn't list {layer}"


def agents_in_contracts(tree: Tree) -> Iterator[str]:
    """A new agent is named in the independence contract, a new decider in the contracts of purity too."""
    contracts = {one["id"]: one for one in _pyproject(tree)["tool"]["importlinter"]["contracts"]}
    independent = contracts["agents"]["layers"][0]
    for folder in tree.agents():
        if f"({folder.name})" not in independent:
            yield f"pyproject.toml:1: the agents contract doesn't name {folder.name}"
        for purity in ("pure-machinery", "pure-world") if (folder / "decision.py").exists() else ():
            if f"penstock.streams.{folder.name}" not in contracts[purity]["source_modules"]:
                yield f"pyproject.toml:1: the {purity} contract doesn't name {folder.name}"


def lock(tree: Tree) -> Iterator[str]:
    """requirements.lock covers what pyproject.toml asks for, hash by hash, and names no index."""
    text = tree.text_files.get("requirements.lock", "")
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))
    for name in pinned:
        if not re.search(rf"^{re.escape(name)}==.*\\\n    --hash=", text, re.MULTILINE):
            yield f"requirements.lock:1: {name} has no hash"
    for requirement in _requirements(tree):
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name not in pinned or pinned[name] not in requirement.specifier:
            yield f"requirements.lock:1: doesn't cover {requirement}; type `make lock`"
    if "://" in text:
        yield "requirements.lock:1: names an index; type `make lock`"


def declared_dependencies(tree: Tree) -> Iterator[str]:
    """What the package imports is a dependency of the package, not only of the developers."""
    project = _pyproject(tree)["project"]
    wanted = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    declared = {Requirement(text).name.lower().replace("_", "-") for text in wanted}
    # What these bring along by their own declaration and is part of their public interface.
    declared |= {
        "mode-streaming",
        "psycopg-pool",
        "psycopg-binary",
        "starlette",
        "opentelemetry-api",
        "pydantic-core",
    }
    owners = packages_distributions()
    for module in tree.modules():
        for line, name in third_party_imports(module):
            if name in sys.stdlib_module_names or name == "penstock":
                continue
            if not {owner.lower().replace("_", "-") for owner in owners.get(name, [name])} & declared:
                yield f"{module.path}:{line}: imports {name}, which [project] dependencies don't name"


def make_targets(tree: Tree) -> Iterator[str]:
    """Every `make <target>` that a document tells a reader to type exists."""
    targets = set(re.findall(r"^([a-z-]+):", tree.text_files.get("Makefile", ""), re.MULTILINE))
    for path, text in tree.text_files.items():
        if path.endswith(".md"):
            for number, line in enumerate(text.splitlines(), 1):
                for target in re.findall(r"(?:`|^\s*(?:\$ )?)make ([a-z][a-z-]*)", line):
                    if target not in targets:
                        yield f"{path}:{number}: `make {target}` isn't in the Makefile"


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


def _requirements(tree: Tree) -> Iterator[Requirement]:
    pyproject = _pyproject(tree)
    project = pyproject["project"]
    groups = [*project["optional-dependencies"].values(), *pyproject["dependency-groups"].values()]
    for group in [project["dependencies"], *groups]:
        yield from (Requirement(text) for text in group)


def _pyproject(tree: Tree) -> dict[str, Any]:
    return tomllib.loads((tree.root / "pyproject.toml").read_text())
