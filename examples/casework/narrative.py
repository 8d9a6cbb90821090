"""The consumer's own words, treated as data.

The defence against a narrative that gives orders is not this detection, which any wording can slip past: it
is that nothing takes an outcome, an amount, a date or a citation from the narrative. What is found here can
only make the review more careful, by bringing in a supervisor.
"""

import re
from typing import Final, Literal, TypeAlias

Signal: TypeAlias = Literal["instructions", "vulnerability"]

_SIGNS: Final[dict[Signal, re.Pattern[str]]] = {
    "instructions": re.compile(
        r"^\s*(system|assistant|developer)\s*(prompt|message)?\s*:"
        r"|\b(ignore|disregard|forget)\b.{0,40}\b(instruction|rule|polic|prompt)"
        r"|\byou are (now|an? (ai|assistant|model))\b"
        r"|\bapprove (this|the|and)\b.{0,40}\bcredit\b"
        r"|</?\s*(system|instructions?|tool_call)\s*>",
        re.IGNORECASE | re.MULTILINE | re.DOTALL,
    ),
    "vulnerability": re.compile(
        r"\b(dementia|alzheimer|power of attorney|caregiver|my carer|hospice|recently widowed)\b",
        re.IGNORECASE,
    ),
}


def signals(narrative: str) -> frozenset[Signal]:
    """Which signs the narrative carries."""
    return frozenset(signal for signal, sign in _SIGNS.items() if sign.search(narrative))
