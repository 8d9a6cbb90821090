"""The letter to the consumer: it never quotes the narrative, and tells nothing of other consumers."""

from typing import Final

from penstock.examples.casework.facts import CaseFacts
from penstock.examples.casework.recommendation import Draft

LETTER_CHARACTERS_MAX: Final = 4_000
_REACH_US: Final = "A person answers at 555-0142 on business days from 8 to 6. Please name your case number."


def dollars(cents: int) -> str:
    """An amount as a letter writes it: 123456 is $1,234.56."""
    return f"${cents // 100:,}.{cents % 100:02d}"


def letter(facts: CaseFacts, draft: Draft) -> str:
    """What was decided, the amount, why, what happens next and by when, and how to reach a person."""
    told = [f"- {reason.text}{_cite(reason.citations)}" for reason in draft.reasons if not reason.internal]
    why = "\n".join(("Our reasons:", *told, "")) + "\n" if told else ""
    return (
        f"Case {draft.case_id}, account ending in {facts.account.last_four}\n\n"
        f"Dear {facts.consumer},\n\n{_decided(facts, draft)}\n\n{why}"
        f"What happens next: {_next(facts, draft)}\n\n{_REACH_US}\n\nHarbor & Vale Bank, Disputes"
    )


def _cite(citations: tuple[str, ...]) -> str:
    return f" ({', '.join(citations)})" if citations else ""


def _decided(facts: CaseFacts, draft: Draft) -> str:
    amount = dollars(draft.amount_cents)
    known = facts.transfer.disputed_cents
    disputed = f" The amount in dispute is {dollars(known)}." if known is not None else ""
    share = dollars(draft.consumer_share_cents)
    bears = f" Of the amount in dispute you bear {share}." if draft.consumer_share_cents else ""
    match draft.outcome:
        case "provisional_credit":
            return f"We credit your account provisionally with {amount} while we investigate.{bears}"
        case "refund":
            return f"We found an error and return {amount} to you.{bears}"
        case "deny":
            return f"We have to refuse this dispute. The amount due to you is {amount}.{bears}"
        case "request_documents":
            asked = ", ".join(draft.asks_for) or "your written confirmation"
            return f"To go on we need from you: {asked}. Nothing has been credited yet.{disputed}"
        case "refer_to_supervisor":
            return f"A supervisor looks into your dispute. Nothing has been credited yet.{disputed}"
        case "close_duplicate":
            return f"Your notice belongs to case {facts.duplicate_of}, which goes on; this number is closed."


def _next(facts: CaseFacts, draft: Draft) -> str:
    paid = "by check to your last known address" if facts.account.closed else "to your account"
    match draft.outcome:
        case "provisional_credit":
            return (
                f"the credit is made {paid} by {draft.decide_by}, and you have full use of it. "
                f"We finish our investigation by {draft.finish_by}."
            )
        case "refund":
            return f"the money is paid {paid} within one business day."
        case "deny":
            return "you may ask for copies of the documents that we relied on, and we send them promptly."
        case "request_documents" | "refer_to_supervisor":
            return f"we go on meanwhile, and write to you by {draft.decide_by}."
        case "close_duplicate":
            return "we write to you under the earlier number."
