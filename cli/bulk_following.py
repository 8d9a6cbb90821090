"""Follows an operation on many runs: how far it is, what was done to each run and what came of it; and stops it.

Guarantees: each run is said once, in order, as soon as it is known what came of it; leaving stops nothing. Ctrl-C at a
terminal asks whether to stop the operation, go on watching, or only leave.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import typer

from penstock.api.bulk_asking import document, told
from penstock.api.bulk_rows import COUNTS, ONE, RUNS, STOP
from penstock.api.bulk_shapes import BULK
from penstock.api.callers import Caller
from penstock.cli import bulk_shown, speaking
from penstock.cli.outcomes import DONE, NOT_DONE, NOT_YET
from penstock.cli.run_asking import right
from penstock.cli.run_reading import Ask, views
from penstock.cli.screen import stderr
from penstock.cli.speaking import NotFound, actor_of, recording_for
from penstock.runtime.errors import DatabaseAway
from penstock.runtime.postgres import DatabaseError
from penstock.runtime.settings import Settings

LEFT: Final = 130
PAGE: Final = 500
_LOOK_EVERY_S: Final = 0.5
# How long what came of the last ones is waited for, once all were told.
KNOWN_S: Final = 60.0
# An operation that nobody drives for so long is said to wait for a process.
_DRIVEN_S: Final = 10.0
_OF_ANY: Final = "SELECT tenant FROM penstock.bulk WHERE bulk_id = %(bulk_id)s"
Row = dict[str, Any]


@dataclass(slots=True)
class Followed:
    """How far an operation was followed. `outcomes` counts the runs that were said, by what came of them."""

    bulk_id: str
    tenant: str
    operation: Row = field(default_factory=dict)
    states: Row = field(default_factory=dict)
    after: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def over(self) -> bool:
        """Nobody is told any more."""
        return self.operation["status"] in ("done", "stopped")

    @property
    def known(self) -> bool:
        """What came of each is known."""
        return self.over and self.after == self.operation["runs_told"]


def is_terminal() -> bool:
    """Whether a person types."""
    return sys.stdin.isatty()


def follow(settings: Settings, bulk_id: str, *, watch: bool, as_json: bool, who: str = "olga") -> int:
    """Show it, with `watch` until it is over and known; the exit code. Raises NotFound."""
    with views(settings) as ask:
        followed = Followed(bulk_id, _tenant(ask, bulk_id))
        say = bulk_shown.json_line if as_json else bulk_shown.Lines().say
        while True:
            try:
                _watch(ask, followed, say, watch=watch)
            except KeyboardInterrupt:
                if _answer(bulk_id) == "stop":
                    stop(settings, bulk_id, "stopped by Ctrl-C", who)
                    continue
                return LEFT
            except DatabaseError as error:
                again = f"start it, then `penstock bulk show {bulk_id} --watch` goes on"
                raise DatabaseAway(f"Postgres broke off ({type(error).__name__}): {again}") from error
            break
        bulk_shown.ended(followed.operation, followed.states, followed.outcomes, as_json=as_json)
    if not followed.over or (followed.outcomes["unknown"] and watch):
        return NOT_YET
    well = followed.operation["status"] == "done" and not any(map(_is_bad, followed.outcomes))
    return DONE if well else NOT_DONE


def stop(settings: Settings, bulk_id: str, reason: str, who: str) -> None:
    """Have it tell no more runs; on the log first, as everything that an operator does. Raises NotFound."""
    with views(settings) as ask:
        tenant = _tenant(ask, bulk_id)
        actor = actor_of(settings, tenant, who)
        caller = Caller(tenant, actor.subject, actor.roles)
        right(lambda: caller.needs(BULK, "stop a bulk operation"))
        with recording_for(settings, tenant) as operators:
            speaking.told(operators.record(actor, "run.bulk_stop", bulk_id, reason, {}))
        now_ms = time.time_ns() // 1_000_000
        ask(STOP, {"bulk_id": bulk_id, "tenant": tenant, "subject": actor.subject, "now_ms": now_ms})


def outcome_of(run: Row) -> str:
    """In a word or two, what was done to a run."""
    came = run["came_of"]
    if came is None:
        return f"not said: {run['error']}" if run["state"] == "not_said" else "unknown"
    match came["type"]:
        case "InputRefused":
            return f"refused: {came['reason']}"
        case "InputAccepted":
            return "accepted"
        case "InputParked":
            return "parked"
        case _:
            return "applied"


def _watch(ask: Ask, followed: Followed, say: Callable[[Row, str], None], *, watch: bool) -> None:
    undriven_s = over_s = None
    shown_s = 0.0
    while True:
        _look(ask, followed)
        now_s = time.monotonic()
        _say_known(ask, followed, say, all_of_it=not watch)
        if followed.over:
            over_s = over_s or now_s
        if not watch or followed.known:
            return
        if over_s is not None and now_s - over_s > KNOWN_S:
            _say_known(ask, followed, say, all_of_it=True)
            return
        undriven_s = (undriven_s or now_s) if followed.operation["status"] == "waiting" else None
        if now_s - shown_s >= 1:
            shown_s = now_s
            nobody = undriven_s is not None and now_s - undriven_s > _DRIVEN_S
            bulk_shown.progress(followed.operation, followed.after, followed.outcomes, nobody_drives=nobody)
        time.sleep(_LOOK_EVERY_S)


def _look(ask: Ask, followed: Followed) -> None:
    asked = {"bulk_id": followed.bulk_id, "tenant": followed.tenant}
    # The states first: what is over by then has no run that begins to be told.
    (row,) = ask(ONE, asked)
    followed.states = {each["state"]: each["runs"] for each in ask(COUNTS, asked)}
    followed.operation = document(row)


def _say_known(ask: Ask, followed: Followed, say: Callable[[Row, str], None], *, all_of_it: bool) -> None:
    """Say the runs of which is known what came of them, up to the first of which it isn't; or all of them."""
    while True:
        asked = {"bulk_id": followed.bulk_id, "after": followed.after, "limit": PAGE}
        page = [told(row) for row in ask(RUNS, asked)]
        for run in page:
            outcome = outcome_of(run)
            if outcome == "unknown" and not all_of_it:
                return
            followed.outcomes[outcome] += 1
            followed.after = run["n"]
            say(run, outcome)
        if len(page) < PAGE:
            return


def _answer(bulk_id: str) -> str:
    """What Ctrl-C means. At a second one it means to leave."""
    words = f"It goes on by itself: `penstock bulk show {bulk_id} --watch`, `penstock bulk stop {bulk_id} --reason …`"
    if not is_terminal():
        stderr.print(words, markup=False)
        return "leave"
    try:
        stderr.print("\nStop the operation, or only this command?", markup=False)
        if typer.confirm("Stop it, so that no more runs are told?", default=False, err=True):
            return "stop"
    except typer.Abort:
        pass
    stderr.print(words, markup=False)
    return "leave"


def _is_bad(outcome: str) -> bool:
    return outcome.startswith(("refused", "not said", "parked"))


def _tenant(ask: Ask, bulk_id: str) -> str:
    found = ask(_OF_ANY, {"bulk_id": bulk_id})
    if not found:
        raise NotFound(f"there is no operation {bulk_id}: `penstock bulk list` lists them")
    return str(found[0]["tenant"])
