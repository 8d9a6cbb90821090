"""How many deliveries to webhooks wait, and for how long the oldest: whoever posts or doesn't. Reads their table."""

import logging
import math
import threading
import time
from typing import Final

from penstock.runtime import metric_names as names
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.meters import Meters, Observed
from penstock.runtime.postgres import DatabaseError, connect
from penstock.runtime.settings import Settings

log = logging.getLogger("penstock.telemetry")

_ASK_AGAIN_S: Final = 5.0
_WAITING: Final = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(filed_at)), 0)::float8
FROM penstock.webhook_delivery WHERE status = 'waiting'"""


class _WebhookGauges:
    """Says nothing while the table can't be seen."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._asked_s = -math.inf
        self._found: tuple[int, float] | None = None

    def waiting(self) -> Observed:
        found = self._now()
        return [(found[0], ())] if found else []

    def age(self) -> Observed:
        found = self._now()
        return [(found[1], ())] if found else []

    def _now(self) -> tuple[int, float] | None:
        with self._lock:
            if time.monotonic() - self._asked_s >= _ASK_AGAIN_S:
                try:
                    with connect(self._settings, application_name="penstock.queues") as connection:
                        row = connection.execute(_WAITING).fetchone()
                    assert row is not None
                    self._found = (int(row[0]), float(row[1]))
                except (DatabaseAway, DatabaseError) as error:
                    log.warning("how many webhooks wait isn't known now: %s", error)
                    self._found = None
                self._asked_s = time.monotonic()
            return self._found


def observe_webhooks(meters: Meters, settings: Settings) -> None:
    """Have the process show what waits, asked when somebody collects."""
    gauges = _WebhookGauges(settings)
    meters.observe(names.WEBHOOKS_WAITING, gauges.waiting)
    meters.observe(names.WEBHOOKS_AGE, gauges.age)
