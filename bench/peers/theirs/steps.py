"""The five steps of the case review as any of the peers runs them: the payloads of `bench.application`, no work.

Writes: a line to the load generator's pipe (PEERS_DOOR), which a person's mail would be, and which isn't
charged to the peer as a durable step; in the kill test a line a side effect to the file PEERS_EFFECTS.
"""

import os
from typing import Any, Final

_PARAGRAPH: Final = (
    "The consumer says that the transfer wasn't hers, that the card never left her, and that she told the "
    "bank on the day she saw it. "
)
TEXT: Final = (_PARAGRAPH * 12)[:1_400]
_DOOR: Final = os.environ.get("PEERS_DOOR", "")
_EFFECTS: Final = os.environ.get("PEERS_EFFECTS", "")
# For reading too, so that opening it waits for nobody and nobody's death closes it.
_telling: Final = os.open(_DOOR, os.O_RDWR) if _DOOR else -1


def case(number: int) -> dict[str, str]:
    """What the n-th review is asked for: 1 KiB."""
    return {"case_id": f"B-{number}", "text": "x" * 1_024}


def read_case(case_id: str) -> dict[str, str]:
    """The facts of a case: 1.4 KiB."""
    return {"case_id": case_id, "narrative": TEXT}


def look_up_policy(query: str) -> list[str]:
    """Paragraphs of the manual: 1.4 KiB."""
    return [TEXT[:700], TEXT[700:]]


def draft(facts: dict[str, str], policy: list[str]) -> dict[str, str]:
    """A recommendation from facts and policy: 2.8 KiB go in, 1 KiB comes out."""
    return {"outcome": "credit", "letter": TEXT[:1_000]}


def update_case(run_id: str, update: dict[str, str]) -> dict[str, str]:
    """Carry out the decision; the target can't tell a repetition."""
    effect(run_id, "update_case")
    return {"case_id": update["case_id"], "status": "updated"}


def notify(run_id: str, case_id: str, letter: str) -> dict[str, str]:
    """Send the letter."""
    effect(run_id, "notify")
    return {"case_id": case_id, "status": "sent"}


def update_of(case_id: str, drafted: dict[str, str]) -> dict[str, str]:
    """The arguments of the action that a person releases."""
    return {"case_id": case_id, "outcome": drafted["outcome"], "reason": drafted["letter"]}


def result_of(case_id: str, drafted: dict[str, str]) -> dict[str, Any]:
    """What a review ends with."""
    return {"case_id": case_id, "outcome": drafted["outcome"], "letter": drafted["letter"]}


def effect(run_id: str, step: str) -> None:
    """One line, in one write, so that it is there whole or not at all; only where a file is named."""
    if _EFFECTS:
        descriptor = os.open(_EFFECTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{run_id}/{step}\n".encode())
        finally:
            os.close(descriptor)


def tell(word: str, run_id: str, token: str = "") -> None:
    """Tell the load generator: `ask` (a person is wanted, who answers to the token) or `end` (look for it)."""
    if _telling >= 0:
        os.write(_telling, f"{word} {run_id} {token or run_id}\n".encode())
