"""Each rule about code catches a planted violation, and only that: a rule that can't fail is no rule."""

import pytest
from tests.tidy import code_rules
from tests.tidy.tree import Tree, plant


def test_module_of_251_lines(tree: Tree) -> None:
    assert not list(code_rules.module_length(plant(tree, "runtime/long.py", "x = 1\n" * 250)))
    assert list(code_rules.module_length(plant(tree, "runtime/long.py", "x = 1\n" * 251)))
    assert list(code_rules.module_length(plant(tree, "tests/long.py", "x = 1\n" * 251)))


def test_generated_records_may_be_long(tree: Tree) -> None:
    assert not list(code_rules.module_length(plant(tree, "schemas/run/records.py", "x = 1\n" * 999)))


def test_function_of_61_lines(tree: Tree) -> None:
    sixty = plant(tree, "api/a.py", "async def f():\n" + "    x = 1\n" * 59)
    assert not list(code_rules.function_length(sixty))
    more = plant(tree, "api/a.py", "class C:\n    async def f(self):\n" + "        x = 1\n" * 60)
    assert list(code_rules.function_length(more)) == ["api/a.py:2: f has 61 lines; 60 is the most"]


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
