"""`penstock workflows drain`: looks at who holds a version, once or until nobody does.

Guarantees: it says that a version is drained only after all that stood on the log when it was asked is decided and
shown by the views, so that a start that was accepted just before isn't overlooked. A database or a broker that goes
away while it watches is waited for.
"""

import json
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from penstock.api.drain_report import report, statuses_query, waits_query
from penstock.cli import shown, workflow_reading, workflows_shown
from penstock.cli.outcomes import DONE, NOT_YET
from penstock.cli.run_reading import asking, views
from penstock.cli.screen import say, stderr
from penstock.cli.speaking import NotFound
from penstock.producers.kafka_backlog import BrokerSilent, KafkaBacklog, Place
from penstock.runtime.errors import DatabaseAway, SetupError
from penstock.runtime.postgres import Connected, DatabaseError, connect
from penstock.runtime.postgres_backlog import positions
from penstock.runtime.settings import Settings
from penstock.schemas.topics import BY_NAME, RUN_EVENTS, RUN_INBOX, RUNS_GROUP, VIEWS_GROUP

EVERY_S: Final = 2.0
_EVER: Final = """
SELECT FROM views.run_row WHERE workflow = %(workflow)s AND workflow_version = %(version)s LIMIT 1"""
# How long who doesn't watch waits for the views.
PATIENCE_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.2

Report = dict[str, Any]


class CaughtUp:
    """Whether all that stood on the log at the first question is decided, and the views show what came of it."""

    def __init__(self, broker: KafkaBacklog) -> None:
        self._broker = broker
        self._inbox: Mapping[Place, int] | None = None
        self._events: Mapping[Place, int] | None = None

    def now(self, connection: Connected) -> bool:
        """Ask. Raises BrokerSilent, DatabaseError."""
        if self._inbox is None:
            self._inbox = self._ends(RUN_INBOX)
        known = positions(connection)
        if self._events is None and _passed(RUNS_GROUP, self._inbox, known):
            self._events = self._ends(RUN_EVENTS)
        return self._events is not None and _passed(VIEWS_GROUP, self._events, known)

    def _ends(self, topic: str) -> Mapping[Place, int]:
        places = [(topic, number) for number in range(BY_NAME[topic].partitions)]
        # An empty partition was taken by nobody, perhaps: nothing of it is missing.
        bounds = self._broker.bounds(places)
        return {place: high for place, (low, high) in bounds.items() if high > low}


def drain(
    settings: Settings, name: str, version: int, tenant: str | None, *, watch: bool, as_json: bool
) -> int:
    """Show the report, with `watch` whenever it changes; the exit code. Raises SetupError unless it watches, and
    NotFound for a version of which nothing is known: a slip of the pen must not read as code that can go."""
    known = workflow_reading.registered(settings)
    own = None if known is None else known.get(name, {})
    until_s, seen = time.monotonic() + PATIENCE_S, ""
    with closing(KafkaBacklog(settings.kafka_bootstrap_servers)) as broker:
        caught = CaughtUp(broker)
        while True:
            try:
                found = _look(settings, caught, name, version, tenant, own)
            except (BrokerSilent, DatabaseAway, DatabaseError) as error:
                if not watch:
                    raise SetupError(str(error)) from error
                stderr.print(f"  waiting: {error}", style="dim", markup=False)
                time.sleep(EVERY_S)
                continue
            gone = found["drained"] and found["views_caught_up"]
            if gone or (not watch and (not found["drained"] or time.monotonic() > until_s)):
                break
            line = workflows_shown.drain_line(found)
            if watch and line != seen:
                print(json.dumps(found), flush=True) if as_json else say(line)
                seen = line
            time.sleep(EVERY_S if watch else _LOOK_AGAIN_S)
    if gone and version not in (own or {}):
        _insist_on_runs(settings, name, version)
    if as_json:
        print(json.dumps(found), flush=True) if watch else shown.as_json(found)
    else:
        workflows_shown.drain(found)
    return DONE if gone else NOT_YET


def _insist_on_runs(settings: Settings, name: str, version: int) -> None:
    """Raises NotFound if the version never had a run."""
    with views(settings) as ask:
        if not ask(_EVER, {"workflow": name, "version": version}):
            raise NotFound(
                f"nothing is known of {name} v{version}: no run ever had it, and the application doesn't register it; "
                "`penstock workflows list` lists what is there"
            )


def _look(
    settings: Settings,
    caught: CaughtUp,
    name: str,
    version: int,
    tenant: str | None,
    registered: workflow_reading.Versions | None,
) -> Report:
    asked = {"tenant": tenant, "workflow": name, "version": version}
    with connect(settings, application_name="penstock.cli") as connection:
        ask = asking(connection)
        # Before the runs are counted: what these positions have passed is counted then.
        caught_up = caught.now(connection)
        statuses, waits = ask(statuses_query(tenant), asked), ask(waits_query(tenant), asked)
    found = report(name, version, registered, statuses, waits)
    gone = found["drained"] and caught_up
    can_go = None if found["new_runs_begin_on_it"] is None else gone and not found["new_runs_begin_on_it"]
    return found | {"tenant": tenant, "views_caught_up": caught_up, "removable": can_go}


def _passed(group: str, ends: Mapping[Place, int], known: Mapping[tuple[str, str, int], int]) -> bool:
    return all(known.get((group, *place), 0) >= end for place, end in ends.items())
