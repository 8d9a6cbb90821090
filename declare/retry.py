"""How often and how patiently a failed call is tried again."""

from dataclasses import dataclass
from datetime import timedelta

from penstock.declare.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class Retry:
    """`attempts` in all, the first one included; the delay grows by `factor` from `first` up to `longest`.

    Half of each delay is jitter, so that calls which failed together don't come back together.
    """

    attempts: int = 3
    first: timedelta = timedelta(milliseconds=200)
    longest: timedelta = timedelta(minutes=1)
    factor: float = 2.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise DeclarationError("Retry(attempts=...) counts the first attempt too: give 1 or more.")
        if self.first < timedelta(0) or self.longest < self.first or self.factor < 1:
            raise DeclarationError("Retry needs 0 <= first <= longest and factor >= 1.")

    def delay_ms(self, attempt: int, jitter: float) -> int:
        """How long to wait after failed attempt number `attempt` (from 1); `jitter` is in [0, 1)."""
        first_ms, longest_ms = self.first / _MILLISECOND, self.longest / _MILLISECOND
        # The exponent is bounded because a float overflows long before an int of attempts does.
        full_ms = min(longest_ms, first_ms * self.factor ** min(attempt - 1, 64))
        return int(full_ms * (0.5 + jitter / 2))


_MILLISECOND = timedelta(milliseconds=1)
