"""Each rule about the repository as a whole catches a planted violation."""

import pytest
from tests.tidy import repository_rules
from tests.tidy.tree import Tree, plant


@pytest.mark.parametrize(
    "line", ["https://pypi.org~/simple", "/ro~ot/x", "see /wo~rk/main/x", "'/ho~me/me/x'"]
)
def test_host_or_machine_path(tree: Tree, line: str) -> None:
    assert not list(repository_rules.no_hosts_or_machines(tree))
    assert list(
        repository_rules.no_hosts_or_machines(plant(tree, "docs/a.md", "fine\n" + line.replace("~", "")))
    )


def test_link_that_is_missing_wrong_or_a_copy(tree: Tree) -> None:
    assert not list(repository_rules.links(tree))
    link = tree.root / "src/penstock/api"
    link.unlink()
    assert list(repository_rules.links(tree))
    link.symlink_to(tree.root / "api")
    assert list(repository_rules.links(tree)), "an absolute link works on one machine only"
    link.unlink()
    link.mkdir()
    assert list(repository_rules.links(tree))


def test_code_beside_the_links(tree: Tree) -> None:
    assert list(repository_rules.links(plant(tree, "src/penstock/extra.py", "")))


def test_layer_that_no_list_names(tree: Tree) -> None:
    assert not list(repository_rules.folder_lists(tree))
    assert len(list(repository_rules.folder_lists(plant(tree, "ledger/__init__.py", "")))) == 5


def test_agent_that_no_contract_names(tree: Tree) -> None:
    assert not list(repository_rules.agents_in_contracts(plant(tree, "streams/runs/decision.py", "")))
    assert len(list(repository_rules.agents_in_contracts(plant(tree, "streams/new/agent.py", "")))) == 1
    assert len(list(repository_rules.agents_in_contracts(plant(tree, "streams/new/decision.py", "")))) == 3


def test_lock_that_is_behind_unhashed_or_names_an_index(tree: Tree) -> None:
    assert not list(repository_rules.lock(tree))
    text = (tree.root / "requirements.lock").read_text()
    pyproject = (tree.root / "pyproject.toml").read_text()
    assert list(
        repository_rules.lock(plant(tree, "requirements.lock", f"--index-url https://example.org\n{text}"))
    )
    assert list(repository_rules.lock(plant(tree, "requirements.lock", text + "extra==1.0\n")))
    plant(tree, "requirements.lock", text)
    assert list(
        repository_rules.lock(plant(tree, "pyproject.toml", pyproject.replace('"orjson>=', '"orjson>=9')))
    )
    assert list(
        repository_rules.lock(
            plant(tree, "pyproject.toml", pyproject.replace('"orjson', '"flask"\n,"orjson'))
        )
    )


def test_package_that_needs_a_developers_library(tree: Tree) -> None:
    assert not list(repository_rules.declared_dependencies(plant(tree, "api/a.py", "import httpx, json\n")))
    assert list(repository_rules.declared_dependencies(plant(tree, "api/a.py", "import pytest\n")))
