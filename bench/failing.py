"""How a benchmark says that it must not be believed."""


class BenchFailed(Exception):
    """Something was lost, repeated or never came, so there is no figure. The message says what."""
