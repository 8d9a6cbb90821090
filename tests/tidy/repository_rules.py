"""The rules that the repository as a whole can break: links, lists of folders, lock, dependencies."""

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


def folder_lists(tree: Tree) -> Iterator[str]:
    """A layer that a list of pyproject's forgets is missing from the wheel, unchecked, or importable bare."""
    tool = pyproject(tree)["tool"]
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
    contracts = {one["id"]: one for one in pyproject(tree)["tool"]["importlinter"]["contracts"]}
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
    project = pyproject(tree)["project"]
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


def _requirements(tree: Tree) -> Iterator[Requirement]:
    told = pyproject(tree)
    project = told["project"]
    groups = [*project["optional-dependencies"].values(), *told["dependency-groups"].values()]
    for group in [project["dependencies"], *groups]:
        yield from (Requirement(text) for text in group)


def pyproject(tree: Tree) -> dict[str, Any]:
    """pyproject.toml as it is read."""
    return tomllib.loads((tree.root / "pyproject.toml").read_text())
