"""The same drafter on the real regulation (12 CFR 1005), where its pages are there."""

import pytest

from penstock.examples.casework.desk import Desk
from penstock.examples.casework.drafter import questions
from penstock.examples.casework.recommendation import Draft
from penstock.examples.casework.seed import sample_cases

CASES = {facts.case_id: facts for facts in sample_cases()}


def drafted(desk: Desk, case_id: str) -> Draft:
    facts = CASES[case_id]
    return desk.drafter.draft(facts, desk.policy.search(questions(facts), 12))


@pytest.mark.parametrize(
    ("case_id", "cites"),
    [
        ("C-1001", "1005-2-m 1005-11-c-2-i"),
        ("C-1002", "1005-11-a-1-v 1005-11-c-2-iii"),
        ("C-1003", "1005-11-a-1-v 1005-11-c-2-i-A"),
        ("C-1005", "1005-11-a-1-ii 1005-11-c-2-iii"),
        ("C-1007", "1005-2-m 1005-11-c-2-i 1005-11-c-3-ii 1005-6-b-1"),
        ("C-1008", "1005-2-m 1005-11-c-2-i 1005-6-b-2"),
        ("C-1010", "1005-2-m 1005-11-c-2-i 1005-11-c-3-i 1005-11-c-3-ii"),
        ("C-1011", "1005-11-b-1-i"),
        ("C-1012", "1005-11-b-1-i 1005-6-b-4"),
        ("C-1014", "1005-2-m-1"),
        ("C-1017", "1005-2-m 1005-11-d-1"),
        ("C-1020", "1005-11-b-1-iii"),
        ("C-1021", "1005-11-e"),
        ("C-1026", "1005-11-a-1-ii 1005-11-c-2-iii 1005-11-a-Interp-4"),
        ("C-1028", "1005-11-a-2-ii"),
    ],
)
def test_the_regulation_is_cited_by_paragraph(regulation_desk: Desk, case_id: str, cites: str) -> None:
    assert " ".join(drafted(regulation_desk, case_id).citations) == cites


@pytest.mark.parametrize("case_id", ["C-1022", "C-1024", "C-1027", "C-1029", "C-1030"])
def test_what_only_the_banks_manual_says_is_a_gap_for_a_supervisor(
    regulation_desk: Desk, case_id: str
) -> None:
    draft = drafted(regulation_desk, case_id)
    assert "policy_gap" in draft.flags
    assert draft.role == "supervisor"


def test_a_hit_has_the_pages_title_and_effective_date(regulation_desk: Desk) -> None:
    hits = {
        hit.id: hit
        for hit in regulation_desk.policy.search("provisionally credits within 10 business days", 5)
    }
    hit = hits["1005-11-c-2-i"]
    assert hit.title == "§ 1005.11 Procedures for resolving errors."
    assert hit.effective_date.isoformat() == "2014-11-17"
    assert hit.text.startswith("(i) Provisionally credits the consumer's account")
