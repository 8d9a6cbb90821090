"""The port that drafts a recommendation, and the deterministic drafter that stands behind it for now.

The rules are those of the manual in policy/. They read the form of the case and the evidence; of the
narrative they take nothing but signs that a person should look closer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol

from penstock.examples.casework import grounds
from penstock.examples.casework.business_days import add_business_days, business_days_between
from penstock.examples.casework.facts import CaseFacts
from penstock.examples.casework.grounds import Ground
from penstock.examples.casework.letters import letter
from penstock.examples.casework.narrative import signals
from penstock.examples.casework.recommendation import Draft, Flag, Hit, Outcome

HIGH_VALUE_CENTS: Final = 250_000
RING_CASES: Final = 3
REPORT_BUSINESS_DAYS: Final = 2
EARLY_SHARE_CENTS: Final = 5_000
LATE_SHARE_CENTS: Final = 50_000
DECIDE_BUSINESS_DAYS: Final = 10
DECIDE_BUSINESS_DAYS_NEW: Final = 20
FINISH_DAYS: Final = 45
FINISH_DAYS_LONGER: Final = 90


class Drafter(Protocol):
    """Drafts a recommendation from facts and evidence, and cites nothing that isn't in the evidence.

    The model gateway will implement this port; until it does, `RuleDrafter` is all there is behind it.
    """

    def draft(self, facts: CaseFacts, evidence: Sequence[Hit]) -> Draft:
        """The proposal for one case."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say of a case before anything is cited. Amounts in cents."""

    outcome: Outcome
    amount_cents: int
    share_cents: int
    because: tuple[Ground, ...]


def questions(facts: CaseFacts) -> str:
    """The policy query of a case: one line a ground. Nothing of the narrative's wording gets into it."""
    asked = (*decide(facts).because, *(ground for _, ground in _cautions(facts)))
    return "\n".join(ground.question for ground in asked)


def decide(facts: CaseFacts) -> Decision:
    """The outcome by the rules, the first that applies, in the order in which the manual would be read."""
    return _not_an_error(facts) or _not_decidable(facts) or _by_the_finding(facts)


def _not_an_error(facts: CaseFacts) -> Decision | None:
    if facts.duplicate_of is not None:
        return Decision("close_duplicate", 0, 0, (grounds.DUPLICATE,))
    if facts.dispute == "goods_or_services":
        return Decision("deny", 0, 0, (grounds.GOODS,))
    if facts.dispute == "copy_of_records":
        return Decision("deny", 0, 0, (grounds.RECORDS,))
    return None


def _not_decidable(facts: CaseFacts) -> Decision | None:
    """What stands in the way of looking at the merits: a gap, a suspicion, authority, lateness."""
    if facts.missing:
        return Decision("request_documents", 0, 0, (grounds.MISSING,))
    if facts.same_payee_cases >= RING_CASES:
        return Decision("refer_to_supervisor", 0, 0, (grounds.RING,))
    if facts.dispute == "unauthorized" and facts.transfer.made_by == "consumer":
        if facts.vulnerable:
            return Decision("refer_to_supervisor", 0, 0, (grounds.CONSUMER_MADE,))
        return Decision("deny", 0, 0, (grounds.CONSUMER_MADE,))
    if facts.dispute == "unauthorized" and facts.furnished:
        return Decision("deny", 0, 0, (grounds.FURNISHED,))
    if facts.late and facts.notice.extenuating is not None:
        return Decision("refer_to_supervisor", 0, 0, (grounds.LATE, grounds.EXTENUATING))
    if facts.late:
        return Decision("deny", 0, 0, (grounds.LATE,))
    return None


def _by_the_finding(facts: CaseFacts) -> Decision:
    kind = _kind(facts)
    if facts.finding == "no_error":
        return Decision("deny", 0, 0, (kind, grounds.NO_ERROR))
    disputed = facts.transfer.disputed_cents or 0
    share, tier = _share(facts, disputed)
    if share and share == disputed:
        return Decision("deny", 0, share, (kind, *tier))
    due = disputed - share
    closed = (grounds.CLOSED,) if facts.account.closed else ()
    if facts.finding == "error_confirmed":
        return Decision("refund", due, share, (kind, grounds.CORRECT, *tier, *closed))
    if facts.notice.confirmation == "overdue":
        return Decision("request_documents", 0, 0, (kind, grounds.UNCONFIRMED))
    new = (grounds.NEW_ACCOUNT,) if facts.new_account else ()
    longer = (grounds.LONGER,) if _longer(facts) else ()
    return Decision(
        "provisional_credit", due, share, (kind, grounds.PROVISIONAL, *new, *longer, *tier, *closed)
    )


def _kind(facts: CaseFacts) -> Ground:
    if facts.dispute == "unauthorized":
        return grounds.UNAUTHORIZED
    return grounds.TERMINAL if facts.dispute == "atm_shortfall" else grounds.INCORRECT


def _share(facts: CaseFacts, disputed_cents: int) -> tuple[int, tuple[Ground, ...]]:
    """What the consumer bears of an unauthorized transfer after a loss or theft, and by which tier."""
    learned = facts.access.learned
    if facts.dispute != "unauthorized" or learned is None:
        return 0, ()
    if business_days_between(learned, facts.notice.received) <= REPORT_BUSINESS_DAYS:
        return min(disputed_cents, EARLY_SHARE_CENTS), (grounds.SHARE_50,)
    return min(disputed_cents, LATE_SHARE_CENTS), (grounds.SHARE_500,)


def _longer(facts: CaseFacts) -> bool:
    return facts.transfer.abroad or facts.transfer.channel == "point_of_sale" or facts.new_account


def _cautions(facts: CaseFacts) -> tuple[tuple[Flag, Ground], ...]:
    """What calls for a supervisor, whatever the outcome."""
    seen = signals(facts.narrative)
    cautions: tuple[tuple[bool, Flag, Ground], ...] = (
        ((facts.transfer.disputed_cents or 0) >= HIGH_VALUE_CENTS, "high_value", grounds.HIGH_VALUE),
        (facts.same_payee_cases >= RING_CASES, "suspected_ring", grounds.RING),
        (facts.vulnerable, "vulnerable_consumer", grounds.VULNERABLE),
        ("vulnerability" in seen, "vulnerability_in_narrative", grounds.VULNERABLE),
        ("instructions" in seen, "instructions_in_narrative", grounds.INSTRUCTED),
    )
    return tuple((flag, ground) for applies, flag, ground in cautions if applies)


class RuleDrafter:
    """The deterministic drafter: same facts and evidence, same draft, to the byte."""

    def draft(self, facts: CaseFacts, evidence: Sequence[Hit]) -> Draft:
        """The rules' decision, each ground with its citations.

        A ground that the evidence doesn't support stays in, without a citation, and flags a gap in the
        policy: then a supervisor decides, rather than an analyst on the drafter's word.
        """
        decision = decide(facts)
        cautions = _cautions(facts)
        because = tuple(dict.fromkeys((*decision.because, *(ground for _, ground in cautions))))
        reasons = tuple(ground.cited(evidence) for ground in because)
        flags: tuple[Flag, ...] = tuple(flag for flag, _ in cautions)
        if not all(reason.citations for reason in reasons):
            flags = (*flags, "policy_gap")
        high = bool(flags) or decision.outcome == "refer_to_supervisor"
        clock_runs = decision.outcome not in ("deny", "close_duplicate")
        received = facts.notice.received
        business_days = DECIDE_BUSINESS_DAYS_NEW if facts.new_account else DECIDE_BUSINESS_DAYS
        finish_days = FINISH_DAYS_LONGER if _longer(facts) else FINISH_DAYS
        drafted = Draft(
            case_id=facts.case_id,
            outcome=decision.outcome,
            amount_cents=decision.amount_cents,
            consumer_share_cents=decision.share_cents,
            decide_by=add_business_days(received, business_days) if clock_runs else None,
            finish_by=received + timedelta(days=finish_days) if clock_runs else None,
            asks_for=facts.missing if decision.outcome == "request_documents" else (),
            reasons=reasons,
            flags=flags,
            risk="high" if high else "low",
            role="supervisor" if high else "analyst",
            index_version=evidence[0].index_version if evidence else None,
            letter="",
        )
        return drafted.model_copy(update={"letter": letter(facts, drafted)})
