"""All of Penstock's processes on a broker and a database of one's own, started again when they die, as up does."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from penstock.audit import reading, witnesses
from penstock.audit.compare import behind
from penstock.audit.witnesses import ENDED, Execution, Verdict
from penstock.producers.kafka import KafkaLog
from penstock.producers.publisher import Publisher
from penstock.producers.runs import RunClient
from penstock.producers.signing import Authority, Keyring
from penstock.producers.topics_admin import ensure_topics
from penstock.runtime.postgres import connect, migrate
from penstock.schemas.codec import pinned_codec
from penstock.schemas.envelope.records import Actor
from penstock.schemas.topics import ALL_TOPICS
from tests.chaos.matrix.workers import wait_until_up
from tests.integration.processes import Processes, eventually

Answer = TypeVar("Answer")

ROLES = ("runs", "tools", "timers", "views")
TENANT = "local"


class Stack:
    """`kill`, `freeze` and the like act on the worker of a role; whatever dies is started again."""

    def __init__(
        self, kafka: str, database_url: str, home: Path, children: Processes, application: str
    ) -> None:
        self.kafka, self.database_url, self.home = kafka, database_url, home
        self.children = children
        self.target = home / "target.journal"
        self.target.touch()
        ensure_topics(kafka, ALL_TOPICS)
        migrate(database_url)
        keyring = Keyring.create(home / "keys.json")
        children.environment = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "DATABASE_URL": database_url,
            "PENSTOCK_HOME": str(home),
            "PENSTOCK_APPLICATION": application,
            "PENSTOCK_TEST_TARGET": str(self.target),
            "PENSTOCK_SESSION_TIMEOUT_MS": "6000",
        }
        self.log = KafkaLog(kafka, "chaos")
        self._publishers = [
            Publisher(self.log, pinned_codec(), keyring.signer(authority), "chaos")
            for authority in (Authority.APP, Authority.API, Authority.OPERATOR)
        ]
        app, api, operator = self._publishers
        self.api = api
        person = Actor(kind="person", subject="sam", roles=("supervisor", "operator"))
        self.app = RunClient(app, TENANT, Actor(kind="app", subject="app:local", roles=("analyst",)))
        self.sam = RunClient(api, TENANT, person)
        self.olga = RunClient(operator, TENANT, Actor(kind="person", subject="olga", roles=("operator",)))
        self.receipts: list[str] = []
        self.kept_running: set[str] = set(ROLES)
        # Saying "did not happen" of a call without a line in the journal takes a worker that is surely dead.
        self.holders_are_dead = True
        self._voted: set[str] = set()
        self._settled: set[tuple[str, int]] = set()
        self._views: Connection[TupleRow] | None = None
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def up(self) -> "Stack":
        """Start every worker."""
        for role in ROLES:
            self.start(role)
        self._keeper.start()
        return self

    def start(self, role: str, name: str = "", **environment: str) -> None:
        """Start a worker under its role's name, or another one's."""
        words = ["penstock.cli.main", "worker", role, "--name", name or role]
        self.children.start(name or role, words, **environment)

    def restart(self, role: str, **environment: str) -> None:
        """Stop a worker in order and start it again, with something in its environment."""
        self.kept_running.discard(role)
        child = self.children.running.pop(role)
        # A worker that still imports would die of the signal, and say nothing about how workers stop.
        wait_until_up(child)
        child.terminate()
        assert child.wait(20) == 0, self.children.tails()
        self.start(role, **environment)

    def wait_for_death(self, role: str, code: int, seconds: float = 40) -> None:
        """Until the worker has died by itself in that way; from then on it is kept running again."""
        try:
            self._drive_until(lambda: self.children.died(role), seconds, f"{role} didn't die")
            died = self.children.running.pop(role)
            self.start(role)
            assert died.returncode == code, self.children.tails()
        finally:
            # Also if it hasn't died: it may yet, and the next test needs it.
            self.kept_running.add(role)

    def publish(self, count: int, naps: int = 0) -> list[str]:
        """So many runs, each acknowledged."""
        base = len(self.receipts)
        started = [
            self.app.start("order", {"number": base + i, "amount": 7, "naps": naps}, f"order-{base + i}")
            for i in range(count)
        ]
        for one in started:
            one.wait(60)
        new = [one.run_id for one in started]
        self.receipts += new
        return new

    def finish(self, seconds: float = 90) -> Verdict:
        """Vote and settle until every acknowledged run has ended; what the three witnesses say then."""
        self._drive_until(self._all_ended, seconds, "some runs did not end")
        # A verdict reads the whole log: it isn't what to poll with.
        eventually(lambda: self._ask(self._is_caught_up), 60, lambda: f"views lag\n{self.children.tails()}")
        found: list[Verdict] = []

        def agreed() -> bool:
            found.append(self.verdict())
            return found[-1].agreed

        eventually(agreed, 60, lambda: "\n".join(map(str, found[-1].findings[:20])) + self.children.tails())
        return found[-1]

    def verdict(self) -> Verdict:
        """Receipts, target's journal and log, heard now."""
        with connect(self.database_url) as connection:
            return witnesses.verdict(
                connection, self.log, self.receipts, self.executions(), clock_skew_ms=1000
            )

    def executions(self) -> list[Execution]:
        """The target's own journal."""
        lines = [line.split() for line in self.target.read_text().splitlines()]
        return [Execution(key, nonce, int(time_ms)) for key, _, nonce, time_ms in lines]

    def drive(self) -> None:
        """Vote on what waits; settle what is in doubt by the target's journal."""
        waiting = self._ask(lambda views: reading.waiting_approvals(views, TENANT))
        doubts = self._ask(lambda views: reading.calls_in_doubt(views, TENANT))
        for approval in waiting:
            if approval.approval_id not in self._voted:
                self._voted.add(approval.approval_id)
                self.sam.vote(approval.run_id, approval.approval_id, "grant", approval.args_sha256, "granted")
        executed = {execution.call_key for execution in self.executions()}
        for doubt in doubts:
            if (doubt.call_id, doubt.attempt) not in self._settled:
                self._settled.add((doubt.call_id, doubt.attempt))
                happened = doubt.call_id in executed
                if not (happened or self.holders_are_dead):
                    self._settled.discard((doubt.call_id, doubt.attempt))
                    continue
                evidence = "a line in the target's journal" if happened else "no line, and its worker is dead"
                self.olga.settle(
                    doubt.run_id, doubt.call_id, doubt.attempt, happened=happened, evidence=evidence
                )

    def wait_until(self, status: str, count: int, seconds: float = 40) -> None:
        """Until at least so many runs have that status; nobody votes or settles meanwhile."""
        eventually(
            lambda: self.statuses().get(status, 0) >= count,
            seconds,
            lambda: f"{self.statuses()}\n{self.children.tails()}",
        )

    def use_application(self, path: str) -> None:
        """Deploy other code: the workers that load it are stopped and started again with it."""
        self.children.environment = {**self.children.environment, "PENSTOCK_APPLICATION": path}
        for role in ("runs", "tools"):
            self.restart(role)
            self.kept_running.add(role)

    @property
    def doubts_settled(self) -> int:
        """How many calls were in doubt so far."""
        return len(self._settled)

    def statuses(self) -> dict[str, int]:
        """How many runs have each status."""
        return self._ask(lambda views: reading.counts(views, TENANT))

    def close(self) -> None:
        """Stop keeping things running; the processes are their fixture's to stop."""
        self._stopping.set()
        if self._keeper.ident is not None:
            self._keeper.join()
        for publisher in self._publishers:
            publisher.close()
        self.log.close()
        if self._views is not None:
            self._views.close()

    def _ask(self, question: Callable[[Connection[TupleRow]], Answer]) -> Answer:
        """On one connection, kept until the database is replaced under it: whoever polls would open dozens a second."""
        if self._views is None:
            self._views = connect(self.database_url)
        try:
            return question(self._views)
        except psycopg.OperationalError:
            self._views.close()
            self._views = connect(self.database_url)
            return question(self._views)

    def _all_ended(self) -> bool:
        # Counts are cheap to poll; which ones ended is asked when enough have.
        if sum(count for status, count in self.statuses().items() if status in ENDED) < len(self.receipts):
            return False
        runs = self._ask(lambda views: reading.runs(views, TENANT))
        return {run.run_id for run in runs if run.ended_at_ms is not None} >= set(self.receipts)

    def _is_caught_up(self, views: Connection[TupleRow]) -> bool:
        return behind(views, self.log) == 0

    def _drive_until(self, holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
        def step() -> bool:
            self.drive()
            return holds()

        eventually(step, seconds, lambda: f"{otherwise}: {self.statuses()}\n{self.children.tails()}")

    def _keep(self) -> None:
        while not self._stopping.wait(0.2):
            for role in list(self.kept_running):
                child = self.children.running.get(role)
                if child is not None and child.poll() is not None:
                    self.start(role)
                    time.sleep(0.3)
