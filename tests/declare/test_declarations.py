"""What users write: tools, rules, workflows and applications, and what is wrong with wrong ones."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import BaseModel

import penstock
from penstock import Application, Call, Retry, Run, approval_rule, tool, workflow
from penstock.declare.application import load_application
from penstock.declare.errors import DeclarationError, InvalidArguments, InvalidInput, ToolFailed, ToolRefused

CALL = Call(call_id="c", attempt=1, run_id="r", tenant="t", requester="q")


class Party(BaseModel):
    name: str
    born: datetime | None = None


@tool(
    effect="unsafe", risk="low", version=4, owner="casework", roles=("a", "b"), timeout=timedelta(seconds=2)
)
def refund(
    call: Call,
    *,
    party: Party,
    amount: Decimal,
    schema: str = "s",
    tags: list[str] = ["new"],  # noqa: B006
) -> Party:
    tags.append("used")
    return party


@tool(effect="read", name="retrieve:x")
async def retrieve(call: Call, *, query: str) -> list[int]:
    return [len(query)]


@approval_rule(tool=refund, version=2)
def small(arguments: Mapping[str, object]) -> bool:
    return arguments["amount"] == Decimal("1")


@workflow("w", version=1, deadline=None, max_steps=5, fails_with=(KeyError,))
async def first(run: Run, party: Party) -> list[Party]:
    return [party]


@workflow("w", version=2)
async def second(run: Run, party: Party) -> list[Party]:
    return [party, party]


KNOWN = Application("k", workflows=(first, second), tools=(refund, retrieve), rules=(small,))


def test_a_tool_knows_what_it_declares() -> None:
    assert (refund.name, refund.version, refund.effect, refund.timeout_ms) == ("refund", 4, "unsafe", 2000)
    assert (refund.roles, refund.writes, retrieve.writes) == (frozenset("ab"), True, False)
    assert retrieve.name == "retrieve:x"


def test_arguments_have_one_canonical_form_with_defaults_filled_in() -> None:
    encoded = refund.encode_arguments({"party": {"name": "Zoë"}, "amount": "1.50"})
    expected = '{"amount":"1.50","party":{"born":null,"name":"Zoë"},"schema":"s","tags":["new"]}'
    assert encoded == expected.encode()
    assert refund.encode_arguments({"amount": Decimal("1.50"), "party": Party(name="Zoë")}) == encoded


def test_arguments_come_back_as_the_function_takes_them() -> None:
    born = datetime(2000, 1, 2, tzinfo=UTC)
    encoded = refund.encode_arguments({"party": Party(name="z", born=born), "amount": 1})
    arguments = refund.decode_arguments(encoded)
    assert arguments["party"] == Party(name="z", born=born)
    assert refund.function(CALL, **arguments) == Party(name="z", born=born)
    assert refund.encode_arguments({"party": Party(name="z", born=born), "amount": 1}) == encoded


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"party": {"name": "z"}}, "amount"),
        ({"party": {"name": "z"}, "amount": 1, "more": 2}, "more"),
        ({"party": {"nom": "secret-value"}, "amount": 1}, "party.name"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_field(arguments: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidArguments, match=named) as refused:
        refund.encode_arguments(arguments)
    assert "secret-value" not in str(refused.value)


def test_numbers_that_json_can_not_carry_are_refused() -> None:
    @tool(effect="read")
    def count(call: Call, *, number: float, whole: int = 0) -> float:
        return number

    for bad in ({"number": float("nan")}, {"number": float("inf")}, {"number": 1, "whole": 2**60}):
        with pytest.raises(InvalidArguments):
            count.encode_arguments(bad)


def test_results_are_checked_both_ways() -> None:
    assert refund.decode_result(refund.encode_result({"name": "z"})) == Party(name="z")
    with pytest.raises(InvalidArguments, match="name"):
        refund.encode_result({"nom": "z"})
    with pytest.raises(InvalidArguments):
        refund.decode_result(b"7")


def test_a_tool_without_annotations_or_with_positional_arguments_is_refused() -> None:
    with pytest.raises(DeclarationError, match="call: Call"):

        @tool(effect="read")  # type: ignore[arg-type]
        def no_call(*, a: int) -> None: ...

    with pytest.raises(DeclarationError, match="keyword-only"):

        @tool(effect="read")
        def positional(call: Call, a: int) -> None: ...

    with pytest.raises(DeclarationError, match="annotate"):

        @tool(effect="read")
        def silent(call: Call, *, a: int): ...  # type: ignore[no-untyped-def]

    with pytest.raises(DeclarationError, match="grant"):

        @tool(effect="read")
        def clash(call: Call, *, grant: str) -> None: ...

    with pytest.raises(DeclarationError, match="concurrency"):

        @tool(effect="read", concurrency=0)
        def none_at_once(call: Call) -> None: ...


def test_a_rule_grants_only_by_true_and_never_for_reads_or_high_risk() -> None:
    assert small.grants({"amount": Decimal("1")})
    assert not small.grants({"amount": Decimal("2")})
    truthy = approval_rule(tool=refund, version=3)(lambda arguments: "yes")  # type: ignore[arg-type, return-value]
    assert not truthy.grants({})
    with pytest.raises(DeclarationError, match="only reads"):
        approval_rule(tool=retrieve, version=1)

    @tool(effect="unsafe", risk="high")
    def grave(call: Call) -> None: ...

    with pytest.raises(DeclarationError, match="only a person"):
        approval_rule(tool=grave, version=1)


def test_workflow_values_are_checked_both_ways() -> None:
    assert first.decode_input(first.encode_input({"name": "z"})) == Party(name="z")
    assert first.decode_result(first.encode_result([Party(name="z")])) == [Party(name="z")]
    with pytest.raises(InvalidInput, match="name"):
        first.decode_input(b"{}")
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
        Application("k", workflows=(test_results_are_checked_both_ways,))


def test_an_application_is_loaded_by_module_and_attribute() -> None:
    assert load_application(f"{__name__}:KNOWN") is sys.modules[__name__].KNOWN
    for path, said in (("nothing", "module:attribute"), ("no.such:x", "imported"), ("json:dumps", "no App")):
        with pytest.raises(DeclarationError, match=said):
            load_application(path)


def test_code_hashes_follow_the_code() -> None:
    assert first.code_hash == first.code_hash
    assert first.code_hash != second.code_hash
    program = f"import {penstock.__name__}; from tests.declare.test_declarations import first; print(first.code_hash)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if found.returncode == 0:  # The tests' package is importable where pytest was started from the root.
        assert found.stdout.strip() == first.code_hash


def test_retries_back_off_with_jitter_up_to_the_longest() -> None:
    retry = Retry(attempts=9, first=timedelta(seconds=1), longest=timedelta(seconds=5))
    assert [retry.delay_ms(attempt, 0.0) for attempt in (1, 2, 3, 4)] == [500, 1000, 2000, 2500]
    assert retry.delay_ms(1, 0.999) == 999
    assert retry.delay_ms(10_000, 0.0) == 2500
    for wrong in (dict(attempts=0), dict(factor=0.5)):
        with pytest.raises(DeclarationError):
            Retry(**wrong)


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
