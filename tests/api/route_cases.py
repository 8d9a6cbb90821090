"""Every route of the API with what each of its five tests needs: no credentials, another tenant, a role that may not,
bad input, the same request again. tests/api/test_every_route.py asks them all, and fails for a route without a case.
"""

from typing import Final

from tests.api.routes_of_operators import OPERATORS
from tests.api.routes_of_reviews import REVIEWS
from tests.api.routes_of_runs import RUNS
from tests.api.routes_of_schedules import SCHEDULES
from tests.api.routes_of_versions import VERSIONS
from tests.api.routes_of_webhooks import WEBHOOKS

# Health needs no key: the process that looks after this one asks (B7). A callback's path is its credential, and
# tests/api/test_callbacks.py has what it must hold.
WITHOUT_A_KEY: Final = frozenset({"GET /health/live", "GET /health/ready", "POST /v1/callbacks/{token}"})

CASES: Final = (
    *REVIEWS,
    *RUNS,
    *SCHEDULES,
    *VERSIONS,
    *OPERATORS,
    *WEBHOOKS,
)
