"""The drafter on the thirty cases. The table was worked out by hand from the manual's text."""

from dataclasses import dataclass
from datetime import date
from typing import Final

import pytest

from penstock.examples.casework.desk import Desk
from penstock.examples.casework.drafter import RuleDrafter, questions
from penstock.examples.casework.facts import CaseFacts
from penstock.examples.casework.pages import read_pages
from penstock.examples.casework.policy import MANUAL
from penstock.examples.casework.recommendation import Draft
from penstock.examples.casework.seed import sample_cases

CASES: Final = {facts.case_id: facts for facts in sample_cases()}


@dataclass(frozen=True, slots=True)
class Expected:
    """Amounts in dollars as text, dates as month and day of 2025, flags only where there are any."""

    outcome: str
    amount: str
    decide_by: str | None
    finish_by: str | None
    cites: str
    share: str = "0.00"
    role: str = "analyst"
    flags: tuple[str, ...] = ()


CREDIT, REFUND, DENY = "provisional_credit", "refund", "deny"
ASK, REFER, CLOSE = "request_documents", "refer_to_supervisor", "close_duplicate"
NONE: Final = (None, None)

EXPECTED: Final = {
    "C-1001": Expected(CREDIT, "184.20", "04-21", "05-22", "dp-1-2 dp-3-1"),
    "C-1002": Expected(REFUND, "40.00", "05-28", "06-27", "dp-1-4 dp-4-3"),
    # The written confirmation is overdue, so no credit is due yet.
    "C-1003": Expected(ASK, "0.00", "03-12", "04-12", "dp-1-4 dp-2-3"),
    "C-1004": Expected(CREDIT, "131.04", "08-04", "09-04", "dp-1-3 dp-3-1"),
    "C-1005": Expected(REFUND, "62.99", "09-02", "11-16", "dp-1-3 dp-4-3"),
    "C-1006": Expected(CREDIT, "1612.33", "10-21", "11-20", "dp-1-3 dp-3-1"),
    # One business day after missing the card: the consumer bears $50. Point of sale: 90 days.
    "C-1007": Expected(CREDIT, "380.17", "09-23", "12-08", "dp-1-2 dp-3-1 dp-4-2 dp-5-1", share="50.00"),
    # Seven business days after the theft: the consumer bears $500. The PIN on a note changes nothing.
    "C-1008": Expected(CREDIT, "820.00", "04-25", "05-26", "dp-1-2 dp-3-1 dp-5-2", share="500.00"),
    # $38 is less than $50: the share takes up the whole amount.
    "C-1009": Expected(DENY, "0.00", *NONE, "dp-1-2 dp-5-1", share="38.00"),
    # Transfer 18 days after the first deposit: 20 business days and 90 days.
    "C-1010": Expected(CREDIT, "250.00", "07-23", "09-22", "dp-1-2 dp-3-1 dp-3-2 dp-4-2"),
    "C-1011": Expected(DENY, "0.00", *NONE, "dp-2-1"),
    "C-1012": Expected(REFER, "0.00", "05-06", "06-06", "dp-2-1 dp-2-4", role="supervisor"),
    # The sixtieth day is in time.
    "C-1013": Expected(CREDIT, "215.00", "04-15", "05-16", "dp-1-2 dp-3-1"),
    "C-1014": Expected(DENY, "0.00", *NONE, "dp-1-7"),
    "C-1015": Expected(CREDIT, "164.00", "03-25", "04-25", "dp-1-2 dp-3-1"),
    # The bank was told eight days before that he is no longer authorized.
    "C-1016": Expected(CREDIT, "400.00", "08-26", "09-26", "dp-1-2 dp-3-1"),
    "C-1017": Expected(DENY, "0.00", *NONE, "dp-1-2 dp-7-1"),
    "C-1018": Expected(CREDIT, "339.90", "03-05", "05-20", "dp-1-2 dp-3-1 dp-4-2"),
    "C-1019": Expected(ASK, "0.00", "07-21", "08-21", "dp-6-1"),
    "C-1020": Expected(ASK, "0.00", "10-15", "11-14", "dp-6-1"),
    "C-1021": Expected(CLOSE, "0.00", *NONE, "dp-11-3"),
    "C-1022": Expected(
        CREDIT, "4800.00", "11-05", "12-06", "dp-1-2 dp-3-1 dp-8-1", role="supervisor", flags=("high_value",)
    ),
    # Exactly at the line of $2,500 is over it.
    "C-1023": Expected(
        REFUND, "2500.00", "11-24", "12-22", "dp-1-3 dp-4-3 dp-8-1", role="supervisor", flags=("high_value",)
    ),
    "C-1024": Expected(
        REFER,
        "0.00",
        "09-12",
        "10-12",
        "dp-11-2 dp-8-1 dp-10-1",
        role="supervisor",
        flags=("high_value", "vulnerable_consumer", "vulnerability_in_narrative"),
    ),
    "C-1025": Expected(DENY, "0.00", *NONE, "dp-11-2"),
    "C-1026": Expected(REFUND, "224.80", "07-11", "08-10", "dp-1-3 dp-4-3 dp-11-4"),
    "C-1027": Expected(DENY, "0.00", *NONE, "dp-11-1"),
    "C-1028": Expected(DENY, "0.00", *NONE, "dp-1-6"),
    # As C-1001 would be with $75, but read by a supervisor.
    "C-1029": Expected(
        CREDIT,
        "75.00",
        "10-06",
        "11-06",
        "dp-1-2 dp-3-1 dp-9-3",
        role="supervisor",
        flags=("instructions_in_narrative",),
    ),
    "C-1030": Expected(
        REFER, "0.00", "11-14", "12-14", "dp-9-1", role="supervisor", flags=("suspected_ring",)
    ),
}


def drafted(desk: Desk, facts: CaseFacts) -> Draft:
    return desk.drafter.draft(facts, desk.policy.search(questions(facts), 12))


def test_the_table_covers_the_thirty_cases() -> None:
    assert len(CASES) == 30
    assert CASES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("case_id", EXPECTED)
def test_the_draft_is_what_the_manual_says(manual_desk: Desk, case_id: str) -> None:
    expected = EXPECTED[case_id]
    draft = drafted(manual_desk, CASES[case_id])
    assert draft.outcome == expected.outcome
    assert draft.amount_cents == cents(expected.amount)
    assert draft.consumer_share_cents == cents(expected.share)
    assert draft.decide_by == day(expected.decide_by)
    assert draft.finish_by == day(expected.finish_by)
    assert " ".join(draft.citations) == expected.cites
    assert draft.role == expected.role
    assert draft.risk == ("high" if expected.role == "supervisor" else "low")
    assert draft.flags == expected.flags


def test_every_reason_cites_a_paragraph_that_is_in_the_loaded_policy(manual_desk: Desk) -> None:
    known = {paragraph.id for paragraph in read_pages(MANUAL)}
    for facts in CASES.values():
        draft = drafted(manual_desk, facts)
        assert draft.reasons
        for reason in draft.reasons:
            assert reason.citations, (facts.case_id, reason.code)
            assert set(reason.citations) <= known
        assert draft.index_version == manual_desk.policy.current_version()


def test_the_drafter_cites_nothing_but_its_evidence(manual_desk: Desk) -> None:
    for facts in CASES.values():
        evidence = manual_desk.policy.search("carer\nATM", 2)
        assert set(RuleDrafter().draft(facts, evidence).citations) <= {hit.id for hit in evidence}


def test_without_evidence_a_supervisor_decides_and_nothing_is_cited() -> None:
    draft = RuleDrafter().draft(CASES["C-1001"], ())
    assert (draft.outcome, draft.amount_cents) == ("provisional_credit", 18420)
    assert draft.citations == ()
    assert draft.flags == ("policy_gap",)
    assert (draft.role, draft.index_version) == ("supervisor", None)


def test_missing_facts_are_asked_for_by_name(manual_desk: Desk) -> None:
    assert drafted(manual_desk, CASES["C-1019"]).asks_for == ("the amount of the error",)
    asked = drafted(manual_desk, CASES["C-1020"])
    assert asked.asks_for == ("the date of the transfer", "the reason for the dispute")
    assert "the date of the transfer, the reason for the dispute" in asked.letter
    assert drafted(manual_desk, CASES["C-1001"]).asks_for == ()


def test_the_same_input_gives_the_same_draft_to_the_byte(manual_desk: Desk) -> None:
    for facts in CASES.values():
        assert drafted(manual_desk, facts).model_dump_json() == drafted(manual_desk, facts).model_dump_json()


def test_one_cent_below_the_line_an_analyst_decides(manual_desk: Desk) -> None:
    below = changed(CASES["C-1022"], transfer={"posted_cents": 249_999})
    assert drafted(manual_desk, below).role == "analyst"
    at = changed(CASES["C-1022"], transfer={"posted_cents": 250_000})
    assert drafted(manual_desk, at).role == "supervisor"


def test_the_sixty_first_day_is_late() -> None:
    late = changed(CASES["C-1013"], notice={"received": date(2025, 4, 2)})
    assert RuleDrafter().draft(late, ()).outcome == "deny"
    # No statement shows the transfer yet: no notice can be late.
    unshown = changed(CASES["C-1013"], notice={"received": date(2025, 12, 1), "statement_sent": None})
    assert RuleDrafter().draft(unshown, ()).outcome == "provisional_credit"


@pytest.mark.parametrize(("reported", "share_cents"), [("2025-04-04", 5_000), ("2025-04-07", 50_000)])
def test_the_third_business_day_is_too_late_for_the_lower_share(reported: str, share_cents: int) -> None:
    # The card was missed on Wednesday the 2nd; Friday is the second business day, Monday the third.
    facts = changed(CASES["C-1008"], notice={"received": date.fromisoformat(reported)})
    assert RuleDrafter().draft(facts, ()).consumer_share_cents == share_cents


def test_no_share_is_borne_where_the_transfer_was_not_unauthorized() -> None:
    facts = CASES["C-1008"].model_copy(update={"dispute": "wrong_amount"})
    assert RuleDrafter().draft(facts, ()).consumer_share_cents == 0


def test_the_thirtieth_day_after_the_first_deposit_is_new() -> None:
    assert changed(CASES["C-1010"], transfer={"on": date(2025, 7, 2)}).new_account
    assert not changed(CASES["C-1010"], transfer={"on": date(2025, 7, 3)}).new_account


def test_two_cases_with_the_same_payee_are_no_ring_yet() -> None:
    two = CASES["C-1030"].model_copy(update={"same_payee_cases": 2})
    assert RuleDrafter().draft(two, ()).outcome == "provisional_credit"


def test_authority_ends_on_the_day_on_which_the_bank_was_told() -> None:
    same_day = changed(CASES["C-1016"], transfer={"on": date(2025, 8, 1)})
    assert RuleDrafter().draft(same_day, ()).outcome == "provisional_credit"
    before = changed(CASES["C-1016"], transfer={"on": date(2025, 7, 31)})
    assert RuleDrafter().draft(before, ()).outcome == "deny"


def test_a_posting_that_is_as_intended_has_no_amount_in_error() -> None:
    same = changed(CASES["C-1004"], transfer={"intended_cents": 14_560})
    assert same.missing == ("the amount of the error",)


def changed(facts: CaseFacts, **parts: dict[str, object]) -> CaseFacts:
    """The facts with some fields of some parts replaced, and validated again."""
    form = facts.model_dump()
    for part, fields in parts.items():
        form[part] = {**form[part], **fields}
    return CaseFacts.model_validate(form)


def cents(dollars: str) -> int:
    whole, _, rest = dollars.partition(".")
    return int(whole) * 100 + int(rest)


def day(month_and_day: str | None) -> date | None:
    return None if month_and_day is None else date.fromisoformat(f"2025-{month_and_day}")


def test_the_form_refuses_fields_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="extra"):
        CaseFacts.model_validate({**CASES["C-1001"].model_dump(), "approved": True})
