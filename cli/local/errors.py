"""What can go wrong with a broker or database of our own; each message says what to do."""

from penstock.runtime.errors import SetupError


class ProgramMissing(SetupError):
    """A program that is needed isn't installed: install it, or give the address of a server that runs."""


class DidNotStart(SetupError):
    """A server was started and ended, or didn't answer in time: read the log file that the message names."""
