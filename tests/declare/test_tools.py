"""Tools and rules: what they declare, and how arguments and results become bytes and come back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import BaseModel

from penstock import Call, approval_rule, tool
from penstock.declare.errors import DeclarationError, InvalidArguments

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
