"""What happens in the demonstration, and what is shown of it."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Final

from penstock.audit import witnesses
from penstock.cli import shown
from penstock.cli.local import processes, state
from penstock.cli.screen import console
from penstock.examples.casework.demo_cast import Cast
from penstock.runtime.settings import Settings

KILLED: Final = ("worker",)
KILL_AFTER_S: Final = 0.2
PATIENCE_S: Final = 180.0
LOOK_EVERY_S: Final = 0.3


class Scenes:
    """The scenes in the order of their methods. `waiting_left` approvals are left for the newcomer to decide."""

    def __init__(self, settings: Settings, cast: Cast, waiting_left: int) -> None:
        self._settings = settings
        self._cast = cast
        self._waiting_left = waiting_left
        self._left: set[str] = set()
        self._granted: set[str] = set()
        self._settled: set[tuple[str, int]] = set()
        self._said = ""

    def publish(self, case_ids: tuple[str, ...]) -> None:
        """All but one through the SDK, the last through REST."""
        self._cast.start_by_sdk(list(case_ids[:-1]))
        self._say(f"{len(case_ids) - 1} reviews published through the SDK, every receipt awaited")
        task_id = self._cast.start_by_rest(case_ids[-1])
        self._say(f"1 review through REST: 202, task_id {task_id}")

    def wait_for_approvals(self) -> None:
        """Until each run asks a person, or has ended without."""

        def all_asked() -> bool:
            runs = self._cast.mine()
            asked = {run.run_id for run in runs if run.ended_at_ms} | {a.run_id for a in self._cast.waiting()}
            return asked >= set(self._cast.receipts)

        self._until(all_asked, "the runs didn't come to their approvals")
        self._say(f"{len(self._cast.waiting())} runs wait for a person's grant")
        waiting = [approval.approval_id for approval in self._cast.waiting()]
        self._left = set(waiting[len(waiting) - self._waiting_left :]) if self._waiting_left else set()

    def grant(self) -> None:
        """Sam grants what waits, but for what is left to the newcomer."""
        for approval in self._cast.waiting():
            if approval.approval_id not in self._left | self._granted:
                status = self._cast.grant(approval)
                if status in (200, 202):
                    self._granted.add(approval.approval_id)

    def grant_and_cut_the_power(self) -> None:
        """SIGKILL to the worker of runs and tools while the granted updates are under way."""
        self._say("sam (supervisor) grants; the power is cut while the updates are under way")
        waiting = [a for a in self._cast.waiting() if a.approval_id not in self._left]
        for approval in waiting[: len(waiting) // 2]:
            self._cast.grant(approval)
            self._granted.add(approval.approval_id)
        time.sleep(KILL_AFTER_S)
        self._kill()
        self.grant()

    def until_settled(self) -> bool:
        """Grant, settle and wait until nothing of ours moves any more; whether the witnesses agree."""

        def all_done() -> bool:
            self.grant()
            self._settle_doubts()
            runs = self._cast.mine()
            open_left = {a.run_id for a in self._cast.waiting() if a.approval_id in self._left}
            ended = {run.run_id for run in runs if run.ended_at_ms is not None}
            return ended | open_left >= set(self._cast.receipts)

        finished = self._until(all_done, "some runs did not reach their end")
        verdict = self._verdict()
        self._show_verdict(verdict)
        return finished and verdict.agreed

    def show_trail(self) -> None:
        """Every event of one run: the one that came in through REST."""
        run, lines = self._cast.trail(self._cast.receipts[-1])
        console.rule("one run's trail")
        if run is not None:
            shown.trail(run, lines)

    def show_what_waits(self, api_url: str, keys: dict[str, str]) -> None:
        """Approvals that wait, and where to look."""
        waiting = self._cast.waiting()
        console.rule("waiting for a person")
        for approval in waiting:
            arguments = approval.arguments
            console.print(
                f"{approval.approval_id}  role {approval.role}  {approval.tool}"
                f"  {arguments.get('case_id')} {arguments.get('outcome')} {arguments.get('amount_cents')} cents"
            )
        console.print(
            "nothing waits" if not waiting else "grant one: penstock approvals grant APPROVAL_ID --as sam"
        )
        console.rule("where to look")
        console.print(f"API      {api_url}      health {api_url}/health/ready")
        console.print(f"a run    penstock trail {self._cast.receipts[-1]}")
        console.print(f"try      curl -H 'Authorization: Bearer {keys['ana']}' {api_url}/v1/approvals")

    def _kill(self) -> None:
        standing = state.read(self._settings)
        alive = standing.alive() if standing else {}
        for name, process in alive.items():
            if name in KILLED:
                processes.send(process, signal.SIGKILL)
                self._say(f"SIGKILL to the {name}, process {process.pid}; its supervisor starts it again")

    def _settle_doubts(self) -> None:
        for doubt in self._cast.in_doubt():
            if (doubt.call_id, doubt.attempt) in self._settled:
                continue
            self._settled.add((doubt.call_id, doubt.attempt))
            happened = self._cast.settle(doubt)
            found = "happened" if happened else "did not happen"
            self._say(
                f"in doubt: {doubt.tool} {doubt.call_id}; olga looks into the case store's journal: it {found}"
            )

    def _verdict(self) -> witnesses.Verdict:
        """The views may be a moment behind the log: look again before saying so."""
        until = time.monotonic() + 15
        verdict = self._cast.verdict()
        while not verdict.agreed and time.monotonic() < until:
            time.sleep(1)
            verdict = self._cast.verdict()
        return verdict

    def _show_verdict(self, verdict: witnesses.Verdict) -> None:
        console.rule("the three witnesses")
        console.print(
            f"receipts: {verdict.receipts} acknowledged, {verdict.ended} ended,"
            f" {verdict.open_questions} wait for a person"
        )
        console.print(f"the case store's journal: {verdict.executions} executions")
        console.print(f"the log: folded, and compared with {verdict.rows_compared} rows of the views")
        doubts = self._cast.doubts_so_far()
        for (tool, by), count in sorted(Counter(doubts).items()):
            console.print(f"in doubt after the kill: {count} {tool}, settled by {by}")
        if not doubts:
            console.print("in doubt after the kill: nothing")
        for finding in verdict.findings:
            console.print(f"[red]{finding}[/red]")
        if verdict.agreed:
            console.print(
                "[green]they agree: nothing lost, no side effect twice, every update granted[/green]"
            )

    def _until(self, holds: Callable[[], bool], otherwise: str) -> bool:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            self._progress()
            if time.monotonic() > until:
                console.print(f"[red]{otherwise} within {PATIENCE_S:.0f} s[/red]")
                return False
            time.sleep(LOOK_EVERY_S)
        self._progress()
        return True

    def _progress(self) -> None:
        counts = Counter(run.status for run in self._cast.mine())
        line = " · ".join(f"{status} {count}" for status, count in sorted(counts.items()))
        if line != self._said:
            self._said = line
            self._say(f"[dim]{len(self._cast.receipts)} runs: {line or 'not in the views yet'}[/dim]")

    def _say(self, line: str) -> None:
        console.print(f"[cyan]{datetime.now().strftime('%H:%M:%S')}[/cyan] {line}")
