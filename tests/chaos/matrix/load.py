"""The running workload: starts runs evenly, and a person who votes, cancels, settles and discards meanwhile."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final

import psycopg

from penstock.audit import reading
from penstock.producers.errors import LogError
from penstock.producers.runs import StartReceipt
from penstock.schemas.ids import run_id
from penstock.schemas.run.records import VoteDecision
from tests.chaos.matrix.clients import NEIGHBOUR, TENANT
from tests.chaos.matrix.schedule import Workload
from tests.chaos.matrix.site import Site

LOOK_EVERY_S: Final = 0.25
TRICKLE_S: Final = 0.5
HTTP_THREADS: Final = 4

_numbers = itertools.count(1)


class Load:
    """One round's. `receipts`: the runs that were acknowledged. `votes`: what was said of a run's question."""

    def __init__(self, site: Site, workload: Workload, name: str, voted: Mapping[str, VoteDecision]) -> None:
        """`voted`: in earlier rounds. Views that are made anew ask again what was answered long ago."""
        self._voted = voted
        self._site, self._workload, self._name = site, workload, name
        self.receipts: list[str] = []
        self.votes: dict[str, VoteDecision] = {}
        self.cancelled: list[str] = []
        self.doubts: set[tuple[str, int]] = set()
        self.failure: BaseException | None = None
        self.asked: list[str] = []
        self._pending: list[StartReceipt] = []
        self._over_http: list[Future[str | None]] = []
        self._refused: set[str] = set()
        self._giving_up = threading.Event()
        self._enough = threading.Event()
        self._pool = ThreadPoolExecutor(HTTP_THREADS, thread_name_prefix="http")
        self._threads = [
            threading.Thread(target=self._guarded, args=(step,), name=step.__name__, daemon=True)
            for step in (self._start_all, self._answer_all)
        ]

    def begin(self) -> "Load":
        """Start both threads."""
        for thread in self._threads:
            thread.start()
        return self

    def acknowledge(self, seconds: float) -> int:
        """Start no more, wait until all starts are acknowledged; how many aren't. Then `receipts` is complete."""
        self._enough.set()
        until = time.monotonic() + seconds
        self._threads[0].join(seconds)
        for one in self._pending:
            with contextlib.suppress(LogError):
                one.wait(max(0.1, until - time.monotonic()))
                self.receipts.append(one.run_id)
        for future in self._over_http:
            with contextlib.suppress(TimeoutError):
                accepted = future.result(max(0.1, until - time.monotonic()))
                self.receipts += [accepted] if accepted else []
        return len(self.asked) - len(self.receipts)

    def unended(self) -> list[str]:
        """The acknowledged runs that the views don't show as ended; all while the views can't be read."""
        try:
            with self._site.connect() as connection:
                lines = reading.runs(connection, TENANT)
        except psycopg.Error:
            return list(self.receipts)
        ended = {line.run_id for line in lines if line.ended_at_ms is not None}
        return [receipt for receipt in self.receipts if receipt not in ended]

    def end(self) -> None:
        """Nobody says anything any more."""
        self._enough.set()
        self._giving_up.set()
        for thread in self._threads:
            thread.join(30)
        self._pool.shutdown(wait=True)

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001 whatever it is, the round must say so
            self.failure = error

    def _start_all(self) -> None:
        work = self._workload
        began = time.monotonic()
        for position in itertools.count():
            # After the load that was planned a trickle, so that the last fault too meets runs under way.
            late = max(0, position - work.runs) * TRICKLE_S
            at = began + min(position, work.runs) * work.over_s / work.runs + late
            if position >= work.runs and self._enough.wait(max(0.0, at - time.monotonic())):
                return
            time.sleep(max(0.0, at - time.monotonic()))
            number, key = next(_numbers), f"{self._name}-{position}"
            asked = run_id(TENANT, key)
            self.asked.append(asked)
            if position % work.refused_every == work.refused_every - 1:
                self._refused.add(asked)
            if position % work.api_every == 0:
                self._over_http.append(
                    self._pool.submit(
                        self._site.clients.start_over_http, f"case-{number}", key, self._giving_up
                    )
                )
            else:
                given = {"number": number, "naps": work.naps}
                self._pending.append(self._site.clients.app.start("order", given, key))
            if position % work.cancelled_every == work.cancelled_every - 1:
                self.cancelled.append(asked)

    def _answer_all(self) -> None:
        while not self._giving_up.wait(LOOK_EVERY_S):
            # A database that is away, or being replaced, answers later.
            with contextlib.suppress(psycopg.Error, LogError):
                self._answer()

    def _answer(self) -> None:
        with self._site.connect() as connection:
            waiting = reading.waiting_approvals(connection, TENANT)
            doubts = [
                (tenant, doubt)
                for tenant in (TENANT, NEIGHBOUR)
                for doubt in reading.calls_in_doubt(connection, tenant)
            ]
            parked = _parked(connection)
        self._vote(waiting)
        self._settle(doubts)
        clients = self._site.clients
        for run in tuple(self.cancelled):
            clients.say(f"cancel {run}", partial(clients.app.cancel, run, "no"))
        for run, parked_id in parked:
            clients.say(f"discard {parked_id}", partial(clients.olga().discard, run, parked_id, "poison"))

    def _vote(self, waiting: Iterable[reading.WaitingApproval]) -> None:
        clients = self._site.clients
        for one in waiting:
            decision = self._voted.get(one.run_id) or ("refuse" if one.run_id in self._refused else "grant")
            # Written down before it is said: what isn't in here, nobody has said.
            self.votes[one.run_id] = decision
            vote = partial(clients.sam.vote, one.run_id, one.approval_id, decision, one.args_sha256)
            clients.say(f"vote {one.approval_id}", vote)

    def _settle(self, doubts: Iterable[tuple[str, reading.CallInDoubt]]) -> None:
        clients = self._site.clients
        for tenant, doubt in doubts:
            call_id, attempt = doubt.call_id, doubt.attempt
            happened = self._site.target.settle(call_id, attempt)
            if happened is None:
                continue
            self.doubts.add((call_id, attempt))
            evidence = "a line in the target's journal" if happened else "no line; the target refuses it now"
            settle = partial(clients.olga(tenant).settle, doubt.run_id, call_id, attempt)
            clients.say(f"settle {call_id} {attempt}", partial(settle, happened=happened, evidence=evidence))


def _parked(connection: "psycopg.Connection[tuple[object, ...]]") -> list[tuple[str, str]]:
    """Parked inputs that nobody has released or discarded: run and input id."""
    rows = connection.execute(
        "SELECT run_id, event->>'input_id' FROM views.run_event AS parked WHERE type = 'InputParked'"
        " AND NOT EXISTS (SELECT FROM views.run_event AS later WHERE later.run_id = parked.run_id"
        " AND later.type IN ('InputDiscarded', 'InputReleased') AND later.event->>'parked_input_id' ="
        " parked.event->>'input_id')"
    )
    return [(str(run), str(parked)) for run, parked in rows]
