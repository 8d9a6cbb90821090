"""What users write: tools, rules, workflows and applications, and what is wrong with wrong ones."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import penstock
from penstock import Application, Retry, Run, workflow
from penstock.declare.application import load_application
from penstock.declare.errors import DeclarationError, InvalidInput, ToolFailed, ToolRefused

from .test_tools import CALL, Party, refund, retrieve, small


@workflow("w", version=1, deadline=None, max_steps=5, fails_with=(KeyError,))
async def first(run: Run, party: Party) -> list[Party]:
    return [party]


@workflow("w", version=2)
async def second(run: Run, party: Party) -> list[Party]:
    return [party, party]


KNOWN = Application("k", workflows=(first, second), tools=(refund, retrieve), rules=(small,))


def test_workflow_values_are_checked_both_ways() -> None:
    assert first.decode_input(first.encode_input({"name": "z"})) == Party(name="z")
    assert first.decode_result(first.encode_result([Party(name="z")])) == [Party(name="z")]
    with pytest.raises(InvalidInput, match="name"):
        first.decode_input(b"{}")
    with pytest.raises(InvalidInput, match="and 30 more"):
        first.encode_result([{}] * 50)
    with pytest.raises(InvalidInput):
        first.encode_result("no list")
    assert (first.deadline_ms, first.max_steps, first.fails_with) == (None, 5, (KeyError,))
    assert second.deadline_ms == 30 * 24 * 3600 * 1000


def test_a_workflow_must_be_async_with_two_parameters() -> None:
    with pytest.raises(DeclarationError, match="async def"):

        @workflow("bad", version=1)  # type: ignore[arg-type]
        def plain(run: Run, party: Party) -> None: ...

    with pytest.raises(DeclarationError, match="async def"):

        @workflow("bad", version=1)  # type: ignore[arg-type]
        async def one(run: Run) -> None: ...

    with pytest.raises(DeclarationError, match="above zero"):
        workflow("bad", version=0)


def test_the_newest_version_is_found_unless_one_is_named() -> None:
    assert KNOWN.workflow("w") is second
    assert KNOWN.workflow("w", 1) is first
    assert KNOWN.workflow("w", 3) is None
    assert KNOWN.workflow("none") is None
    assert KNOWN.tool("refund", 4) is refund
    assert KNOWN.tool("refund", 5) is None
    assert (KNOWN.rule("refund"), KNOWN.rule_version("refund"), KNOWN.rule_version("retrieve:x")) == (
        small,
        2,
        0,
    )


def test_an_application_refuses_what_is_registered_twice_or_not_at_all() -> None:
    with pytest.raises(DeclarationError, match="registered twice"):
        Application("k", tools=(refund, refund))
    with pytest.raises(DeclarationError, match="register that tool"):
        Application("k", rules=(small,))
    with pytest.raises(DeclarationError, match="two approval rules"):
        Application("k", tools=(refund,), rules=(small, small))
    with pytest.raises(DeclarationError, match="no workflow"):
        Application("k", workflows=(test_errors_say_what_they_know,))


def test_an_application_is_loaded_by_module_and_attribute() -> None:
    assert load_application(f"{__name__}:KNOWN") is sys.modules[__name__].KNOWN
    for path, said in (("nothing", "module:attribute"), ("no.such:x", "imported"), ("json:dumps", "no App")):
        with pytest.raises(DeclarationError, match=said):
            load_application(path)


def test_code_hashes_follow_the_code() -> None:
    assert first.code_hash == first.code_hash
    assert first.code_hash != second.code_hash
    program = "from tests.declare.test_declarations import first; print(first.code_hash)"
    root = Path(__file__).parents[2]
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == first.code_hash, "another process must come to the same hash"


def test_retries_back_off_with_jitter_up_to_the_longest() -> None:
    retry = Retry(attempts=9, first=timedelta(seconds=1), longest=timedelta(seconds=5))
    assert [retry.delay_ms(attempt, 0.0) for attempt in (1, 2, 3, 4)] == [500, 1000, 2000, 2500]
    assert retry.delay_ms(1, 0.999) == 999
    assert retry.delay_ms(10_000, 0.0) == 2500
    with pytest.raises(DeclarationError, match="1 or more"):
        Retry(attempts=0)
    with pytest.raises(DeclarationError, match="factor"):
        Retry(factor=0.5)


def test_public_names_are_all_there_and_loaded_when_used() -> None:
    for name in penstock.__all__:
        assert getattr(penstock, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = penstock.nonsense
    program = "import sys, penstock; print('pydantic' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_errors_say_what_they_know() -> None:
    failed, refused = ToolFailed("pay", "timeout", "no answer"), ToolRefused("pay", "grant_spent")
    assert str(failed) == "pay failed (timeout): no answer"
    assert str(refused) == "pay was refused (grant_spent)"
    assert CALL.idempotency_key == CALL.call_id
