"""Exit codes that mean something to who supervises a process."""

from typing import Final

# It stopped on purpose and must stay down until a person has looked (L5: many entities unappliable in a row).
STAY_DOWN: Final = 78
# A SetupError: the message on stderr says what to type. Worth another try: servers come back.
SETUP: Final = 2
