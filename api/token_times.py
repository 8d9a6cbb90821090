"""The times in a token (NumericDate, RFC 7519): whether it counts now, by a clock that may differ from the issuer's.

What is no number is no time: a text that reads as one, a truth value and what no calendar has are refused, so that a
token whose exp is in milliseconds doesn't live for fifty thousand years.
"""

from collections.abc import Mapping
from typing import Any, Final

# The last second that a date can name.
TIME_S_MAX: Final = 253_402_300_799
_NAMES: Final = ("iat", "nbf", "exp")


def wrong_time(claims: Mapping[str, Any], now_s: float, leeway_s: float) -> str | None:
    """Why the token doesn't count now, None if it does. It counts from leeway_s before nbf and iat on, and no longer
    when leeway_s have passed since exp."""
    times = {name: claims[name] for name in _NAMES if name in claims}
    for name, value in times.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value < TIME_S_MAX:
            return f"its claim {name} is no time in seconds since 1970"
    if times["exp"] + leeway_s <= now_s:
        return "it has expired"
    if max(times["iat"], times.get("nbf", times["iat"])) > now_s + leeway_s:
        return "it isn't valid yet: is a clock wrong?"
    return None
