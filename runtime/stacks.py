"""`kill -USR1 PID` has a process of ours say on stderr where each of its threads stands. Nothing else changes."""

import faulthandler
import signal
import sys


def tell_on_signal() -> None:
    """Whoever runs as a process of its own calls this: the signal would end it, and Faust's worker would take the
    other one for a wish to debug it, and wait at a prompt that nobody sees."""
    if sys.__stderr__ is not None:
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            faulthandler.register(number, file=sys.__stderr__, all_threads=True)
