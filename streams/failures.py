"""Failures by which the effector, or who settles a doubt, says that an attempt never took place.

A tool's own failure has its exception's class as its kind, and none is called as these are.
"""

from typing import Final

NOT_BEGUN: Final = "not_begun"
LEASE_LOST: Final = "lease_lost"
DID_NOT_HAPPEN: Final = "did_not_happen"

NEVER_TOOK_PLACE: Final = frozenset({NOT_BEGUN, LEASE_LOST, DID_NOT_HAPPEN})
