"""The checkout as the tidy rules see it: a root folder, its Python modules and its text files.

A rule takes a Tree and gives one line a violation, "path:line: what is wrong and what to do". So the same
rule runs over the real checkout and over a planted one.
"""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LAYERS = ("schemas", "producers", "declare", "runtime", "api", "streams", "audit", "cli", "examples")
BESIDE = ("tests", "bench", "deploy")
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its path from the root, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return Path(self.path).stem

    @property
    def is_generated(self) -> bool:
        """Written by schemas/generate.py, so that its size and wording are the schemas'."""
        return self.path.startswith("schemas/") and self.name in ("records", "wire", "bodies")

    @property
    def is_guard(self) -> bool:
        """An __init__.py that is empty, or only refuses to be imported under its bare name."""
        return self.name == "__init__" and all(isinstance(node, ast.If) for node in self.tree.body)


@dataclass(frozen=True)
class Tree:
    """A checkout, or a planted copy of a part of one."""

    root: Path

    def modules(self, *folders: str) -> Iterator[Module]:
        """The Python files under these folders, all layers if none is named; never through links."""
        for folder in folders or LAYERS:
            yield from self._read(folder)

    def _read(self, folder: str) -> list[Module]:
        if folder not in self._modules:
            self._modules[folder] = [self._parse(path) for path in sorted((self.root / folder).rglob("*.py"))]
        return self._modules[folder]

    def _parse(self, path: Path) -> Module:
        text = path.read_text()
        return Module(path.relative_to(self.root).as_posix(), text, ast.parse(text, str(path)))

    @cached_property
    def _modules(self) -> dict[str, list[Module]]:
        """By folder: parsing costs more than all the rules."""
        return {}

    @cached_property
    def text_files(self) -> dict[str, str]:
        """Every file that belongs to the repository and is text, by its path from the root."""
        files = {}
        for name in self.names():
            path = self.root / name
            if path.is_file() and not path.is_symlink():
                try:
                    files[name] = path.read_text()
                except UnicodeDecodeError:
                    continue
        return files

    def names(self) -> list[str]:
        """Every file and link that belongs to the repository: tracked, or new and not ignored."""
        if not (self.root / ".git").exists():
            return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*"))
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        return subprocess.run(
            command, cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.splitlines()

    def agents(self) -> list[Path]:
        """The agents' folders: those under streams/ that hold Python files."""
        return [folder for folder in sorted((self.root / "streams").glob("*/")) if list(folder.glob("*.py"))]


def plant(tree: Tree, path: str, text: str) -> Tree:
    """The tree with one more file; a fresh Tree, because a Tree remembers what it has read."""
    target = tree.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return Tree(tree.root)
