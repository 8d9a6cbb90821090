"""Exit codes that mean something to who supervises a process."""

import contextlib
import sys
from typing import Final

# It stopped on purpose and must stay down until a person has looked (L5: many entities unappliable in a row).
STAY_DOWN: Final = 78
# A SetupError: the message on stderr says what to type. Worth another try: servers come back.
SETUP: Final = 2


def last_words(text: str) -> None:
    """What a program says when it ends. A full disk under its stderr must not change its exit code."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr)
