"""Each tidy rule catches a planted violation, and only what it should: a rule that can't fail is no rule."""

import shutil
from pathlib import Path

import pytest
from tests.tidy import code_rules, repository_rules
from tests.tidy.tree import LAYERS, REPOSITORY, Tree

PLANTED_DOCSTRING = '"""Planted."""\n'


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
    for name in ("pyproject.toml", "requirements.lock", "Makefile", "CHANGELOG.md"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        (tmp_path / name).write_text("Planted words. " * 20)
    return Tree(tmp_path)


def plant(tree: Tree, path: str, text: str) -> Tree:
    """The tree with one more file; a fresh Tree, because a Tree remembers what it has read."""
    target = tree.root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    return Tree(tree.root)


def test_module_of_251_lines(tree: Tree) -> None:
    assert not list(code_rules.module_length(plant(tree, "runtime/long.py", "x = 1\n" * 250)))
    assert list(code_rules.module_length(plant(tree, "runtime/long.py", "x = 1\n" * 251)))
    assert list(code_rules.module_length(plant(tree, "tests/long.py", "x = 1\n" * 251)))


def test_generated_records_may_be_long(tree: Tree) -> None:
    assert not list(code_rules.module_length(plant(tree, "schemas/run/records.py", "x = 1\n" * 999)))


def test_function_of_61_lines(tree: Tree) -> None:
    plant(tree, "api/a.py", "async def f():\n" + "    x = 1\n" * 59)
    assert not list(code_rules.function_length(tree))
    plant(tree, "api/a.py", "class C:\n    async def f(self):\n" + "        x = 1\n" * 60)
    assert list(code_rules.function_length(tree)) == ["api/a.py:2: f has 61 lines; 60 is the most"]


@pytest.mark.parametrize("path", ["runtime/utils.py", "streams/common/x.py", "tests/helpers.py"])
def test_name_that_says_nothing(tree: Tree, path: str) -> None:
    assert not list(code_rules.module_names(tree))
    assert list(code_rules.module_names(plant(tree, path, "")))


def test_module_without_docstring(tree: Tree) -> None:
    assert not list(code_rules.module_docstrings(tree)), "the guards may be silent"
    assert list(code_rules.module_docstrings(plant(tree, "audit/a.py", "x = 1\n")))
    assert list(code_rules.module_docstrings(plant(tree, "audit/a/__init__.py", "x = 1\n")))


def test_public_method_without_docstring(tree: Tree) -> None:
    hidden = "class _C:\n    def f(self): ...\ndef _g(): ...\nclass D:\n    def _h(self): ...\n"
    assert not list(code_rules.public_docstrings(plant(tree, "declare/a.py", hidden)))
    assert list(code_rules.public_docstrings(plant(tree, "declare/a.py", "class C:\n    def f(self): ...\n")))
    assert list(code_rules.public_docstrings(plant(tree, "producers/a.py", "async def f(): ...\n")))


@pytest.mark.parametrize("line", ["# TO~DO later", "x = 1  # FIX~ME", "pass  # st~ub"])
def test_unfinished_line(tree: Tree, line: str) -> None:
    assert not list(code_rules.finished(tree))
    assert list(code_rules.finished(plant(tree, "runtime/a.py", line.replace("~", "") + "\n")))


@pytest.mark.parametrize(
    "line", ["import streams.host", "from schemas import codec", "def f():\n    import api"]
)
def test_bare_import(tree: Tree, line: str) -> None:
    assert not list(
        code_rules.bare_imports(plant(tree, "tests/a.py", "import penstock.streams\nfrom . import api\n"))
    )
    assert list(code_rules.bare_imports(plant(tree, "tests/a.py", line + "\n")))


@pytest.mark.parametrize(
    "line", ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "open('x')", "print(1)"]
)
def test_decision_that_looks_at_the_world(tree: Tree, line: str) -> None:
    plant(tree, "streams/tools/effect.py", line + "\n")
    plant(tree, "streams/runs/agent.py", line + "\n")
    assert not list(code_rules.pure_decisions(plant(tree, "streams/runs/decision.py", "run.now()\n")))
    assert list(code_rules.pure_decisions(plant(tree, "streams/runs/folding.py", line + "\n")))
    plant(tree, "streams/runs/folding.py", "")
    assert list(code_rules.pure_decisions(plant(tree, "streams/runs/decision.py", line + "\n")))


def test_broad_except_outside_the_hosts(tree: Tree) -> None:
    line = "    except Exception:  # noqa: BLE001\n"
    text = f"try:\n    pass\n{line[4:]}    pass\n"
    assert not list(code_rules.broad_excepts(plant(tree, "streams/runner.py", text)))
    assert list(code_rules.broad_excepts(plant(tree, "audit/a.py", text)))


def test_topic_spelt_outside_the_catalogue(tree: Tree) -> None:
    plant(tree, "schemas/topics.py", "RUN = 'penstock.run.inbox'\n")
    plant(tree, "streams/a.py", "def f(noun): return f'penstock.{noun}.events', 'reads penstock.run.inbox'\n")
    assert not list(code_rules.topics_named_once(tree))
    assert list(code_rules.topics_named_once(plant(tree, "audit/a.py", "f('penstock.run.events')\n")))
    assert list(
        code_rules.topics_named_once(plant(tree, "audit/a.py", "'penstock.run.inbox.penstock.a.dlq'\n"))
    )


def test_agent_folder_without_its_files_or_its_words(tree: Tree) -> None:
    words = '"""Reads, writes, key, state, guarantees."""\n'
    for name, text in {"__init__": words, "state": "", "decision": "", "agent": ""}.items():
        tree = plant(tree, f"streams/runs/{name}.py", text)
    assert not list(code_rules.agent_folders(tree))
    assert len(list(code_rules.agent_folders(plant(tree, "streams/runs/__init__.py", '"""Runs."""\n')))) == 5
    plant(tree, "streams/runs/__init__.py", words)
    tree = plant(tree, "streams/tools/__init__.py", words)
    missing = [line.split(":")[0] for line in code_rules.agent_folders(tree)]
    assert missing == ["streams/tools/agent.py", "streams/tools/effect.py", "streams/tools/ports.py"]


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


@pytest.mark.parametrize("line", ["see [it](gone.md)", "see [it](../gone/)", "see `streams/gone.py`"])
def test_document_that_points_nowhere(tree: Tree, line: str) -> None:
    fine = "[a](../README.md#x) [b](https://example.org) `streams/__init__.py`"
    assert not list(repository_rules.document_links(plant(tree, "docs/a.md", fine)))
    assert list(repository_rules.document_links(plant(tree, "docs/a.md", line)))


def test_changelog_missing_or_behind(tree: Tree) -> None:
    assert not list(repository_rules.documents(tree))
    assert list(repository_rules.documents(plant(tree, "CHANGELOG.md", "words " * 100)))
    (tree.root / "CHANGELOG.md").unlink()
    assert list(repository_rules.documents(Tree(tree.root)))


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


def test_document_with_an_unknown_make_target(tree: Tree) -> None:
    assert not list(
        repository_rules.make_targets(plant(tree, "docs/a.md", "`make run ARGS=--once`, make sense"))
    )
    assert list(repository_rules.make_targets(plant(tree, "docs/a.md", "`make everything`")))


def test_environment_variable_documented_or_read_alone(tree: Tree) -> None:
    page = "`PENSTOCK_PLANTED`"
    plant(tree, "runtime/a.py", f"{PLANTED_DOCSTRING}NAME = 'PENSTOCK_PLANTED'\n")
    assert not list(repository_rules.environment_variables(plant(tree, "docs/operating.md", page)))
    assert list(
        repository_rules.environment_variables(plant(tree, "docs/operating.md", page + " `PENSTOCK_GONE`"))
    )
    assert list(repository_rules.environment_variables(plant(tree, "docs/operating.md", "")))


def test_setting_that_the_operator_is_not_told_of(tree: Tree) -> None:
    settings = (
        "class Settings(BaseSettings):\n    lease_ms: int = 1\n    url: str = Field(validation_alias='URL')\n"
    )
    plant(tree, "runtime/settings.py", settings)
    assert not list(
        repository_rules.environment_variables(plant(tree, "docs/operating.md", "`PENSTOCK_LEASE_MS`"))
    )
    assert list(repository_rules.environment_variables(plant(tree, "docs/operating.md", "")))
