"""Each rule about documents and messages catches a planted untruth."""

import pytest
from tests.tidy import document_rules
from tests.tidy.tree import Tree, plant


@pytest.mark.parametrize("line", ["see [it](gone.md)", "see [it](../gone/)", "see `streams/gone.py`"])
def test_document_that_points_nowhere(tree: Tree, line: str) -> None:
    fine = "[a](../README.md#x) [b](https://example.org) `streams/__init__.py`"
    assert not list(document_rules.document_links(plant(tree, "docs/a.md", fine)))
    assert list(document_rules.document_links(plant(tree, "docs/a.md", line)))


def test_changelog_missing_or_behind(tree: Tree) -> None:
    assert not list(document_rules.documents(tree))
    assert list(document_rules.documents(plant(tree, "CHANGELOG.md", "words " * 100)))
    (tree.root / "CHANGELOG.md").unlink()
    assert list(document_rules.documents(Tree(tree.root)))


def test_document_with_an_unknown_make_target(tree: Tree) -> None:
    assert not list(
        document_rules.make_targets(plant(tree, "docs/a.md", "`make run ARGS=--once`, make sense"))
    )
    assert list(document_rules.make_targets(plant(tree, "docs/a.md", "`make everything`")))


def test_environment_variable_documented_or_read_alone(tree: Tree) -> None:
    page = "`PENSTOCK_PLANTED`"
    plant(tree, "runtime/a.py", "NAME = 'PENSTOCK_PLANTED'\n")
    assert not list(document_rules.environment_variables(plant(tree, "docs/operating.md", page)))
    assert list(
        document_rules.environment_variables(plant(tree, "docs/operating.md", page + " `PENSTOCK_GONE`"))
    )
    assert list(document_rules.environment_variables(plant(tree, "docs/operating.md", "")))


def test_setting_that_the_operator_is_not_told_of(tree: Tree) -> None:
    settings = (
        "class Settings(BaseSettings):\n    lease_ms: int = 1\n    url: str = Field(validation_alias='URL')\n"
    )
    plant(tree, "runtime/settings.py", settings)
    assert not list(
        document_rules.environment_variables(plant(tree, "docs/operating.md", "`PENSTOCK_LEASE_MS`"))
    )
    assert list(document_rules.environment_variables(plant(tree, "docs/operating.md", "")))


@pytest.mark.parametrize("line", ["`penstock gone`", "$ penstock gone", "`python -m penstock.cli.gone --x`"])
def test_command_that_cannot_be_typed(tree: Tree, line: str) -> None:
    commands = "@app.command()\ndef up(): ...\n@app.command('views-x')\ndef v(): ...\n"
    later = "COMMANDS = {'so-far': Later('h', 'm:f', 'p')}\n"
    plant(tree, "cli/planted.py", commands + "app.add_typer(k, name='keys')\n" + later)
    fine = "`penstock up -d` `penstock keys` `penstock so-far`\n$ penstock views-x\n`python -m penstock.cli.planted`\n"
    assert not list(document_rules.penstock_commands(plant(tree, "docs/a.md", fine)))
    assert list(document_rules.penstock_commands(plant(tree, "docs/a.md", line)))
    plant(tree, "docs/a.md", "")
    assert list(document_rules.penstock_commands(plant(tree, "runtime/a.sql", line)))
