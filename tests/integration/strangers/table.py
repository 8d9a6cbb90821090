"""All hostile records. docs/strangers.md shows what becomes of each."""

from typing import Final

from tests.integration.strangers import (
    broken_bytes,
    false_words,
    other_versions,
    strange_bodies,
    strange_schedules,
    strange_sizes,
)
from tests.integration.strangers.case import Case

CASES: Final[tuple[Case, ...]] = (
    *broken_bytes.CASES,
    *other_versions.CASES,
    *false_words.CASES,
    *strange_bodies.CASES,
    *strange_schedules.CASES,
    *strange_sizes.CASES,
)
