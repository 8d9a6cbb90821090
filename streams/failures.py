"""Failures by which the effector, or who settles a doubt, says that an attempt never took place.

What a tool says or does itself has other kinds: declined, not_done, timeout, exception.
"""

from typing import Final

NOT_BEGUN: Final = "not_begun"
LEASE_LOST: Final = "lease_lost"
DID_NOT_HAPPEN: Final = "did_not_happen"

NEVER_TOOK_PLACE: Final = frozenset({NOT_BEGUN, LEASE_LOST, DID_NOT_HAPPEN})
