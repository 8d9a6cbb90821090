"""The rules of the house over the real checkout; test_*_catches.py show that each of them can fail."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from tests.tidy import code_rules, document_rules, repository_rules
from tests.tidy.tree import LAYERS, REPOSITORY, Tree

RULES: tuple[Callable[[Tree], Iterator[str]], ...] = (
    code_rules.module_length,
    code_rules.function_length,
    code_rules.module_names,
    code_rules.module_docstrings,
    code_rules.public_docstrings,
    code_rules.finished,
    code_rules.bare_imports,
    code_rules.pure_decisions,
    code_rules.broad_excepts,
    code_rules.topics_named_once,
    code_rules.agent_folders,
    repository_rules.no_hosts_or_machines,
    repository_rules.links,
    document_rules.document_links,
    document_rules.documents,
    repository_rules.folder_lists,
    repository_rules.agents_in_contracts,
    repository_rules.lock,
    repository_rules.declared_dependencies,
    document_rules.make_targets,
    document_rules.penstock_commands,
    document_rules.environment_variables,
)
CHECKOUT = Tree(REPOSITORY)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_checkout_keeps(rule: Callable[[Tree], Iterator[str]]) -> None:
    violations = list(rule(CHECKOUT))
    assert not violations, "\n" + "\n".join(violations)


def test_every_rule_is_run_and_has_its_planted_violation() -> None:
    written = {
        rule
        for rules in (code_rules, document_rules, repository_rules)
        for name, rule in vars(rules).items()
        if not name.startswith("_")
        and getattr(rule, "__annotations__", {}).get("return") == Iterator[str]
        and "tree" in rule.__annotations__
    }
    assert set(RULES) == {rule for rule in written if rule.__annotations__["tree"] is Tree}
    catches = "".join(path.read_text() for path in (REPOSITORY / "tests/tidy").glob("test_*_catches.py"))
    assert [rule.__name__ for rule in RULES if f".{rule.__name__}" not in catches] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_refuses_its_bare_name(layer: str) -> None:
    # -c puts the working folder on the path, as uvicorn and a REPL do.
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import {layer}"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert f"ImportError: import penstock.{layer}" in done.stderr
