"""The operator records as Python types. Generated from the .avsc files: never edited, made anew by
`python -m penstock.schemas.generate`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from penstock.schemas.envelope.records import Payload
from penstock.schemas.frozen import quick


@quick
@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorActed:
    """An operator did something to the deployment or to what stands in it: who, what, why. Signed by the door
    that let them.

    action: What was done: thing.verb, such as key.create, dead-letter.redrive, runs.bulk-cancel.
    target: What it was done to: an id, or a filter in words.
    reason: Why, in the operator's words.
    detail: What else there is to know, as a canonical JSON object; never a secret.
    """

    FULL_NAME: ClassVar[str] = "penstock.operator.OperatorActed"
    KIND: ClassVar[Literal["fact"]] = "fact"

    action: str
    target: str
    reason: str = ""
    detail: Payload

    def to_avro(self) -> dict[str, Any]:
        """The fields as Avro libraries write them, without meta."""
        return {
            "action": self.action,
            "target": self.target,
            "reason": self.reason,
            "detail": self.detail.to_avro(),
        }

    @classmethod
    def from_avro(cls, fields: Mapping[str, Any]) -> "OperatorActed":
        """From the fields as Avro libraries read them."""
        return cls(
            action=fields["action"],
            target=fields["target"],
            reason=fields["reason"],
            detail=Payload.from_avro(fields["detail"]),
        )


__all__ = ["OperatorActed"]
