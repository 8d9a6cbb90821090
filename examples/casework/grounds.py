"""The grounds that a decision can rest on: how each is looked up in a policy, and what a paragraph must say.

A ground knows no paragraph id, so that the same drafter cites the bank's manual or the regulation itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from penstock.examples.casework.recommendation import Hit, Reason


@dataclass(frozen=True, slots=True)
class Ground:
    """`question` is one line of the policy query; a paragraph supports it if each of `says` is in the text.

    An internal ground is for the bank's people: no letter tells it."""

    code: str
    text: str
    question: str
    says: tuple[str, ...]
    internal: bool = False

    def cited(self, evidence: Sequence[Hit]) -> Reason:
        """This ground with the best paragraph of the evidence that supports it, or with none."""
        found = (hit.id for hit in evidence if all(re.search(s, hit.text, re.IGNORECASE) for s in self.says))
        return Reason(code=self.code, text=self.text, citations=tuple(found)[:1], internal=self.internal)


UNAUTHORIZED: Final = Ground(
    "unauthorized",
    "A transfer that somebody else made without authority is an error that the bank has to resolve.",
    "unauthorized electronic transfer: someone other than the consumer, without actual authority, no benefit",
    ("unauthorized electronic", "without actual authority"),
)
INCORRECT: Final = Ground(
    "incorrect",
    "A transfer of a wrong amount, posted twice or not credited is an error that the bank has to resolve.",
    "error means an incorrect electronic transfer to or from the account",
    ("incorrect electronic",),
)
TERMINAL: Final = Ground(
    "terminal",
    "Receiving less money from a terminal than was debited is an error that the bank has to resolve.",
    "receipt of an incorrect amount of money from an electronic terminal",
    ("incorrect amount of money",),
)
FURNISHED: Final = Ground(
    "furnished",
    "The card was given to the person who used it, and the bank hadn't been told that this had ended.",
    "person furnished the access device by the consumer, no longer authorized, notified",
    ("furnished", "access device", "no longer"),
)
CONSUMER_MADE: Final = Ground(
    "consumer_made",
    "The payment was made by the account's holder, to the payee that was named.",
    "payment that the consumer made; initiated by a person other than the consumer without authority",
    (r"payment that the consumer made|initiated by a person other than the consumer",),
)
GOODS: Final = Ground(
    "goods",
    "What is disputed is the goods or services, and not the transfer, which was authorized.",
    "dispute with a merchant about goods or services not an error",
    ("goods or services", "not an error"),
)
RECORDS: Final = Ground(
    "records",
    "A request for copies for tax or other records is a service request and not an error.",
    "request for information for tax or other recordkeeping purposes",
    ("record-?keeping purposes",),
)
DUPLICATE: Final = Ground(
    "duplicate",
    "The same transfer is already being looked into under an earlier case.",
    "second notice of the same error, consumer later reasserts the same error",
    ("second notice of the same error|reassert the same error",),
)
MISSING: Final = Ground(
    "missing",
    "Something that only the consumer can tell is still missing.",
    "missing information: type and date of the transfer, amount of the error, why the consumer believes it",
    ("amount of the error", "why the consumer believes"),
)
LATE: Final = Ground(
    "late",
    "The notice came more than 60 days after the statement that first showed the transfer.",
    "notice of error received no later than 60 days after the periodic statement was sent",
    ("no later than 60 days",),
)
EXTENUATING: Final = Ground(
    "extenuating",
    "The notice came late for a reason that the consumer could not help.",
    "delay due to extenuating circumstances extends the time limits",
    ("extenuating circumstances",),
)
UNCONFIRMED: Final = Ground(
    "unconfirmed",
    "The written confirmation that was asked for has not come within 10 business days.",
    "written confirmation within 10 business days of an oral notice not received",
    ("written confirmation", "10 business days"),
)
PROVISIONAL: Final = Ground(
    "provisional",
    "The investigation isn't complete, so the account is credited provisionally.",
    "provisionally credits the account in the amount of the alleged error within 10 business days",
    (r"provisionally credits?\b", "alleged error", "10 business days"),
)
NEW_ACCOUNT: Final = Ground(
    "new_account",
    "The account was new at the time of the transfer, so that 20 business days apply.",
    "20 business days in place of 10 within 30 days after the first deposit",
    ("20 business days", "first deposit"),
)
LONGER: Final = Ground(
    "longer",
    "For this kind of transfer the investigation may take up to 90 days.",
    "90 days in place of 45 days for completing an investigation point-of-sale debit card not within a state",
    ("90 days", "45 days"),
)
CORRECT: Final = Ground(
    "correct",
    "The bank's own records confirm the error, so it is corrected at once.",
    "correct the error within one business day after determining that an error occurred",
    ("correct", "one business day"),
)
NO_ERROR: Final = Ground(
    "no_error",
    "The investigation found that no error occurred.",
    "no error occurred, written explanation of findings, right to request the documents relied on",
    ("written explanation", "request the documents"),
)
SHARE_50: Final = Ground(
    "share_50",
    "The loss of the card was reported within two business days, so the consumer bears at most $50.",
    "consumer liability not exceed $50 notice within two business days after learning of loss or theft",
    (r"within two business days", r"\$50\b"),
)
SHARE_500: Final = Ground(
    "share_500",
    "The loss of the card was reported after more than two business days: the consumer bears at most $500.",
    "consumer fails to notify within two business days of loss or theft, liability not exceed $500",
    (r"fails to notify", r"\$500\b"),
)
CLOSED: Final = Ground(
    "closed",
    "The account has been closed since, which changes nothing but the way of payment.",
    "error asserted even if the account has been closed",
    ("even if the account has been closed",),
)
HIGH_VALUE: Final = Ground(
    "high_value",
    "The amount in dispute is high, so a supervisor decides.",
    "high-value case amount in dispute decided by a supervisor",
    ("high-value case", "supervisor"),
    internal=True,
)
RING: Final = Ground(
    "ring",
    "Several open cases have the payee or terminal in common.",
    "suspected fraud ring same payee other open cases refer to supervisor",
    ("fraud ring", "supervisor"),
    internal=True,
)
VULNERABLE: Final = Ground(
    "vulnerable",
    "The consumer may need more protection than usual, so a supervisor decides.",
    "vulnerable consumer supervisor decides",
    ("vulnerable", "supervisor"),
    internal=True,
)
INSTRUCTED: Final = Ground(
    "instructed",
    "The narrative contains instructions, which were disregarded; a supervisor reads the case.",
    "narrative contains instructions to staff or systems, disregard the instructions",
    ("contains instructions",),
    internal=True,
)
