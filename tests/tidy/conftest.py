"""A small checkout in which the tests plant what the rules must catch."""

import shutil
from pathlib import Path

import pytest
from tests.tidy.tree import LAYERS, REPOSITORY, Tree

import penstock


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small checkout that keeps every rule: layers and links, and our own pyproject, lock, Makefile."""
    for layer in LAYERS:
        (tmp_path / layer).mkdir()
        (tmp_path / layer / "__init__.py").write_text((REPOSITORY / layer / "__init__.py").read_text())
    package = tmp_path / "src" / "penstock"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text((REPOSITORY / "src/penstock/__init__.py").read_text())
    for layer in LAYERS:
        (package / layer).symlink_to(Path("..", "..", layer))
    for name in ("pyproject.toml", "requirements.lock", "Makefile"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        (tmp_path / name).write_text("Planted words. " * 20)
    (tmp_path / "CHANGELOG.md").write_text(f"## {penstock.__version__}\n" + "Planted words. " * 20)
    return Tree(tmp_path)
