"""What a review produces: evidence, a draft with cited reasons, and the recommendation with what was done."""

from datetime import date
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Outcome: TypeAlias = Literal[
    "provisional_credit", "refund", "deny", "request_documents", "refer_to_supervisor", "close_duplicate"
]
Flag: TypeAlias = Literal[
    "high_value",
    "suspected_ring",
    "vulnerable_consumer",
    "instructions_in_narrative",
    "vulnerability_in_narrative",
    "policy_gap",
]
Risk: TypeAlias = Literal["low", "high"]
Role: TypeAlias = Literal["analyst", "supervisor"]
# What became of the update: a person's grant came and it was made, a person refused, nobody answered in time,
# or it was granted and could not be made (the grant went void twice, or the target declined twice).
Action: TypeAlias = Literal["updated", "refused", "expired", "not_updated"]
# The letter went out, nobody released it, the sending failed, or there was nothing to tell.
NoticeAction: TypeAlias = Literal["sent", "withheld", "failed", "not_due"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hit(_Frozen):
    """One policy paragraph found for a query. `rank` is comparable within one line of the query only."""

    id: str
    text: str
    title: str
    effective_date: date
    index_version: str
    rank: float


class Reason(_Frozen):
    """One ground of a draft, in plain words, with the ids of the paragraphs in evidence that support it."""

    code: str
    text: str
    citations: tuple[str, ...]
    internal: bool


class Draft(_Frozen):
    """What the drafter proposes. Amounts in cents; `decide_by` and `finish_by` count from the notice."""

    case_id: str
    outcome: Outcome
    amount_cents: int = Field(ge=0)
    consumer_share_cents: int = Field(ge=0)
    decide_by: date | None
    finish_by: date | None
    asks_for: tuple[str, ...]
    reasons: tuple[Reason, ...]
    flags: tuple[Flag, ...]
    risk: Risk
    role: Role
    index_version: str | None
    letter: str

    @property
    def citations(self) -> tuple[str, ...]:
        """The ids of all paragraphs cited, each once, in the order of the reasons."""
        return tuple(dict.fromkeys(cited for reason in self.reasons for cited in reason.citations))

    @property
    def update(self) -> dict[str, object]:
        """The arguments of `update_case_status`: what an approver is shown and what is executed."""
        return {
            "case_id": self.case_id,
            "outcome": self.outcome,
            "amount_cents": self.amount_cents,
            "citations": list(self.citations),
            "index_version": self.index_version,
        }

    @property
    def notice(self) -> dict[str, object]:
        """The arguments of `notify_consumer`."""
        return {"case_id": self.case_id, "kind": self.outcome, "letter": self.letter}


class Recommendation(_Frozen):
    """The result of a case review: the draft that was put to a person, and what was done."""

    draft: Draft
    action: Action
    notice: NoticeAction
