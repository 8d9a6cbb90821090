"""`penstock tail`: events as they come, of one run until it ends, of a tenant, or of all."""

import dataclasses
import json
import time
from collections.abc import Iterator
from typing import Final

from penstock.audit import following, reading
from penstock.audit.following import TailLine
from penstock.cli import shown
from penstock.runtime.errors import SetupError
from penstock.runtime.postgres import connect
from penstock.runtime.settings import Settings

PAUSE_S: Final = 0.2
ENDED: Final = frozenset({"completed", "failed", "cancelled", "refused"})


def follow(settings: Settings, run_id: str, tenant: str, from_seq: int, *, as_json: bool) -> None:
    """Print them. Raises SetupError if that can't be asked."""
    if run_id and tenant:
        raise SetupError("name a run or a tenant, not both: a run is one tenant's")
    if from_seq > 1 and not run_id:
        raise SetupError("--from is a place in one run's history: name the run too")
    for line in of_run(settings, run_id, from_seq) if run_id else of_all(settings, tenant or None):
        if as_json:
            print(json.dumps(dataclasses.asdict(line.line) | _whose(line), default=str), flush=True)
        else:
            shown.tail(line)


def of_run(settings: Settings, run_id: str, from_seq: int = 1) -> Iterator[TailLine]:
    """A run's events, each once, until the views say that it has ended. Raises SetupError if they don't know it."""
    with connect(settings, application_name="penstock.tail") as connection:
        while True:
            # Asked first: once it has ended, all that is there is read after it.
            run = reading.run(connection, run_id)
            if run is None:
                raise SetupError(f"the views know no run {run_id}: is it the id that `start` returned?")
            for line in reading.trail(connection, run_id, from_seq):
                from_seq = line.seq + 1
                yield TailLine(run.tenant, run_id, line)
            if run.status in ENDED:
                return
            time.sleep(PAUSE_S)


def of_all(settings: Settings, tenant: str | None) -> Iterator[TailLine]:
    """Every event that the views get from now on, of a tenant or of all."""
    with connect(settings, application_name="penstock.tail") as connection:
        places = following.now(connection)
        while True:
            before = places
            found, places = following.new(connection, places, tenant)
            yield from found
            if places == before:
                time.sleep(PAUSE_S)


def _whose(line: TailLine) -> dict[str, str]:
    return {"tenant": line.tenant, "run_id": line.run_id}
