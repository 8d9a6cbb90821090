"""What is known of a case: the form that the intake desk filled in, and the consumer's own words.

Only the form decides anything. The narrative is data from outside: see narrative.py.
"""

from datetime import date, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

NOTICE_DAYS: Final = 60
NEW_ACCOUNT_DAYS: Final = 30

Dispute = Literal[
    "unauthorized",
    "wrong_amount",
    "posted_twice",
    "missing_deposit",
    "atm_shortfall",
    "goods_or_services",
    "copy_of_records",
]
Finding = Literal["pending", "error_confirmed", "no_error"]
Confirmation = Literal["not_required", "received", "overdue"]
Missing = Literal["the amount of the error", "the date of the transfer", "the reason for the dispute"]


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseReviewRequest(_Form):
    """The input of a case review. Start it with an idempotency key made of the case id."""

    case_id: str = Field(pattern=r"^[A-Za-z0-9-]{1,64}$")


class Account(_Form):
    """The consumer's account; `last_four` is as much of its number as leaves the core system."""

    last_four: str = Field(pattern=r"^\d{4}$")
    first_deposit: date | None = None
    closed: bool = False


class Transfer(_Form):
    """The transfer in dispute: what was posted and what should have been, in cents of a US dollar."""

    posted_cents: int | None = Field(default=None, ge=0)
    intended_cents: int | None = Field(default=None, ge=0)
    on: date | None = None
    channel: Literal["atm", "point_of_sale", "card_online", "person_to_person", "direct_debit", "deposit"]
    payee: str | None = None
    abroad: bool = False
    made_by: Literal["consumer", "another", "not_said"] = "not_said"

    @property
    def disputed_cents(self) -> int | None:
        """How far the posting is from what it should have been; None where that isn't known, or nothing."""
        if self.posted_cents is None or self.intended_cents is None:
            return None
        return abs(self.posted_cents - self.intended_cents) or None


class Notice(_Form):
    """When and how the consumer told the bank. `statement_sent` None: no statement shows the transfer yet."""

    received: date
    oral: bool = False
    confirmation: Confirmation = "not_required"
    statement_sent: date | None = None
    extenuating: str | None = None


class Access(_Form):
    """What happened to the card or code. `learned` is the day on which the consumer missed it."""

    learned: date | None = None
    given_to: str | None = None
    revoked: date | None = None


class CaseFacts(_Form):
    """One case as `read_case` returns it."""

    case_id: str
    consumer: str
    status: str = "open"
    dispute: Dispute | None = None
    account: Account
    transfer: Transfer
    notice: Notice
    access: Access = Access()
    finding: Finding = "pending"
    finding_basis: str | None = None
    same_payee_cases: int = Field(default=0, ge=0)
    duplicate_of: str | None = None
    vulnerable: bool = False
    narrative: str = ""

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What has to be asked for before anybody can decide, in the order in which a letter asks."""
        wanted: tuple[tuple[Missing, object], ...] = (
            ("the amount of the error", self.transfer.disputed_cents),
            ("the date of the transfer", self.transfer.on),
            ("the reason for the dispute", self.dispute),
        )
        return tuple(name for name, known in wanted if known is None)

    @property
    def late(self) -> bool:
        """The notice came after the sixtieth day from the statement."""
        sent = self.notice.statement_sent
        return sent is not None and self.notice.received > sent + timedelta(days=NOTICE_DAYS)

    @property
    def new_account(self) -> bool:
        """The transfer took place within thirty days after the first deposit."""
        opened, on = self.account.first_deposit, self.transfer.on
        return opened is not None and on is not None and on <= opened + timedelta(days=NEW_ACCOUNT_DAYS)

    @property
    def furnished(self) -> bool:
        """The consumer gave the card or code to whoever used it, and hadn't yet taken that back."""
        on, revoked = self.transfer.on, self.access.revoked
        return self.access.given_to is not None and (revoked is None or on is None or on < revoked)
