"""`penstock` for which a due time is late after a second and a half, not after a minute: so that outages of seconds
are made up for, or missed, as a schedule's policy says.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

ON_TIME_MS: Final = 1_500


@contextmanager
def hurry() -> Iterator[None]:
    """Have the schedules of this process be impatient, until the block ends."""
    from penstock.streams.schedules import catching_up

    patient_ms: int = getattr(catching_up, "ON_TIME_MS")  # noqa: B009 it is declared elsewhere
    setattr(catching_up, "ON_TIME_MS", ON_TIME_MS)  # noqa: B010 it is final for everybody else
    try:
        yield
    finally:
        setattr(catching_up, "ON_TIME_MS", patient_ms)  # noqa: B010


def main() -> None:
    """As the command, with what is said to it."""
    # Nobody else decides schedules, and none of the others needs that code.
    decides = {"schedules", "all"} & set(sys.argv)
    with hurry() if decides else nullcontext():
        from penstock.cli.main import main as command

        command()


if __name__ == "__main__":
    main()
